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
import { type Context, type Outcome, scenario } from '../scenario.ts'

interface SingleParameters extends RivalPlan {
  readonly valueBytes: number
  /** Calls made before the first of them is awaited. */
  readonly burst: number
  readonly bursts: number
  readonly warmupBursts: number
}

const BURST_COUNT = 8
const shape = { valueBytes: 100, burst: 1000 }
const title = 'Append 100 B a call, un-awaited in bursts of 1,000, level os'
const figure = { unit: 'records/s', metric: 'recordsPerSecond' } as const
/** Of a library that commits each call by itself, both: as it is, and with calls gathered for it. */
const rivals = rivalPart<SingleParameters>({ level: 'os', grouping: 'both' }, appendToRival)

/** One record a call, in bursts that are awaited as a whole; the bare loop writes once a burst. */
export const appendSingle = scenario<SingleParameters>({
  name: 'append-single',
  title,
  parameters: {
    full: { ...shape, ...RIVAL_PLAN.full, bursts: 1000, warmupBursts: 1000 },
    quick: { ...shape, ...RIVAL_PLAN.quick, bursts: 200, warmupBursts: 100 },
    smoke: { ...shape, ...RIVAL_PLAN.smoke, bursts: 2, warmupBursts: 1 },
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
    { ...figure, work: title, subject: 'seglog', beside: { subject: 'bare' } },
    {
      ...figure,
      work: 'the same, beside one writeSync a burst of bytes that were encoded before',
      subject: 'seglog',
      beside: { subject: 'bare, encoded before' },
    },
    bestRow(rivals, { ...figure, work: `${title}, beside the best library`, ratioMin: 6 }),
    ...rivalRows(rivals, { ...figure, work: title, beside: 'bare' }),
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

async function appendToFile(
  { directory, parameters }: Context<SingleParameters>,
  { isEncoded }: { isEncoded: boolean },
): Promise<Outcome> {
  const { valueBytes, burst, bursts, warmupBursts } = parameters
  const values = createBatches({ batchCount: BURST_COUNT, recordsPerBatch: burst, valueBytes })
  const file = new BareFile(join(directory, 'bare'))
  const encoded = values.map((some) => file.encode(some))
  let written = 0
  const append = (): void => file.append(values[written++ % BURST_COUNT]!)
  const write = (): void => file.write(encoded[written++ % BURST_COUNT]!)
  const plan = { iterations: bursts, warmupIterations: warmupBursts, isAsync: false }
  const timing = await time(isEncoded ? write : append, plan)
  const checked = checkTally(file.tally(), tallyOf(values, written * burst))
  file.close()
  return { metrics: { recordsPerSecond: timing.perSecond * burst }, checked }
}

async function appendToRival(
  { open }: RivalSubject,
  { directory, parameters }: Context<SingleParameters>,
): Promise<Outcome> {
  const { valueBytes, burst } = parameters
  const values = createBatches({ batchCount: BURST_COUNT, recordsPerBatch: burst, valueBytes })
  const log = await open(directory)
  let written = 0
  const work = async (): Promise<void> => {
    await Promise.all(values[written++ % BURST_COUNT]!.map((value) => log.append(value)))
  }
  const timing = await time(work, { ...planOf(parameters), isAsync: true })
  const checked = checkTally(await tallyRival(log), tallyOf(values, written * burst))
  await log.close()
  return { metrics: { recordsPerSecond: timing.perSecond * burst }, checked }
}
