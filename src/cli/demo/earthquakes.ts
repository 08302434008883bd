import { join } from 'node:path'
import { nodeFileSystem, readSmallFile } from '../../fs/index.ts'
import type { LogRecord, RecordInput } from '../../index.ts'
import { DemoFailure } from './failure.ts'

/** One earthquake of the sample; `line` is its JSON as the file has it, and the value of its record. */
export interface Earthquake {
  readonly id: string
  readonly time: number
  /** The network that reported it: the key of its record. */
  readonly net: string
  readonly mag: number
  readonly place: string
  readonly line: string
}

const PATH = join(import.meta.dirname, '..', '..', '..', 'data', 'samples', 'earthquakes.ndjson')
const FILE_BYTES_MAX = 4 * 1024 * 1024

/** Reads the sample, in order of time. Errors: a DemoFailure when it is missing or not what it should be. */
export function readEarthquakes(): Earthquake[] {
  const bytes = readSmallFile(nodeFileSystem, PATH, FILE_BYTES_MAX)
  if (bytes === undefined)
    throw new DemoFailure(3, `${PATH} is missing: run this in a clone of the repository`)
  return bytes.toString('utf8').trimEnd().split('\n').map(parseEarthquake)
}

/** The earthquake for `offset` of a log that holds the sample over and over. */
export function nth(earthquakes: readonly Earthquake[], offset: number): Earthquake {
  const earthquake = earthquakes[offset % earthquakes.length]
  if (earthquake === undefined) throw new DemoFailure(3, `${PATH} is empty`)
  return earthquake
}

/** The record of an earthquake: its network is the key, its time the timestamp, its JSON the value. */
export function toRecord({ net, time, line }: Earthquake): RecordInput {
  return { key: net, value: line, timestamp: time }
}

/** The earthquake a record holds. */
export function fromRecord(record: LogRecord): Earthquake {
  return parseEarthquake(record.value?.toString('utf8') ?? '')
}

/** True when `record` is what `toRecord` made of `quake`, byte for byte. */
export function isRecordOf(record: LogRecord | undefined, quake: Earthquake | undefined): boolean {
  if (record === undefined || quake === undefined) return false
  const { key, value, timestamp } = record
  return key?.toString() === quake.net && value?.toString() === quake.line && timestamp === quake.time
}

function parseEarthquake(line: string): Earthquake {
  const fields: unknown = JSON.parse(line)
  if (!isEarthquake(fields)) throw new DemoFailure(3, `not an earthquake: ${line.slice(0, 100)}`)
  const { id, time, net, mag, place } = fields
  return { id, time, net, mag, place, line }
}

function isEarthquake(value: unknown): value is Omit<Earthquake, 'line'> {
  if (typeof value !== 'object' || value === null) return false
  const { id, time, net, mag, place } = value as Partial<Record<string, unknown>>
  return (
    typeof id === 'string' &&
    typeof net === 'string' &&
    typeof time === 'number' &&
    typeof mag === 'number' &&
    typeof place === 'string'
  )
}
