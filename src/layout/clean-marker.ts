/*
 * `.kafka_cleanshutdown`: says that every log below it was closed in order, and how each one ended. Kafka reads the
 * first two fields and ignores ours:
 *
 *   {"version":0,"brokerEpoch":-1,"seglog":{"version":1,"logs":[{"topic":"orders","partition":0,…}],"checksum":17}}
 *
 * The checksum is over the JSON of `logs`: what opening can't compare with the segment, the largest timestamp, must not
 * change by a flipped bit either. The file is written last at a clean close and removed durably before the first write after opening. One that is odd in
 * any way counts for nothing: the log is then opened as after a crash, which only costs time.
 */
import { assert, isOffset } from '../core/index.ts'
import type { FileSystem } from '../fs/index.ts'
import { CHECKPOINT_BYTES_MAX, readSmallText } from './checkpoint-text.ts'
import { smallFileChecksum } from './checksum.ts'
import { isPartition, partitionDirectoryName, topicNameProblem } from './topic-names.ts'

/** How a log ended at its clean close; opening compares it with what it finds. */
export interface CleanLogState {
  readonly topic: string
  readonly partition: number
  /** Which life of which log this was, as the log names it: 1 to 128 characters of printable ASCII. */
  readonly identity: string
  readonly activeBase: number
  /** Of the active segment. */
  readonly sizeBytes: number
  readonly nextOffset: number
  /** Where the last batch of the active segment starts; null when it has none. */
  readonly lastBatchPosition: number | null
  /** That batch's stored CRC; null when there is none. */
  readonly lastBatchCrc: number | null
  /** The largest timestamp in the active segment; -1 when it has none. */
  readonly maxTimestamp: number
}

/** What a marker said: by log (`<topic>-<partition>`), or only that Kafka closed the directory. */
export type CleanMarker =
  | { readonly kafkaOnly: true }
  | { readonly kafkaOnly: false; readonly logs: ReadonlyMap<string, CleanLogState> }

const KAFKA_VERSION = 0
const SEGLOG_VERSION = 1
const IDENTITY = /^[\x20-\x7e]{1,128}$/
const UINT32_MAX = 0xffff_ffff

/** One check a field; a marker is believed only when it has exactly these fields, each of its kind. */
const FIELD_CHECKS: Record<keyof CleanLogState, (value: unknown) => boolean> = {
  topic: (value) => topicNameProblem(value) === undefined,
  partition: isPartition,
  identity: (value) => typeof value === 'string' && IDENTITY.test(value),
  activeBase: isOffset,
  sizeBytes: isOffset,
  nextOffset: isOffset,
  lastBatchPosition: (value) => value === null || isOffset(value),
  lastBatchCrc: (value) => value === null || (isOffset(value) && value <= UINT32_MAX),
  maxTimestamp: (value) => Number.isSafeInteger(value),
}

const FIELDS = Object.keys(FIELD_CHECKS) as (keyof CleanLogState)[]

/** Formats the marker of a directory whose logs ended as `logs` say. */
export function formatCleanMarker(logs: readonly CleanLogState[]): string {
  for (const log of logs) assert(isCleanLogState(log), 'clean marker entry')
  const fields = logs.map((log) => pickFields(log))
  const seglog = { version: SEGLOG_VERSION, logs: fields, checksum: checksumOf(fields) }
  return `${JSON.stringify({ version: KAFKA_VERSION, brokerEpoch: -1, seglog })}\n`
}

/** Parses a marker; undefined for anything that neither Kafka nor this version of seglog would write. */
export function parseCleanMarker(text: string): CleanMarker | undefined {
  const marker = parseObject(text)
  if (marker === undefined || own(marker, 'version') !== KAFKA_VERSION) return undefined
  if (!Number.isSafeInteger(own(marker, 'brokerEpoch'))) return undefined
  if (!Object.hasOwn(marker, 'seglog')) return { kafkaOnly: true }
  const seglog = own(marker, 'seglog')
  if (!isObject(seglog) || own(seglog, 'version') !== SEGLOG_VERSION) return undefined
  const found = own(seglog, 'logs')
  if (!Array.isArray(found)) return undefined
  const logs = new Map<string, CleanLogState>()
  for (const log of found as readonly unknown[]) {
    if (!isCleanLogState(log)) return undefined
    logs.set(partitionDirectoryName(log), pickFields(log))
  }
  if (logs.size !== found.length || own(seglog, 'checksum') !== checksumOf([...logs.values()]))
    return undefined
  return { kafkaOnly: false, logs }
}

/** Reads the marker at `path`; undefined when there is none, or none to believe. Errors: the system's. */
export function readCleanMarker(fileSystem: FileSystem, path: string): CleanMarker | undefined {
  const found = readSmallText(fileSystem, path, {
    bytesMax: CHECKPOINT_BYTES_MAX,
    parse: (text) => ({ value: parseCleanMarker(text) }),
  })
  return found?.value
}

function checksumOf(logs: readonly CleanLogState[]): number {
  return smallFileChecksum(Buffer.from(JSON.stringify(logs)))
}

function isCleanLogState(value: unknown): value is CleanLogState {
  if (!isObject(value) || Object.keys(value).length !== FIELDS.length) return false
  if (!FIELDS.every((field) => Object.hasOwn(value, field) && FIELD_CHECKS[field](value[field]))) return false
  const log = value as unknown as CleanLogState
  if (log.nextOffset < log.activeBase) return false
  if (log.lastBatchPosition === null || log.lastBatchCrc === null)
    return log.lastBatchPosition === log.lastBatchCrc
  return log.lastBatchPosition < log.sizeBytes
}

function pickFields(log: CleanLogState): CleanLogState {
  const {
    topic,
    partition,
    identity,
    activeBase,
    sizeBytes,
    nextOffset,
    lastBatchPosition,
    lastBatchCrc,
    maxTimestamp,
  } = log
  return {
    topic,
    partition,
    identity,
    activeBase,
    sizeBytes,
    nextOffset,
    lastBatchPosition,
    lastBatchCrc,
    maxTimestamp,
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined // no JSON: an unclean close, like every other oddity here
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function own(value: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined
}
