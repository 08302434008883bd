import type { FileSystem } from '../fs/index.ts'
import {
  type EpochEntry,
  lastEpoch,
  type LogPaths,
  readEpochs,
  truncateEpochsFromEnd,
} from '../layout/index.ts'
import type { SegmentWriter } from '../segment/index.ts'
import { lastBatchEpoch } from './last-batch-epoch.ts'
import type { LogIdentity } from './log-identity.ts'

/** The leader epochs of a log as they were found. */
export interface FoundEpochs {
  readonly kept: readonly EpochEntry[]
  /** The file has others, or can't be believed: it is to be replaced before the first write. */
  readonly isStale: boolean
  /** The one that new batches carry. */
  readonly current: number
}

/**
 * The leader epochs of the log as it is; an epoch that begins above its end is of a tail that was cut, or of a truncation
 * that ended half-way: no record has it, and those that come next must not. A file that can't be believed is replaced by
 * an empty one: a broker would not start with it. Where Kafka's epochs are not known, those of its records go on: they never
 * fall. Errors: the system's.
 */
export function findEpochs(
  fileSystem: FileSystem,
  { leaderEpochs }: Pick<LogPaths, 'leaderEpochs'>,
  log: {
    readonly active: SegmentWriter
    readonly endOffset: number
    readonly offsets: LogIdentity['offsets']
  },
): FoundEpochs {
  const { value: epochs = [], problem } = readEpochs(fileSystem, leaderEpochs)
  const kept = truncateEpochsFromEnd(epochs, log.endOffset + 1)
  const isReplaceable = fileSystem.statSync(leaderEpochs)?.kind !== 'directory'
  const isStale = kept.length < epochs.length || (problem !== undefined && isReplaceable)
  const isUnknown = kept.length === 0 && log.offsets === 'sparse'
  return { kept, isStale, current: isUnknown ? lastBatchEpoch(log.active) : lastEpoch(kept) }
}
