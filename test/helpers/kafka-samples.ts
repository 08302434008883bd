/*
 * What must hold of data/samples/kafka, and of anything else that `npm run samples:kafka` makes: see README.md there.
 */
import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openLog } from '../../src/index.ts'
import { start } from '../cli/command-line.ts'
import { type PlainRecord, readPlain } from './kafka-records.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** `manifest.json`: what is there, and which command of which version made it. */
export interface SampleManifest {
  /** Kafka's version. */
  readonly kafka: string
  /** What makes everything anew. */
  readonly command: string
  /** The commands behind it, by the names under which the files refer to them. */
  readonly commands: Readonly<Record<string, string>>
  readonly partitions: readonly SamplePartition[]
  /** Every file but this one and README.md, by its path. */
  readonly files: Readonly<
    Record<string, { readonly sha256: string; readonly bytes: number; readonly by: string }>
  >
}

/** A partition of the samples. */
export interface SamplePartition {
  /** The data directory it is in: `stopped` in order, or `killed`. */
  readonly store: 'stopped' | 'killed'
  /** The name of its directory. */
  readonly name: string
  /** Its records' codec, where that is not read: only headers can be dumped then. */
  readonly unreadable?: string
  /** Some of its last batch was cut off by hand. */
  readonly isTorn?: true
  /** Where Kafka found that it starts and ends, after recovery in `killed`; not for Kafka's own metadata. */
  readonly start?: number
  readonly end?: number
}

/** A line of `<partition>.consumed.ndjson`: a record that a consumer got, and whether one of committed ones got it, too. */
export type ConsumedRecord = PlainRecord & { readonly committed: boolean }

/** The samples in a directory, and their manifest. */
export interface Samples {
  readonly directory: string
  readonly manifest: SampleManifest
}

const EXPLANATIONS = new Set(['README.md', 'manifest.json'])

/** Reads the manifest of the samples in `directory`. */
export function openSamples(directory = 'data/samples/kafka'): Samples {
  const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as SampleManifest
  return { directory, manifest }
}

/** The size and the checksum of every file below `directory` that the manifest has to have, by its path. */
export function sumsOf(directory: string): Record<string, { sha256: string; bytes: number }> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter((name) => !EXPLANATIONS.has(name) && statSync(join(directory, name)).isFile())
  return Object.fromEntries(
    files.map((name) => {
      const bytes = readFileSync(join(directory, name))
      return [name, { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length }]
    }),
  )
}

/** Every file is what the manifest says, none is missing, none is too many, and each was made by a command it has. */
export function expectSums({ directory, manifest }: Samples): void {
  const { files, commands } = manifest
  const stated = Object.entries(files).map(([name, { sha256, bytes }]) => [name, { sha256, bytes }])
  expect(Object.fromEntries(stated)).toEqual(sumsOf(directory))
  expect(new Set(Object.values(files).map(({ by }) => by))).toEqual(new Set(Object.keys(commands)))
}

/** `dump` prints of every file of the partition what Kafka's tool did, and finds nothing wrong but what is. */
export async function expectDump({ directory }: Samples, partition: SamplePartition): Promise<void> {
  const { store, name, unreadable, isTorn } = partition
  const files = dumpedFiles(directory, partition)
  const flags = unreadable === undefined ? ['--print-data-log'] : []
  const dumped = await start(['dump', ...flags, '--files', files.join(',')], { directory, input: '' }).ended
  expect(dumped.output).toEqual(readFileSync(join(directory, expectedPath(store, name, 'dump.txt'))))
  expect(dumped.exitCode).toBe(isTorn ? 1 : 0)
}

/** The files of a partition that can be dumped, in the order in which they are; paths begin in the samples. */
export function dumpedFiles(
  directory: string,
  { store, name }: Pick<SamplePartition, 'store' | 'name'>,
): string[] {
  return readdirSync(join(directory, store, name))
    .filter((file) => /\.(?:log|index|timeindex|txnindex|snapshot|checkpoint)$/.test(file))
    .sort()
    .map((file) => `${store}/${name}/${file}`)
}

/** Where it is written what Kafka made of a partition; the path begins in the samples. */
export function expectedPath(store: string, name: string, suffix: 'dump.txt' | 'consumed.ndjson'): string {
  return `expected/${store}/${name}.${suffix}`
}

/** The records are read that Kafka's consumers got, committed and not, and no byte is changed. */
export async function expectReads(
  { directory }: Samples,
  { store, name, end }: SamplePartition,
): Promise<void> {
  const path = join(directory, store, name)
  const before = sumsOf(join(directory, store))
  const consumed = consumedRecords(directory, { store, name })
  expect(await readPlain(path, 'uncommitted')).toEqual({ end, records: consumed.map(withoutMark) })
  const committed = consumed.filter((record) => record.committed)
  expect((await readPlain(path, 'committed')).records).toEqual(committed.map(withoutMark))
  expect(sumsOf(join(directory, store))).toEqual(before)
}

/** The records of a codec that is not read are refused by its name; where the log ends is known all the same. */
export async function expectRefusal({ directory }: Samples, partition: SamplePartition): Promise<void> {
  const log = await openLog(join(directory, partition.store, partition.name), { readOnly: true })
  expect([log.startOffset, log.endOffset]).toEqual([partition.start, partition.end])
  await expect(log.read().next()).rejects.toMatchObject({
    code: 'COMPRESSION_UNSUPPORTED',
    message: expect.stringContaining(partition.unreadable!) as string,
  })
  await log.close()
}

/** A copy of a killed store recovers to the end, and the records, to which Kafka recovered it. */
export async function expectRecovery({ directory }: Samples, partition: SamplePartition): Promise<void> {
  const { store, name, start: first, end, isTorn } = partition
  const copy = temporaryDirectory()
  cpSync(join(directory, store), copy, { recursive: true })
  const log = await openLog(join(copy, name), { adopt: true })
  const { startOffset, endOffset, recovery } = log
  await log.close()
  expect({ startOffset, endOffset }).toEqual({ startOffset: first, endOffset: end })
  expect([recovery.clean, recovery.cut?.kind]).toEqual([false, isTorn ? 'TAIL_TORN' : undefined])
  const consumed = consumedRecords(directory, partition)
  expect((await readPlain(join(copy, name), 'uncommitted')).records).toEqual(consumed.map(withoutMark))
}

function consumedRecords(
  directory: string,
  { store, name }: Pick<SamplePartition, 'store' | 'name'>,
): ConsumedRecord[] {
  const text = readFileSync(join(directory, expectedPath(store, name, 'consumed.ndjson')), 'utf8')
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as ConsumedRecord)
}

function withoutMark({ offset, timestamp, timestampType, key, value, headers }: ConsumedRecord): PlainRecord {
  return { offset, timestamp, timestampType, key, value, headers }
}
