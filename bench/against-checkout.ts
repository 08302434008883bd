/*
 * Another commit of this repository, checked out beside it for as long as it is measured.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { git } from './git.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A commit, as it was asked for and as what it is. */
export interface Revision {
  readonly name: string
  readonly commit: string
}

/** Finds a commit by whatever names it. Errors: RangeError with a message for the user. */
export function findRevision(rev: string): Revision {
  let commit: string
  try {
    commit = git(ROOT, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${rev}^{commit}`])
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? (error as Error).message).trim()
    throw new RangeError(`--against: '${rev}' names no commit of this repository${said && `: ${said}`}`, {
      cause: error,
    })
  }
  const short = git(ROOT, ['rev-parse', '--short', commit])
  return { name: commit.startsWith(rev) ? short : `${rev} (${short})`, commit }
}

/**
 * Checks the commit out into `directory`, which must not exist, with the packages that it wants; `remove` it, also
 * when this has failed.
 */
export async function checkOut({
  commit,
  directory,
  signal,
}: {
  commit: string
  directory: string
  signal: AbortSignal
}): Promise<void> {
  // No hook of the user's is to run for a checkout that nobody works in.
  const words = [
    '-c',
    'core.hooksPath=/dev/null',
    'worktree',
    'add',
    '--quiet',
    '--detach',
    directory,
    commit,
  ]
  git(ROOT, words)
  if (!existsSync(join(directory, 'src', 'index.ts')))
    throw new Error(`commit ${commit} has no src/index.ts: there is nothing to measure`)
  if (isSameFile(join(ROOT, 'package-lock.json'), join(directory, 'package-lock.json'))) {
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'dir')
    return
  }
  process.stderr.write('the other commit has another package-lock.json: npm ci for it\n')
  await install(directory, signal)
}

/** Removes what `checkOut` has made, from the disk and from git's list; nothing where it has made nothing. */
export function removeCheckout(directory: string): void {
  try {
    git(ROOT, ['worktree', 'remove', '--force', directory])
  } catch (error) {
    // Not listed: the checkout failed before git had put it on its list, or git was stopped and took it off again.
    if (git(ROOT, ['worktree', 'list', '--porcelain']).includes(directory)) throw error
  }
}

function isSameFile(one: string, other: string): boolean {
  return existsSync(one) && existsSync(other) && readFileSync(one).equals(readFileSync(other))
}

/** Installs what the engine needs and nothing for its tests. Errors: Error with what npm said. */
async function install(directory: string, signal: AbortSignal): Promise<void> {
  const words = ['ci', '--omit=dev', '--no-audit', '--no-fund', '--prefix', directory]
  const child = spawn('npm', words, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], signal })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => void said.push(text))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`npm ci for the other commit ended with ${code}:\n${said.join('').trim()}`)
}
