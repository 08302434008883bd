import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { loadEngine, tallyLog } from '../support/engine.ts'
import { createBatches } from '../support/payload.ts'
import { openUnsynced } from '../support/segments.ts'
import { checkTally, type Tally, tallyOf } from '../support/tally.ts'
import { time } from '../support/timing.ts'
import { type Context, type Outcome, type Row, scenario } from '../scenario.ts'

interface GrowthParameters extends Record<string, number> {
  readonly valueBytes: number
  readonly recordsPerBatch: number
  /** In the smallest log; the others have ten and a hundred times that. */
  readonly batches: number
  /** Batches appended in one timed call. */
  readonly batchesPerCall: number
  readonly calls: number
  readonly warmupCalls: number
  /** How long to scan over and over. */
  readonly scanMs: number
}

const TIMES = [1, 10, 100] as const
const BATCH_COUNT = 4
const shape = { valueBytes: 100, recordsPerBatch: 1000 }

/** Whether a log that holds more is slower to append to or to read through. */
export const growth = scenario<GrowthParameters>({
  name: 'growth',
  isOnlyFull: true,
  title: 'Append and scan rates by the data in the log, 100 B × 1000 a batch',
  parameters: {
    full: { ...shape, batches: 20, batchesPerCall: 10, calls: 40, warmupCalls: 40, scanMs: 500 },
    quick: { ...shape, batches: 5, batchesPerCall: 10, calls: 15, warmupCalls: 30, scanMs: 100 },
    smoke: { ...shape, batches: 1, batchesPerCall: 1, calls: 1, warmupCalls: 0, scanMs: 0 },
  },
  async prepare({ prepared, parameters }) {
    const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
    for (const times of TIMES) {
      const log = await openUnsynced(join(prepared, `${times}`), {})
      for (let count = 0; count < parameters.batches * times; count++)
        await log.append(batches[count % BATCH_COUNT]!)
      await log.close()
    }
    return {}
  },
  subjects: Object.fromEntries(
    TIMES.flatMap((times) => [
      [`append, ${times}×`, (context: Context<GrowthParameters>) => appendMore(context, times)],
      [`scan, ${times}×`, (context: Context<GrowthParameters>) => scanAll(context, times)],
    ]),
  ),
  rows: ['append', 'scan'].flatMap((work) => TIMES.map((times) => rowOf(work, times))),
  chart: { metric: 'recordsPerSecond', unit: 'records/s' },
  growth: ['append', 'scan'].map((work) => ({
    work: `Rate of ${work === 'append' ? 'appending to' : 'scanning'} a log`,
    by: 'the data in it',
    unit: 'records/s',
    metric: 'recordsPerSecond',
    sizes: () => Object.fromEntries(TIMES.map((times) => [`${work}, ${times}×`, times])),
  })),
})

function rowOf(work: string, times: number): Row {
  const verb = work === 'append' ? 'Append to' : 'Scan'
  const row = {
    work: `${verb} a log of ${times} × the data`,
    unit: 'records/s',
    subject: `${work}, ${times}×`,
    metric: 'recordsPerSecond',
  } as const
  return times === 1 ? row : { ...row, beside: { subject: `${work}, 1×` } }
}

/** Appends to a copy of the prepared log, at the level `os`. */
async function appendMore(
  { directory, prepared, parameters }: Context<GrowthParameters>,
  times: number,
): Promise<Outcome> {
  const { recordsPerBatch, batchesPerCall, calls, warmupCalls } = parameters
  const { openLog } = await loadEngine()
  const path = join(directory, 'log')
  cpSync(join(prepared, `${times}`), path, { recursive: true })
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const log = await openLog(path, { durability: 'os', cleanup: false })
  const expected = parameters.batches * times * recordsPerBatch
  if (log.endOffset !== expected) throw new Error(`the copy ends at ${log.endOffset}`)
  let written = parameters.batches * times
  const work = async (): Promise<void> => {
    for (let slot = 0; slot < batchesPerCall; slot++) await log.append(batches[written++ % BATCH_COUNT]!)
  }
  const timing = await time(work, { iterations: calls, warmupIterations: warmupCalls, isAsync: true })
  const checked = checkTally(await tallyLog(log), tallyOf(batches, written * recordsPerBatch))
  await log.close()
  return { metrics: { recordsPerSecond: timing.perSecond * batchesPerCall * recordsPerBatch }, checked }
}

async function scanAll({ prepared, parameters }: Context<GrowthParameters>, times: number): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const expected = tallyOf(batches, parameters.batches * times * parameters.recordsPerBatch)
  const log = await openLog(join(prepared, `${times}`), { cleanup: false })
  let checked: Tally = { count: 0, hash: 0 }
  const work = async (): Promise<void> => {
    checked = checkTally(await tallyLog(log), expected)
  }
  // The code is warm once it has seen as much as one scan of the middle log.
  const warmupIterations = parameters.scanMs === 0 ? 0 : Math.ceil(10 / times)
  const plan = { iterations: 1, timeMs: parameters.scanMs, warmupIterations, isAsync: true }
  const timing = await time(work, plan)
  await log.close()
  return { metrics: { recordsPerSecond: timing.perSecond * expected.count }, checked }
}
