import { join } from 'node:path'
import {
  batchesHeld,
  bestRow,
  logDirectory,
  rivalPart,
  rivalRows,
  type RivalSubject,
  tallyRival,
  writeRivalLogs,
} from '../rivals/subjects.ts'
import type { RivalLog } from '../rivals/rival.ts'
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
  readonly rivalScans: number
  readonly rivalWarmupScans: number
}

const BATCH_COUNT = 8

/** Reads every record of a log from the page cache, beside reading the bytes of its segments and looking at none. */
export const scanSmall = scanScenario({
  name: 'scan-100b',
  title: 'Scan everything, CRC checked: 100 B × 1000 a batch',
  shape: { valueBytes: 100, recordsPerBatch: 1000 },
  batches: { full: 400, quick: 150, smoke: 4 },
})

/** The same with larger records. */
export const scanLarge = scanScenario({
  name: 'scan-1kib',
  isOnlyFull: true,
  title: 'Scan everything, CRC checked: 1 KiB × 100 a batch',
  shape: { valueBytes: 1024, recordsPerBatch: 100 },
  batches: { full: 400, quick: 150, smoke: 4 },
})

function scanScenario(options: {
  name: string
  title: string
  shape: { valueBytes: number; recordsPerBatch: number }
  batches: { full: number; quick: number; smoke: number }
  isOnlyFull?: boolean
}): Scenario {
  const { name, title, shape, batches, isOnlyFull = false } = options
  const rivals = rivalPart<ScanParameters>({ level: 'os' }, scanRival)
  const records = { unit: 'records/s', metric: 'recordsPerSecond' } as const
  return scenario<ScanParameters>({
    name,
    isOnlyFull,
    title,
    parameters: {
      full: {
        ...shape,
        batches: batches.full,
        scans: 12,
        warmupScans: 6,
        rivalScans: 2,
        rivalWarmupScans: 2,
      },
      quick: {
        ...shape,
        batches: batches.quick,
        scans: 5,
        warmupScans: 2,
        rivalScans: 1,
        rivalWarmupScans: 1,
      },
      smoke: {
        ...shape,
        batches: batches.smoke,
        scans: 1,
        warmupScans: 0,
        rivalScans: 1,
        rivalWarmupScans: 0,
      },
    },
    prepare: (context) => writeLogs(context, rivals),
    subjects: {
      seglog: scanLog,
      bare: (context) => scanFiles(context, { reusesMemory: true }),
      'bare, new memory': (context) => scanFiles(context, { reusesMemory: false }),
      ...rivals.subjects,
    },
    libraries: rivals.libraries,
    leftOut: rivals.leftOut,
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
      { ...records, work: 'the same, in records', subject: 'seglog' },
      bestRow(rivals, { ...records, work: `${title}, beside the best library`, ratioMin: 3 }),
      ...rivalRows(rivals, { ...records, work: title, beside: 'bare' }),
    ],
  })
}

async function writeLogs(context: Context<ScanParameters>, rivals: { list: readonly RivalSubject[] }) {
  const { prepared, parameters } = context
  const directory = join(prepared, 'log')
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const log = await openUnsynced(directory, {})
  for (let count = 0; count < parameters.batches; count++) await log.append(batches[count % BATCH_COUNT]!)
  await log.close()
  await writeRivalLogs(rivals, context, { batches, count: parameters.batches })
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

/** Each scan is of a log that was just opened: what it reads is in the page cache, and in no cache of the library's own. */
async function scanRival(
  { name, rival, open }: RivalSubject,
  { prepared, parameters }: Context<ScanParameters>,
): Promise<Outcome> {
  const { recordsPerBatch, rivalScans, rivalWarmupScans } = parameters
  const directory = logDirectory(prepared, name)
  const count = batchesHeld(rival, parameters.batches) * recordsPerBatch
  const expected = tallyOf(createBatches({ batchCount: BATCH_COUNT, ...parameters }), count)
  let log: RivalLog | undefined
  let checked: Tally = { count: 0, hash: 0 }
  const before = async (): Promise<void> => {
    await log?.close()
    log = await open(directory)
  }
  const work = async (): Promise<void> => {
    checked = checkTally(await tallyRival(log!), expected)
  }
  const plan = { iterations: rivalScans, warmupIterations: rivalWarmupScans, isAsync: true, before }
  const timing = await time(work, plan)
  await log?.close()
  return { metrics: { recordsPerSecond: timing.perSecond * count }, checked }
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
  // Of the records that are in the bytes it has read.
  const recordsPerSecond = timing.perSecond * facts['count']!
  return { metrics: { megabytesPerSecond: rateOf(timing.perSecond, facts), recordsPerSecond }, checked }
}

function rateOf(scansPerSecond: number, facts: { readonly sizeBytes?: number }): number {
  return (scansPerSecond * facts.sizeBytes!) / 1e6
}
