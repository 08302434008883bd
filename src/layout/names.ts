/*
 * Every file name a log can have, and what each one means.
 *
 *   00000000000000081920.log            a segment; 20 digits, always ASCII, whatever the machine's locale
 *   00000000000000081920.log.deleted    on its way out: goes at the next opening
 *   00000000000000081920.log.cleaned    a rewrite that was not finished: goes at the next opening
 *   00000000000000081920.log.swap       a rewrite that was finished and not yet put in place
 *   00000000000000081920.log.tmp        a repair's copy, not yet renamed over its segment: goes at the next opening
 *   00000000000000081920.timeindex      Kafka's, beside a segment it wrote; takes the same state suffixes
 *
 * A name is ours only when we would write it exactly so: `1.log` or 21 digits are somebody else's file.
 */
import { assert, isOffset } from '../core/index.ts'
import { TEMPORARY_SUFFIX } from '../fs/index.ts'

/** Ends the name of a segment. */
export const LOG_SUFFIX = '.log'

/** Ends the name of a file that waits to be removed; added to the whole name. */
export const DELETED_SUFFIX = '.deleted'

/** Ends the name of a rewritten segment that is not complete; added to the whole name. */
export const CLEANED_SUFFIX = '.cleaned'

/** Ends the name of a rewritten segment that is complete and takes its place next; added to the whole name. */
export const SWAP_SUFFIX = '.swap'

/** What Kafka keeps beside a segment; seglog writes none of them, and removes them before it changes their segment. */
export const SIDECARS = ['index', 'timeindex', 'txnindex', 'snapshot'] as const

/** One of the files Kafka keeps beside a segment. */
export type Sidecar = (typeof SIDECARS)[number]

/** Every file of the directory that is neither a segment nor beside one, by what it is. */
export const FILE_NAMES = {
  metaProperties: 'meta.properties',
  lock: '.lock',
  lockOwner: 'lock-owner.json',
  index: 'index.db',
  indexWal: 'index.db-wal',
  indexShm: 'index.db-shm',
  indexJournal: 'index.db-journal',
  cleanMarker: '.kafka_cleanshutdown',
  recoveryPoints: 'recovery-point-offset-checkpoint',
  startOffsets: 'log-start-offset-checkpoint',
  cleanerOffsets: 'cleaner-offset-checkpoint',
  highWatermarks: 'replication-offset-checkpoint', // Kafka's alone: kept, and lowered when a log is cut below it
  ballast: 'ballast',
  leaderEpochs: 'leader-epoch-checkpoint',
  partitionMetadata: 'partition.metadata',
  topicProperties: 'topic.properties',
  quarantine: 'quarantine',
  watermark: 'watermark',
  failed: 'FAILED',
} as const

/** The files that are replaced whole, so that a crash can leave `<name>.tmp`. */
const REPLACED_NAMES: ReadonlySet<string> = new Set([
  FILE_NAMES.metaProperties,
  FILE_NAMES.cleanMarker,
  FILE_NAMES.recoveryPoints,
  FILE_NAMES.startOffsets,
  FILE_NAMES.cleanerOffsets,
  FILE_NAMES.highWatermarks,
  FILE_NAMES.leaderEpochs,
  FILE_NAMES.partitionMetadata,
  FILE_NAMES.topicProperties,
  FILE_NAMES.failed,
])

const OWN_NAMES: ReadonlySet<string> = new Set(Object.values(FILE_NAMES))

/** What a name in a log's or a store's directory stands for; `unknown` is left alone and reported. */
export type EntryName =
  | { readonly kind: 'segment'; readonly baseOffset: number }
  | {
      readonly kind: 'deleted' | 'cleaned' | 'swap'
      readonly baseOffset: number
      readonly of: 'log' | Sidecar
    }
  | { readonly kind: 'sidecar'; readonly baseOffset: number; readonly of: Sidecar }
  | { readonly kind: 'own'; readonly name: string }
  /** Left by a crash before a rename: never read, safe to remove. */
  | { readonly kind: 'temporary' }
  | { readonly kind: 'unknown' }

const ENTRY = /^(\d{20})\.(log|index|timeindex|txnindex|snapshot)(?:\.(deleted|cleaned|swap|tmp))?$/

/** The name of the segment whose first offset is `baseOffset`: 20 digits and `.log`. */
export function segmentFileName(baseOffset: number): string {
  return formatBase(baseOffset) + LOG_SUFFIX
}

/** The name of one of Kafka's files beside the segment at `baseOffset`. */
export function sidecarFileName(baseOffset: number, of: Sidecar): string {
  return `${formatBase(baseOffset)}.${of}`
}

/** The base offset of a segment's file name; undefined unless `name` is exactly what `segmentFileName` writes. */
export function parseSegmentFileName(name: string): number | undefined {
  const entry = classifyEntry(name)
  return entry.kind === 'segment' ? entry.baseOffset : undefined
}

/** Says what the entry called `name` is, by its name alone: the caller checks that it is a regular file. */
export function classifyEntry(name: string): EntryName {
  if (OWN_NAMES.has(name)) return { kind: 'own', name }
  if (name.endsWith(TEMPORARY_SUFFIX) && REPLACED_NAMES.has(name.slice(0, -TEMPORARY_SUFFIX.length))) {
    return { kind: 'temporary' }
  }
  const match = ENTRY.exec(name)
  const baseOffset = Number(match?.[1])
  if (match === null || !isOffset(baseOffset)) return { kind: 'unknown' } // 20 digits can exceed 2^53
  const of = match[2] as 'log' | Sidecar
  const state = match[3] as 'deleted' | 'cleaned' | 'swap' | 'tmp' | undefined
  if (state === 'tmp') return { kind: of === 'log' ? 'temporary' : 'unknown' }
  if (state !== undefined) return { kind: state, baseOffset, of }
  return of === 'log' ? { kind: 'segment', baseOffset } : { kind: 'sidecar', baseOffset, of }
}

function formatBase(baseOffset: number): string {
  assert(isOffset(baseOffset), `base offset ${baseOffset}`)
  return String(baseOffset).padStart(20, '0')
}
