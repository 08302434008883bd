import { join } from 'node:path'
import {
  bestRow,
  planOf,
  RIVAL_PLAN,
  type RivalPlan,
  rivalPart,
  rivalRows,
  type RivalSubject,
  tallyRival,
} from '../rivals/subjects.ts'
import { BareFile } from '../support/bare-file.ts'
import { loadEngine, tallyLog } from '../support/engine.ts'
import { createBatches } from '../support/payload.ts'
import { checkTally, tallyOf } from '../support/tally.ts'
import { time } from '../support/timing.ts'
import { type Context, type Outcome, type Scenario, scenario } from '../scenario.ts'

interface AppendParameters extends RivalPlan {
  readonly valueBytes: number
  readonly recordsPerBatch: number
  readonly batchesPerCall: number
  readonly calls: number
  readonly warmupCalls: number
}

/** Different batches to write in turn, so that nothing stays in the processor's first cache. */
const BATCH_COUNT = 8

/** Appends batch after batch, each awaited at the level `os`: the write has returned. */
export const appendSmall = appendScenario({
  name: 'append-100b',
  title: 'Append 100 B × 1000 a batch, level os, each batch awaited',
  shape: { valueBytes: 100, recordsPerBatch: 1000 },
  ratioMin: 0.9,
  bestRatioMin: 5,
})

/** The same with larger records. */
export const appendLarge = appendScenario({
  name: 'append-1kib',
  isOnlyFull: true,
  title: 'Append 1 KiB × 100 a batch, level os, each batch awaited',
  shape: { valueBytes: 1024, recordsPerBatch: 100 },
  ratioMin: 0.8,
  bestRatioMin: 1.75,
})

function appendScenario(options: {
  name: string
  title: string
  shape: { valueBytes: number; recordsPerBatch: number }
  ratioMin: number
  bestRatioMin: number
  isOnlyFull?: boolean
}): Scenario {
  const { name, title, shape, ratioMin, bestRatioMin, isOnlyFull = false } = options
  const rivals = rivalPart<AppendParameters>({ level: 'os' }, appendToRival)
  const figure = { unit: 'records/s', metric: 'recordsPerSecond' } as const
  return scenario<AppendParameters>({
    name,
    isOnlyFull,
    title,
    parameters: {
      full: { ...shape, ...RIVAL_PLAN.full, batchesPerCall: 10, calls: 250, warmupCalls: 250 },
      quick: { ...shape, ...RIVAL_PLAN.quick, batchesPerCall: 10, calls: 30, warmupCalls: 50 },
      smoke: { ...shape, ...RIVAL_PLAN.smoke, batchesPerCall: 1, calls: 2, warmupCalls: 1 },
    },
    subjects: {
      seglog: appendToLog,
      bare: (context) => appendToFile(context, { isEncoded: false }),
      'bare, encoded before': (context) => appendToFile(context, { isEncoded: true }),
      ...rivals.subjects,
    },
    libraries: rivals.libraries,
    leftOut: rivals.leftOut,
    rows: [
      {
        ...figure,
        work: title,
        subject: 'seglog',
        beside: { subject: 'bare' },
        goal: { kind: 'comparison-min', limit: ratioMin },
      },
      {
        ...figure,
        work: 'the same, beside writeSync of bytes that were encoded before',
        subject: 'seglog',
        beside: { subject: 'bare, encoded before' },
      },
      bestRow(rivals, { ...figure, work: `${title}, beside the best library`, ratioMin: bestRatioMin }),
      ...rivalRows(rivals, { ...figure, work: title, beside: 'bare' }),
    ],
  })
}

async function appendToLog({ directory, parameters }: Context<AppendParameters>): Promise<Outcome> {
  const { recordsPerBatch, batchesPerCall, calls, warmupCalls } = parameters
  const { openLog } = await loadEngine()
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const log = await openLog(join(directory, 'log'), { durability: 'os' })
  let written = 0
  const work = async (): Promise<void> => {
    for (let slot = 0; slot < batchesPerCall; slot++) await log.append(batches[written++ % BATCH_COUNT]!)
  }
  const timing = await time(work, { iterations: calls, warmupIterations: warmupCalls, isAsync: true })
  const checked = checkTally(await tallyLog(log), tallyOf(batches, written * recordsPerBatch))
  await log.close()
  return { metrics: { recordsPerSecond: timing.perSecond * batchesPerCall * recordsPerBatch }, checked }
}

async function appendToFile(
  { directory, parameters }: Context<AppendParameters>,
  { isEncoded }: { isEncoded: boolean },
): Promise<Outcome> {
  const { recordsPerBatch, batchesPerCall, calls, warmupCalls } = parameters
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const file = new BareFile(join(directory, 'bare'))
  const encoded = batches.map((batch) => file.encode(batch))
  let written = 0
  const append = (): void => {
    for (let slot = 0; slot < batchesPerCall; slot++) file.append(batches[written++ % BATCH_COUNT]!)
  }
  const write = (): void => {
    for (let slot = 0; slot < batchesPerCall; slot++) file.write(encoded[written++ % BATCH_COUNT]!)
  }
  const plan = { iterations: calls, warmupIterations: warmupCalls, isAsync: false }
  const timing = await time(isEncoded ? write : append, plan)
  const checked = checkTally(file.tally(), tallyOf(batches, written * recordsPerBatch))
  file.close()
  return { metrics: { recordsPerSecond: timing.perSecond * batchesPerCall * recordsPerBatch }, checked }
}

async function appendToRival(
  { open }: RivalSubject,
  { directory, parameters }: Context<AppendParameters>,
): Promise<Outcome> {
  const { recordsPerBatch, batchesPerCall } = parameters
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const log = await open(directory)
  let written = 0
  const work = async (): Promise<void> => {
    for (let slot = 0; slot < batchesPerCall; slot++) {
      const done = log.appendBatch(batches[written++ % BATCH_COUNT]!)
      if (done !== undefined) await done
    }
  }
  const timing = await time(work, { ...planOf(parameters), isAsync: true })
  const checked = checkTally(await tallyRival(log), tallyOf(batches, written * recordsPerBatch))
  await log.close()
  return { metrics: { recordsPerSecond: timing.perSecond * batchesPerCall * recordsPerBatch }, checked }
}
