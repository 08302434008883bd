/*
 * What logs tell through node:diagnostics_channel. A message is published after what it tells of is done and everybody
 * who waits for it has been answered; whoever publishes asks `hasSubscribers` first.
 */
import { openChannel } from '../core/index.ts'
import type { Durability } from './durability.ts'
import type { RecoveryReport } from './recovery-report.ts'

/** Which log an event is of; `topic` is `log` and `partition` 0 for one that was opened by itself. */
export interface LogEvent {
  readonly topic: string
  readonly partition: number
  readonly directory: string
}

/** `seglog:append`: records were written with one write, and their appends acknowledged. */
export interface AppendEvent extends LogEvent {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly records: number
  /** As they lie in the segment. */
  readonly bytes: number
  /** The level that all of them have reached. */
  readonly durability: Durability
  /** From the first step of the write, a roll before it included, to the acknowledgement. */
  readonly ms: number
}

/** `seglog:flush`: a sync of the log has succeeded. */
export interface FlushEvent extends LogEvent {
  /** Below it everything is on disk. */
  readonly durableOffset: number
  readonly ms: number
}

/** `seglog:roll`: a segment is complete, and the next one in place. */
export interface RollEvent extends LogEvent {
  /** The rule that asked for it, or `asked`: a call did. */
  readonly reason: string
  /** Where the new segment starts. */
  readonly baseOffset: number
  /** Of the segment that is complete. */
  readonly path: string
  readonly sizeBytes: number
}

/** `seglog:recover`: a log was opened for writing. */
export interface RecoverEvent extends LogEvent {
  readonly recovery: RecoveryReport
}

/** `seglog:delete`: segments have left a log, or a topic its store. */
export type DeleteEvent =
  | (LogEvent & {
      readonly kind: 'segments'
      /** Where the log starts now. */
      readonly startOffset: number
      readonly segments: readonly {
        readonly baseOffset: number
        readonly nextOffset: number
        readonly sizeBytes: number
      }[]
    })
  | {
      readonly kind: 'topic'
      readonly topic: string
      readonly topicId: string
      readonly partitions: number
      /** Of the store. */
      readonly directory: string
    }

/** `seglog:poison`: a log takes no more appends, because a sync failed or nobody knows what is in its files. */
export interface PoisonEvent extends LogEvent {
  readonly error: Error
  /** What is certain to be there when it is opened again. */
  readonly durableOffset: number
}

/** The channels, by what they tell. */
export const events = {
  append: openChannel<AppendEvent>('seglog:append'),
  flush: openChannel<FlushEvent>('seglog:flush'),
  roll: openChannel<RollEvent>('seglog:roll'),
  recover: openChannel<RecoverEvent>('seglog:recover'),
  delete: openChannel<DeleteEvent>('seglog:delete'),
  poison: openChannel<PoisonEvent>('seglog:poison'),
} as const

/** The fields by which every event says which log it is of. */
export function eventOf({ topic, partition, directory }: LogEvent): LogEvent {
  return { topic, partition, directory }
}
