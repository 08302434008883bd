import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { FileSystem, Log, LogOptions } from '../../src/index.ts'
import { loadEngine, loadLayer } from './engine.ts'
import { createBatches } from './payload.ts'

/** The machine's file system, but that its syncs do nothing. */
export async function unsyncedFileSystem(): Promise<FileSystem> {
  const { nodeFileSystem } = await loadLayer('fs/index.ts')
  return {
    ...nodeFileSystem,
    openSync(path, mode) {
      const handle = nodeFileSystem.openSync(path, mode)
      handle.syncData = async () => {}
      return handle
    },
    syncDirectory: async () => {},
  }
}

/** Opens a log whose syncs do nothing: it is setup, and what it writes has to survive nothing. */
export async function openUnsynced(directory: string, options: LogOptions): Promise<Log> {
  const { openLog } = await loadEngine()
  const fileSystem = await unsyncedFileSystem()
  return openLog(directory, { durability: 'os', cleanup: false, ...options, fileSystem })
}

/** Writes a log of `segments` segments, a batch each, and closes it; gives its end offset. */
export async function writeSegments(
  directory: string,
  shape: { segments: number; recordsPerBatch: number; valueBytes: number },
): Promise<{ endOffset: number; segmentBytes: number }> {
  const [batch] = createBatches({ batchCount: 1, ...shape })
  const batchBytes = 61 + shape.recordsPerBatch * (shape.valueBytes + 16) // room for one batch, none for two
  const log = await openUnsynced(directory, { config: { 'internal.segment.bytes': batchBytes } })
  for (let count = 0; count < shape.segments; count++) await log.append(batch!)
  const { endOffset } = log
  const segmentBytes = log.segments()[0]!.sizeBytes
  if (log.segments().length !== shape.segments) throw new Error(`${log.segments().length} segments were made`)
  await log.close()
  return { endOffset, segmentBytes }
}

/** The segment files of a log, oldest first. */
export function segmentPaths(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => join(directory, name))
}

/** Bytes in the segment files of a log. */
export function sumSegmentBytes(directory: string): number {
  return segmentPaths(directory).reduce((sum, path) => sum + statSync(path).size, 0)
}
