import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadEngine } from '../support/engine.ts'
import { createBatches } from '../support/payload.ts'
import { readFiles } from '../support/read-files.ts'
import { openUnsynced, segmentPaths } from '../support/segments.ts'
import { checkTally, RecordTally, type Tally } from '../support/tally.ts'
import { time } from '../support/timing.ts'
import { type Context, type Numbers, type Outcome, scenario } from '../scenario.ts'

interface RawParameters extends Record<string, number> {
  readonly valueBytes: number
  readonly recordsPerBatch: number
  readonly batches: number
  readonly scans: number
  readonly warmupScans: number
}

const BATCH_COUNT = 8
/** Where a batch says how long it is, and how many bytes come before those that it counts. */
const BATCH_LENGTH_POSITION = 8
const BATCH_LENGTH_BASE = 12
const RECORD_COUNT_POSITION = 57
const shape = { valueBytes: 100, recordsPerBatch: 1000 }
const TITLE = 'Scan raw batches, CRC checked, no record decoded: 100 B × 1000 a batch'

/** Reads every batch as it is stored, as copying a log or serving it to Kafka's clients would. */
export const scanRaw = scenario<RawParameters>({
  name: 'scan-raw',
  isOnlyFull: true,
  title: TITLE,
  parameters: {
    full: { ...shape, batches: 1000, scans: 10, warmupScans: 3 },
    quick: { ...shape, batches: 300, scans: 5, warmupScans: 2 },
    smoke: { ...shape, batches: 4, scans: 1, warmupScans: 0 },
  },
  prepare: writeLog,
  subjects: {
    seglog: scanLog,
    bare: (context) => scanFiles(context, { reusesMemory: true }),
    'bare, new memory': (context) => scanFiles(context, { reusesMemory: false }),
  },
  rows: [
    {
      work: TITLE,
      unit: 'MB/s',
      subject: 'seglog',
      metric: 'megabytesPerSecond',
      beside: { subject: 'bare' },
    },
    {
      work: 'the same, beside reading each chunk into memory of its own',
      unit: 'MB/s',
      subject: 'seglog',
      metric: 'megabytesPerSecond',
      beside: { subject: 'bare, new memory' },
    },
  ],
})

async function writeLog({ prepared, parameters }: Context<RawParameters>): Promise<Numbers> {
  const directory = join(prepared, 'log')
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const log = await openUnsynced(directory, {})
  for (let count = 0; count < parameters.batches; count++) await log.append(batches[count % BATCH_COUNT]!)
  await log.close()
  const paths = segmentPaths(directory)
  const bytes = readFiles(paths, { reusesMemory: true })
  const records = parameters.batches * parameters.recordsPerBatch
  const { count, hash } = walkFiles(paths)
  if (count !== records) throw new Error(`${count} records of ${records} are in the files`)
  return { count, hash, sizeBytes: bytes.count, bytesHash: bytes.hash }
}

/** The tally of the batches in the files, with no code of the engine. */
function walkFiles(paths: readonly string[]): Tally {
  const tally = new BatchTally()
  for (const path of paths) {
    const bytes = readFileSync(path)
    for (let at = 0; at < bytes.length; ) {
      const sizeBytes = BATCH_LENGTH_BASE + bytes.readUInt32BE(at + BATCH_LENGTH_POSITION)
      const batch = bytes.subarray(at, at + sizeBytes)
      tally.add(batch, batch.readUInt32BE(RECORD_COUNT_POSITION))
      at += sizeBytes
    }
  }
  return tally.take()
}

/** Counts the records that batches say they have, and hashes the batches' bytes as cheaply as values are. */
class BatchTally {
  readonly #bytes = new RecordTally()
  #count = 0

  add(bytes: Uint8Array, recordCount: number): void {
    this.#bytes.add(bytes)
    this.#count += recordCount
  }

  take(): Tally {
    return { count: this.#count, hash: this.#bytes.hash }
  }
}

async function scanLog({ prepared, facts, parameters }: Context<RawParameters>): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const log = await openLog(join(prepared, 'log'))
  const expected = { count: facts['count']!, hash: facts['hash']! }
  let checked: Tally = { count: 0, hash: 0 }
  const work = async (): Promise<void> => {
    const tally = new BatchTally()
    for await (const { bytes, recordCount } of log.readBatches()) tally.add(bytes, recordCount)
    checked = checkTally(tally.take(), expected)
  }
  const { scans, warmupScans } = parameters
  const timing = await time(work, { iterations: scans, warmupIterations: warmupScans, isAsync: true })
  await log.close()
  return { metrics: { megabytesPerSecond: (timing.perSecond * facts['sizeBytes']!) / 1e6 }, checked }
}

async function scanFiles(
  { prepared, facts, parameters }: Context<RawParameters>,
  options: { reusesMemory: boolean },
): Promise<Outcome> {
  const paths = segmentPaths(join(prepared, 'log'))
  const expected = { count: facts['sizeBytes']!, hash: facts['bytesHash']! }
  let checked: Tally = { count: 0, hash: 0 }
  const work = (): void => {
    checked = checkTally(readFiles(paths, options), expected)
  }
  const { scans, warmupScans } = parameters
  const timing = await time(work, { iterations: scans, warmupIterations: warmupScans, isAsync: false })
  return { metrics: { megabytesPerSecond: (timing.perSecond * expected.count) / 1e6 }, checked }
}
