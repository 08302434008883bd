import { join } from 'node:path'
import { BareFile } from '../support/bare-file.ts'
import { loadEngine, tallyLog } from '../support/engine.ts'
import { createBatches } from '../support/payload.ts'
import { checkTally, tallyOf } from '../support/tally.ts'
import { time } from '../support/timing.ts'
import { type Context, type Outcome, scenario } from '../scenario.ts'

interface SingleParameters extends Record<string, number> {
  readonly valueBytes: number
  /** Calls made before the first of them is awaited. */
  readonly burst: number
  readonly bursts: number
  readonly warmupBursts: number
}

const BURST_COUNT = 8
const shape = { valueBytes: 100, burst: 1000 }

/** One record a call, in bursts that are awaited as a whole; the bare loop writes once a burst. */
export const appendSingle = scenario<SingleParameters>({
  name: 'append-single',
  title: 'Append 100 B a call, un-awaited in bursts of 1,000, level os',
  parameters: {
    full: { ...shape, bursts: 600, warmupBursts: 200 },
    quick: { ...shape, bursts: 200, warmupBursts: 100 },
    smoke: { ...shape, bursts: 2, warmupBursts: 1 },
  },
  subjects: { seglog: appendToLog, bare: appendToFile },
  rows: [
    {
      work: 'Append 100 B a call, un-awaited in bursts of 1,000, level os',
      unit: 'records/s',
      subject: 'seglog',
      metric: 'recordsPerSecond',
      beside: { subject: 'bare' },
    },
  ],
})

async function appendToLog({ directory, parameters }: Context<SingleParameters>): Promise<Outcome> {
  const { valueBytes, burst, bursts, warmupBursts } = parameters
  const { openLog } = await loadEngine()
  const values = createBatches({ batchCount: BURST_COUNT, recordsPerBatch: burst, valueBytes })
  const log = await openLog(join(directory, 'log'), { durability: 'os' })
  let written = 0
  const work = async (): Promise<void> => {
    const appends = values[written++ % BURST_COUNT]!.map((value) => log.append(value))
    await Promise.all(appends)
  }
  const timing = await time(work, { iterations: bursts, warmupIterations: warmupBursts, isAsync: true })
  const checked = checkTally(await tallyLog(log), tallyOf(values, written * burst))
  await log.close()
  return { metrics: { recordsPerSecond: timing.perSecond * burst }, checked }
}

async function appendToFile({ directory, parameters }: Context<SingleParameters>): Promise<Outcome> {
  const { valueBytes, burst, bursts, warmupBursts } = parameters
  const values = createBatches({ batchCount: BURST_COUNT, recordsPerBatch: burst, valueBytes })
  const file = new BareFile(join(directory, 'bare'))
  let written = 0
  const work = (): void => file.append(values[written++ % BURST_COUNT]!)
  const timing = await time(work, { iterations: bursts, warmupIterations: warmupBursts, isAsync: false })
  const checked = checkTally(file.tally(), tallyOf(values, written * burst))
  file.close()
  return { metrics: { recordsPerSecond: timing.perSecond * burst }, checked }
}
