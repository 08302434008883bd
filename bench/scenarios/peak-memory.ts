import { join } from 'node:path'
import { BareFile } from '../support/bare-file.ts'
import { loadEngine, tallyLog } from '../support/engine.ts'
import { watchLoop } from '../support/loop-watch.ts'
import { createBatches } from '../support/payload.ts'
import { peakResidentBytes } from '../support/peak-memory.ts'
import { readFiles } from '../support/read-files.ts'
import { openUnsynced, segmentPaths } from '../support/segments.ts'
import { checkTally, type Tally, tallyOf } from '../support/tally.ts'
import { type Context, type Outcome, type Row, scenario } from '../scenario.ts'

interface MemoryParameters extends Record<string, number> {
  readonly valueBytes: number
  readonly recordsPerBatch: number
  /** Batches of the smaller amount of data; the larger is ten times that. */
  readonly batches: number
}

const BATCH_COUNT = 4
const OVER_BARE_MB_MAX = 30
/** Ten times the data may not take more than this over one time, where "flat" is meant: what chance does to a heap. */
const GROWTH_MB_MAX = 10
const shape = { valueBytes: 100, recordsPerBatch: 1000 }

/** Peak resident memory of a process that appends or scans and keeps nothing, beside one that does the same bare. */
export const peakMemory = scenario<MemoryParameters>({
  name: 'peak-memory',
  title: 'Peak resident memory while appending and scanning 100 B × 1000 a batch',
  parameters: {
    full: { ...shape, batches: 300 },
    quick: { ...shape, batches: 80 },
    smoke: { ...shape, batches: 2 },
  },
  prepare: writeLogs,
  subjects: {
    'append 1×': (context) => appendToLog(context, 1),
    'append 1× bare': (context) => appendToFile(context, 1),
    'append 10×': (context) => appendToLog(context, 10),
    'append 10× bare': (context) => appendToFile(context, 10),
    'scan 1×': (context) => scanLog(context, 1),
    'scan 1× bare': (context) => scanFiles(context, 1),
    'scan 10×': (context) => scanLog(context, 10),
    'scan 10× bare': (context) => scanFiles(context, 10),
  },
  rows: ['append', 'scan'].flatMap((work): Row[] => [
    overBare(`Peak memory, ${work}, over the bare loop's`, `${work} 1×`),
    overBare(`Peak memory, ${work} of 10 × the data, over the bare loop's`, `${work} 10×`),
    {
      ...overBare(`Peak memory, ${work} of 10 × the data, over 1 ×`, `${work} 10×`),
      beside: { subject: `${work} 1×` },
      goal: { kind: 'comparison-max', limit: GROWTH_MB_MAX },
    },
  ]),
  chart: { metric: 'peakMB', unit: 'MB' },
  growth: ['append', 'scan'].map((work) => ({
    work: `Peak memory, ${work}`,
    by: 'the data',
    unit: 'MB',
    metric: 'peakMB',
    sizes: () => ({ [`${work} 1×`]: 1, [`${work} 10×`]: 10 }),
  })),
})

function overBare(work: string, subject: string): Row {
  return {
    work,
    unit: 'MB',
    subject,
    metric: 'peakMB',
    beside: { subject: `${subject} bare` },
    compare: 'difference',
    goal: { kind: 'comparison-max', limit: OVER_BARE_MB_MAX },
  }
}

async function writeLogs({ prepared, parameters }: Context<MemoryParameters>) {
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const facts: Record<string, number> = {}
  for (const times of [1, 10]) {
    const directory = join(prepared, `log-${times}`)
    const log = await openUnsynced(directory, {})
    for (let count = 0; count < parameters.batches * times; count++)
      await log.append(batches[count % BATCH_COUNT]!)
    await log.close()
    const { count, hash } = readFiles(segmentPaths(directory), { reusesMemory: true })
    facts[`sizeBytes${times}`] = count
    facts[`bytesHash${times}`] = hash
  }
  return facts
}

async function appendToLog(
  { directory, parameters }: Context<MemoryParameters>,
  times: number,
): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const log = await openLog(join(directory, 'log'), { durability: 'os' })
  const batchCount = parameters.batches * times
  await watchLoop(async () => {
    for (let count = 0; count < batchCount; count++) await log.append(batches[count % BATCH_COUNT]!)
  })
  const metrics = peak()
  const checked = checkTally(await tallyLog(log), tallyOf(batches, batchCount * parameters.recordsPerBatch))
  await log.close()
  return { metrics, checked }
}

async function appendToFile(
  { directory, parameters }: Context<MemoryParameters>,
  times: number,
): Promise<Outcome> {
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const file = new BareFile(join(directory, 'bare'))
  const batchCount = parameters.batches * times
  await watchLoop(() => {
    for (let count = 0; count < batchCount; count++) file.append(batches[count % BATCH_COUNT]!)
  })
  const metrics = peak()
  const checked = checkTally(file.tally(), tallyOf(batches, batchCount * parameters.recordsPerBatch))
  file.close()
  return { metrics, checked }
}

async function scanLog({ prepared, parameters }: Context<MemoryParameters>, times: number): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const log = await openLog(join(prepared, `log-${times}`))
  const found = await watchLoop(() => tallyLog(log))
  const metrics = peak()
  await log.close()
  return { metrics, checked: checkTally(found, expectedOf(parameters, times)) }
}

async function scanFiles({ prepared, facts }: Context<MemoryParameters>, times: number): Promise<Outcome> {
  const paths = segmentPaths(join(prepared, `log-${times}`))
  const found = await watchLoop(() => readFiles(paths, { reusesMemory: true }))
  const metrics = peak()
  const expected = { count: facts[`sizeBytes${times}`]!, hash: facts[`bytesHash${times}`]! }
  return { metrics, checked: checkTally(found, expected) }
}

function expectedOf(parameters: MemoryParameters, times: number): Tally {
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  return tallyOf(batches, parameters.batches * times * parameters.recordsPerBatch)
}

/** The most memory the process has had so far. */
function peak() {
  return { peakMB: peakResidentBytes() / 1e6 }
}
