import { closeSync, openSync, readSync, watch } from 'node:fs'
import type { Log } from '../../src/index.ts'
import type { Arrivals } from './arrivals.ts'
import { loadEngine } from './engine.ts'

const CHUNK_BYTES = 256 * 1024
const LENGTH_BYTES = 4

/** Told after each stretch of records, so that whoever sends can wait for them. */
type OnProgress = () => void

/** Follows a log, the writer's own or one that was opened for reading, until everything has come. */
export async function followLog(log: Log, arrivals: Arrivals, onProgress: OnProgress): Promise<void> {
  for await (const { value } of log.read({ follow: true })) {
    arrivals.add(value!)
    onProgress()
    if (arrivals.isComplete) return
  }
}

/** The same in a process that has no log yet: opens it read-only. */
export async function followDirectory(
  path: string,
  arrivals: Arrivals,
  onProgress: OnProgress,
): Promise<void> {
  const { openLog } = await loadEngine()
  const log = await openLog(path, { readOnly: true })
  await followLog(log, arrivals, onProgress)
  await log.close()
}

/** The bare baseline: is told by the system that a file has changed, and reads what is new in it, length-prefixed. */
export async function followFile(path: string, arrivals: Arrivals, onProgress: OnProgress): Promise<void> {
  const descriptor = openSync(path, 'r')
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  let position = 0
  const readNew = (): void => {
    for (;;) {
      const count = readSync(descriptor, chunk, 0, chunk.length, position)
      const usedBytes = takeValues(chunk.subarray(0, count), arrivals)
      if (usedBytes === 0) return
      position += usedBytes
      onProgress()
    }
  }
  await new Promise<void>((resolve, reject) => {
    const watcher = watch(path)
    const look = (): void => {
      readNew()
      if (!arrivals.isComplete) return
      watcher.close()
      resolve()
    }
    watcher.on('change', look)
    watcher.on('error', reject)
    look() // what was written before the watch began
  })
  closeSync(descriptor)
}

/** Takes whole values from the start of `bytes`; gives how many bytes they were. */
function takeValues(bytes: Buffer, arrivals: Arrivals): number {
  let at = 0
  while (at + LENGTH_BYTES <= bytes.length) {
    const end = at + LENGTH_BYTES + bytes.readUInt32BE(at)
    if (end > bytes.length) break
    arrivals.add(bytes.subarray(at + LENGTH_BYTES, end))
    at = end
  }
  return at
}
