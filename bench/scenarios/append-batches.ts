import { join } from 'node:path'
import { BareFile } from '../support/bare-file.ts'
import { loadEngine, tallyLog } from '../support/engine.ts'
import { createBatches } from '../support/payload.ts'
import { checkTally, tallyOf } from '../support/tally.ts'
import { time } from '../support/timing.ts'
import { type Context, type Outcome, type Scenario, scenario } from '../scenario.ts'

interface AppendParameters extends Record<string, number> {
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
})

/** The same with larger records. */
export const appendLarge = appendScenario({
  name: 'append-1kib',
  title: 'Append 1 KiB × 100 a batch, level os, each batch awaited',
  shape: { valueBytes: 1024, recordsPerBatch: 100 },
  ratioMin: 0.8,
})

function appendScenario(options: {
  name: string
  title: string
  shape: { valueBytes: number; recordsPerBatch: number }
  ratioMin: number
}): Scenario {
  const { name, title, shape, ratioMin } = options
  return scenario<AppendParameters>({
    name,
    title,
    parameters: {
      full: { ...shape, batchesPerCall: 10, calls: 100, warmupCalls: 60 },
      quick: { ...shape, batchesPerCall: 10, calls: 30, warmupCalls: 50 },
      smoke: { ...shape, batchesPerCall: 1, calls: 2, warmupCalls: 1 },
    },
    subjects: { seglog: appendToLog, bare: appendToFile },
    rows: [
      {
        work: title,
        unit: 'records/s',
        subject: 'seglog',
        metric: 'recordsPerSecond',
        beside: { subject: 'bare' },
        goal: { kind: 'comparison-min', limit: ratioMin },
      },
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

async function appendToFile({ directory, parameters }: Context<AppendParameters>): Promise<Outcome> {
  const { recordsPerBatch, batchesPerCall, calls, warmupCalls } = parameters
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const file = new BareFile(join(directory, 'bare'))
  let written = 0
  const work = (): void => {
    for (let slot = 0; slot < batchesPerCall; slot++) file.append(batches[written++ % BATCH_COUNT]!)
  }
  const timing = await time(work, { iterations: calls, warmupIterations: warmupCalls, isAsync: false })
  const checked = checkTally(file.tally(), tallyOf(batches, written * recordsPerBatch))
  file.close()
  return { metrics: { recordsPerSecond: timing.perSecond * batchesPerCall * recordsPerBatch }, checked }
}
