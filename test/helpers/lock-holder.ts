/*
 * Another process, or another thread of this one, that wants a lock; it does what its arguments say and tells how it
 * went, as one JSON value a line or message.
 *
 *   take PATH       takes the lock, reports, and holds it until it is ended
 *   forget PATH     takes the lock, drops every reference, collects garbage, reports, and stays (needs --expose-gc)
 *   look PATH       reports whether the lock is held
 *   stare PATH      looks over and over until it is ended; reports once it has begun
 *   fill PATH       appends 4096 bytes to the file and reports what came of it (started under a file size limit)
 */
import { parentPort, workerData } from 'node:worker_threads'
import { isSeglogError } from '../../src/core/index.ts'
import { nodeFileSystem } from '../../src/fs/index.ts'

const [verb, path] = (parentPort === null ? process.argv.slice(2) : workerData) as [string, string]

function report(value: unknown): void {
  if (parentPort === null) process.stdout.write(`${JSON.stringify(value)}\n`)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
  else parentPort.postMessage(value)
}

function take(): unknown {
  try {
    nodeFileSystem.lock(path)
    return 'taken'
  } catch (error) {
    return isSeglogError(error)
      ? { code: error.code, found: error.found, message: error.message }
      : String(error)
  }
}

function fill(): unknown {
  const file = nodeFileSystem.openSync(path, 'create')
  try {
    file.appendSync(Buffer.alloc(4096, 'x'), 0)
    return 'filled'
  } catch (error) {
    const sizeBytes = file.sizeSync()
    file.truncateSync(0)
    return { code: (error as NodeJS.ErrnoException).code, sizeBytes, cutTo: file.sizeSync() }
  } finally {
    file.close()
  }
}

async function forget(): Promise<unknown> {
  const result = take()
  for (let round = 0; round < 10; round++) {
    ;(globalThis as unknown as { gc: () => void }).gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return result
}

const stay = () => setInterval(() => {}, 60_000)

if (verb === 'take') {
  report(take())
  stay()
} else if (verb === 'forget') {
  report(await forget())
  stay()
} else if (verb === 'look') {
  report(nodeFileSystem.isLocked(path))
} else if (verb === 'fill') {
  report(fill())
} else {
  report('staring')
  for (;;) nodeFileSystem.isLocked(path)
}
