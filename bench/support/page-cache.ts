/*
 * Takes files out of the kernel's page cache, so that the next read of them goes to the disk. Node can't: GNU dd asks the
 * kernel for it (posix_fadvise, which needs no rights but to write the file), and fincore of util-linux says whether it
 * was done.
 */
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PROBE_BYTES = 256 * 1024
const ATTEMPTS = 5

/** Takes all of the files out; they may be open, and are not changed. Errors: Error where some of them stays. */
export function dropFromPageCache(paths: readonly string[]): void {
  let left = 0
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // Only what is on disk can be dropped: fdatasync comes first.
    for (const path of paths)
      run('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none'])
    left = cachedBytes(paths)
    if (left === 0) return
  }
  throw new Error(`${left} bytes stay in the page cache`)
}

/** How much of the files is in the page cache. */
export function cachedBytes(paths: readonly string[]): number {
  return run('fincore', ['--bytes', '--noheadings', '--output', 'RES', ...paths])
    .split('\n')
    .reduce((sum, line) => sum + Number(line), 0)
}

/** Why files in `directory` can't be taken out of the page cache, found by trying; undefined where they can. */
export function whyPageCacheStays(directory: string): string | undefined {
  const path = join(directory, 'page-cache-probe')
  try {
    writeFileSync(path, Buffer.alloc(PROBE_BYTES, 1))
    if (cachedBytes([path]) === 0) return 'fincore finds nothing in the page cache that was just written'
    dropFromPageCache([path])
    return undefined
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string }
    if (code !== 'ENOENT') return `the page cache can't be dropped: ${message.trim()}`
    return 'GNU dd and fincore (util-linux) are needed to drop the page cache, and one is not there'
  } finally {
    rmSync(path, { force: true })
  }
}

function run(program: string, words: readonly string[]): string {
  return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
