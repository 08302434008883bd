/*
 * Small logs in memory to damage in every possible way, and a way to look at what becomes of one: thousands of openings
 * in one test, so what is wrong is collected as text instead of being expected call by call.
 */
import {
  type Damage,
  isSeglogError,
  type Log,
  type LogOptions,
  type LogRecord,
  openLog,
  type RecordInput,
} from '../../src/index.ts'
import { isExhaustive } from './exhaustive.ts'
import { MemoryFileSystem } from './memory-file-system.ts'
import { seed } from './seed.ts'

export const DIRECTORY = '/log'

interface SampleShape {
  readonly segmentBytes: number
  /** How many records each batch has. */
  readonly counts: readonly number[]
  readonly record: (offset: number) => Required<RecordInput>
}

const SHAPES = {
  /** Three segments of two batches each; the second batch of each holds two records. */
  small: {
    segmentBytes: 170,
    counts: [1, 2, 1, 2, 1, 2],
    record: (offset) => ({ key: null, value: `v${offset}`, timestamp: 1000 + offset, headers: [] }),
  },
  /** Three segments of four batches each, with keys, headers and values of every kind, and times that go back. */
  wide: {
    segmentBytes: 520,
    counts: [2, 1, 3, 1, 1, 3, 1, 2, 2, 1, 1, 2, 1, 2],
    record: (offset) => ({
      key: [null, `k${offset}`, ''][offset % 3]!,
      value: [`v${offset}`, null, '', Buffer.of(0, offset, 255, 2)][offset % 4]!,
      timestamp: 1000 + (offset % 5 === 4 ? -offset : offset),
      headers:
        offset % 2 === 0
          ? []
          : [
              ['h', `x${offset}`],
              ['h', null],
              ['empty', ''],
            ],
    }),
  },
} satisfies Record<string, SampleShape>

/** A log of one of the shapes above, as it lies on the disk. */
export interface SampleLog {
  readonly fileSystem: MemoryFileSystem
  readonly endOffset: number
  readonly options: LogOptions
  /** True when a record read is the one that was appended. */
  isRight(record: LogRecord): boolean
}

/** Writes a sample log; a closed one has a clean marker, the other is what a killed process leaves. */
export async function sampleLog(
  shape: keyof typeof SHAPES,
  { isClosed }: { isClosed: boolean },
): Promise<SampleLog> {
  const { segmentBytes, counts, record } = SHAPES[shape] as SampleShape
  const config = { 'internal.segment.bytes': segmentBytes }
  const options: LogOptions = { config, durability: 'os', cleanup: false }
  const fileSystem = new MemoryFileSystem()
  const log = await openLog(DIRECTORY, { ...options, fileSystem })
  for (const count of counts)
    await log.append(Array.from({ length: count }, (_, slot) => record(log.endOffset + slot)))
  const { endOffset } = log
  const segmentCount = log.segments().length
  if (segmentCount !== 3) throw new RangeError(`three segments were to be made, not ${segmentCount}`)
  if (isClosed) await log.close()
  const expected = Array.from({ length: endOffset }, (_, offset) => textOf({ offset, ...record(offset) }))
  return {
    fileSystem: fileSystem.copy(),
    endOffset,
    options,
    isRight: (read) => textOf(read) === expected[read.offset],
  }
}

type Fields = Pick<Required<RecordInput>, 'key' | 'value' | 'timestamp'> & {
  readonly offset: number
  readonly headers: unknown
}

function textOf({ offset, key, value, timestamp, headers }: Fields): string {
  const pairs = (headers as [string, string | Uint8Array | null][]).map(([name, bytes]) => [name, hex(bytes)])
  return JSON.stringify([offset, hex(key), hex(value), timestamp, pairs])
}

const hex = (bytes: string | Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes as Uint8Array).toString('hex')

/** The paths of the segments, in order. */
export const segmentsOf = (fileSystem: MemoryFileSystem): string[] =>
  fileSystem.paths.filter((path) => path.endsWith('.log'))

/** Every `stride`-th number from 0 up to `end`, beginning where the seed says; all of them when exhaustive. */
export function someOf(end: number, stride: number): number[] {
  const all = Array.from({ length: end }, (_, slot) => slot)
  return isExhaustive ? all : all.filter((slot) => (slot + seed) % stride === 0)
}

/** A copy of the files with one bit turned over. */
export function withFlip(fileSystem: MemoryFileSystem, path: string, bit: number): MemoryFileSystem {
  const copy = fileSystem.copy()
  copy.bytesOf(path)[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

/** What became of an opening. */
export interface Outcome {
  readonly log: Log
  readonly readCount: number
  readonly complaints: string[]
}

/**
 * Opens a damaged sample and reads all of it, told of damage; undefined when it does not open. Complains of each record
 * that is wrong, is missing though nobody was told, or is there though it is said to be lost.
 */
export async function readAround(
  fileSystem: MemoryFileSystem,
  sample: SampleLog,
  more: LogOptions = {},
): Promise<Outcome | undefined> {
  let log: Log
  try {
    log = await openLog(DIRECTORY, { ...sample.options, fileSystem, ...more })
  } catch (error) {
    if (isSeglogError(error, 'LOG_CORRUPT') || isSeglogError(error, 'CONFIG_INVALID')) return undefined
    throw error
  }
  const lost: [number, number][] = []
  const onDamage = ({ offset, nextOffset }: Damage): void => void lost.push([offset, nextOffset])
  const complaints: string[] = []
  const read = new Set<number>()
  for await (const record of log.read({ onDamage })) {
    if (read.has(record.offset)) complaints.push(`${record.offset} is read twice`)
    read.add(record.offset)
    if (!sample.isRight(record)) complaints.push(`${record.offset} is wrong: ${record.value?.toString()}`)
  }
  if (log.recovery.cut !== undefined) lost.push([log.endOffset, Infinity])
  for (const { firstLostOffset, nextGoodOffset = Infinity } of log.recovery.damage)
    lost.push([firstLostOffset, nextGoodOffset])
  for (let offset = 0; offset < sample.endOffset; offset++) {
    const isTold = lost.some(([first, next]) => offset >= first && offset < next)
    if (isTold === read.has(offset)) complaints.push(`${offset} is ${isTold ? 'said to be lost' : 'missing'}`)
    const problem = pointProblem(log, sample, offset)
    if (problem !== undefined && !(isTold && problem === 'missing'))
      complaints.push(`${offset} is ${problem} alone`)
  }
  return { log, readCount: read.size, complaints }
}

/** What is wrong with one record read by its offset; an error is an answer, too. */
function pointProblem(log: Log, sample: SampleLog, offset: number): 'wrong' | 'missing' | undefined {
  try {
    const record = log.getSync(offset)
    if (record === undefined) return 'missing'
    return sample.isRight(record) ? undefined : 'wrong'
  } catch (error) {
    if (isSeglogError(error)) return undefined
    throw error
  }
}

/** The segments of which a byte is gone: what recovery cuts must be in quarantine, unless it is all zeros. */
export function changedSegments(before: MemoryFileSystem, after: MemoryFileSystem): string[] {
  return segmentsOf(before).filter((path) => {
    const was = before.bytesOf(path)
    const kept = after.bytesOf(path)
    const place = `${DIRECTORY}/quarantine/${path.slice(-24)}.${kept.length}`
    const cut = after.paths.includes(place)
      ? after.bytesOf(place)
      : Buffer.alloc(Math.max(0, was.length - kept.length))
    return !Buffer.concat([kept, cut]).equals(was)
  })
}

/** Counts what was tried, and what came of it, for the line that a test prints. */
export class Tally {
  readonly #what: string
  readonly #counts = new Map<string, number>()

  constructor(what: string) {
    this.#what = what
  }

  add(outcome: string): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1)
  }

  get outcomes(): string[] {
    return [...this.#counts.keys()].sort()
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  print(): void {
    const parts = [...this.#counts].sort().map(([outcome, count]) => `${outcome} ${count}`)
    console.info(`${this.#what}: ${this.total} tried, ${parts.join(', ')}`)
  }
}
