import { join } from 'node:path'
import { loadEngine, tallyLog } from '../support/engine.ts'
import { createBatches } from '../support/payload.ts'
import { readFiles } from '../support/read-files.ts'
import { openUnsynced, segmentPaths } from '../support/segments.ts'
import { checkTally, type Tally, tallyOf } from '../support/tally.ts'
import { time } from '../support/timing.ts'
import { type Context, type Outcome, type Scenario, scenario } from '../scenario.ts'

interface ScanParameters extends Record<string, number> {
  readonly valueBytes: number
  readonly recordsPerBatch: number
  readonly batches: number
  readonly scans: number
  readonly warmupScans: number
}

const BATCH_COUNT = 8

/** Reads every record of a log from the page cache, beside reading the bytes of its segments and looking at none. */
export const scanSmall = scanScenario({
  name: 'scan-100b',
  title: 'Scan everything, CRC checked: 100 B × 1000 a batch',
  shape: { valueBytes: 100, recordsPerBatch: 1000 },
  batches: { full: 1000, quick: 400, smoke: 4 },
})

/** The same with larger records. */
export const scanLarge = scanScenario({
  name: 'scan-1kib',
  title: 'Scan everything, CRC checked: 1 KiB × 100 a batch',
  shape: { valueBytes: 1024, recordsPerBatch: 100 },
  batches: { full: 1000, quick: 400, smoke: 4 },
})

function scanScenario(options: {
  name: string
  title: string
  shape: { valueBytes: number; recordsPerBatch: number }
  batches: { full: number; quick: number; smoke: number }
}): Scenario {
  const { name, title, shape, batches } = options
  return scenario<ScanParameters>({
    name,
    title,
    parameters: {
      full: { ...shape, batches: batches.full, scans: 8, warmupScans: 3 },
      quick: { ...shape, batches: batches.quick, scans: 5, warmupScans: 2 },
      smoke: { ...shape, batches: batches.smoke, scans: 1, warmupScans: 0 },
    },
    prepare: writeLog,
    subjects: {
      seglog: scanLog,
      bare: (context) => scanFiles(context, { reusesMemory: true }),
      'bare, new memory': (context) => scanFiles(context, { reusesMemory: false }),
    },
    rows: [
      {
        work: title,
        unit: 'MB/s',
        subject: 'seglog',
        metric: 'megabytesPerSecond',
        beside: { subject: 'bare' },
        goal: { kind: 'comparison-min', limit: 0.7 },
      },
      {
        work: 'the same, beside reading each chunk into memory of its own, as a log that gives out views must',
        unit: 'MB/s',
        subject: 'seglog',
        metric: 'megabytesPerSecond',
        beside: { subject: 'bare, new memory' },
      },
      { work: 'the same, in records', unit: 'records/s', subject: 'seglog', metric: 'recordsPerSecond' },
    ],
  })
}

async function writeLog({ prepared, parameters }: Context<ScanParameters>) {
  const directory = join(prepared, 'log')
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const log = await openUnsynced(directory, {})
  for (let count = 0; count < parameters.batches; count++) await log.append(batches[count % BATCH_COUNT]!)
  await log.close()
  const { count, hash } = tallyOf(batches, parameters.batches * parameters.recordsPerBatch)
  const bytes = readFiles(segmentPaths(directory), { reusesMemory: true })
  return { count, hash, sizeBytes: bytes.count, bytesHash: bytes.hash }
}

async function scanLog({ prepared, facts, parameters }: Context<ScanParameters>): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const log = await openLog(join(prepared, 'log'))
  const expected = { count: facts['count']!, hash: facts['hash']! }
  let checked: Tally = { count: 0, hash: 0 }
  const work = async (): Promise<void> => {
    checked = checkTally(await tallyLog(log), expected)
  }
  const { scans, warmupScans } = parameters
  const timing = await time(work, { iterations: scans, warmupIterations: warmupScans, isAsync: true })
  await log.close()
  const recordsPerSecond = timing.perSecond * expected.count
  return { metrics: { megabytesPerSecond: rateOf(timing.perSecond, facts), recordsPerSecond }, checked }
}

async function scanFiles(
  { prepared, facts, parameters }: Context<ScanParameters>,
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
  return { metrics: { megabytesPerSecond: rateOf(timing.perSecond, facts) }, checked }
}

function rateOf(scansPerSecond: number, facts: { readonly sizeBytes?: number }): number {
  return (scansPerSecond * facts.sizeBytes!) / 1e6
}
