import { fdatasyncSync } from 'node:fs'
import { join } from 'node:path'
import { bestRow, rivalPart, rivalRows, type RivalSubject, tallyRival } from '../rivals/subjects.ts'
import { BareFile } from '../support/bare-file.ts'
import { loadEngine, tallyLog } from '../support/engine.ts'
import { createBatches } from '../support/payload.ts'
import { checkTally, type Tally, tallyOf } from '../support/tally.ts'
import { time, type Timing } from '../support/timing.ts'
import { type Context, type Numbers, type Outcome, scenario } from '../scenario.ts'

interface DurableParameters extends Record<string, number> {
  readonly valueBytes: number
  /** Appenders that each wait for their own append before the next. */
  readonly appenders: number
  /** Appends that each of them makes in one timed call. */
  readonly appendsPerCall: number
  readonly calls: number
  readonly timeMs: number
  readonly warmupCalls: number
  readonly warmupMs: number
}

const VALUE_COUNT = 64
const figure = { unit: 'records/s', metric: 'recordsPerSecond' } as const
const rivalsAlone = rivalPart<DurableParameters>({ level: 'disk' }, appendToRival)
const rivalsGrouped = rivalPart<DurableParameters>({ level: 'disk', grouping: 'always' }, appendToRival)

/** One writer that awaits each record on disk, beside a loop of write and fdatasync. */
export const durableAlone = scenario<DurableParameters>({
  name: 'durable-alone',
  title: 'Durable append of 1 KiB, one writer awaiting each, level disk',
  parameters: {
    full: {
      valueBytes: 1024,
      appenders: 1,
      appendsPerCall: 1,
      calls: 20,
      timeMs: 1200,
      warmupCalls: 200,
      warmupMs: 600,
    },
    quick: {
      valueBytes: 1024,
      appenders: 1,
      appendsPerCall: 1,
      calls: 20,
      timeMs: 120,
      warmupCalls: 100,
      warmupMs: 150,
    },
    smoke: {
      valueBytes: 1024,
      appenders: 1,
      appendsPerCall: 1,
      calls: 3,
      timeMs: 0,
      warmupCalls: 1,
      warmupMs: 0,
    },
  },
  subjects: {
    seglog: appendDurably,
    'seglog, preallocate': appendFilled,
    bare: syncEach,
    ...rivalsAlone.subjects,
  },
  libraries: rivalsAlone.libraries,
  leftOut: rivalsAlone.leftOut,
  rows: [
    {
      work: 'Durable append of 1 KiB, one writer awaiting each',
      unit: 'records/s',
      subject: 'seglog',
      metric: 'recordsPerSecond',
      beside: { subject: 'bare' },
      goal: { kind: 'comparison-min', limit: 0.95 },
    },
    {
      work: 'the same, median time until the promise resolves',
      unit: 'ms',
      subject: 'seglog',
      metric: 'p50Ms',
      beside: { subject: 'bare' },
    },
    {
      work: 'the same, 99th percentile',
      unit: 'ms',
      subject: 'seglog',
      metric: 'p99Ms',
      beside: { subject: 'bare' },
    },
    {
      work: 'Durable append of 1 KiB, one writer awaiting each, zeros written ahead (preallocate)',
      unit: 'records/s',
      subject: 'seglog, preallocate',
      metric: 'recordsPerSecond',
      beside: { subject: 'bare' },
      goal: { kind: 'comparison-min', limit: 1.15 },
    },
    {
      work: 'the same, median time until the promise resolves',
      unit: 'ms',
      subject: 'seglog, preallocate',
      metric: 'p50Ms',
      beside: { subject: 'bare' },
    },
    bestRow(rivalsAlone, {
      ...figure,
      work: 'Durable append of 1 KiB, one writer awaiting each, beside the best library',
    }),
    ...rivalRows(rivalsAlone, {
      ...figure,
      work: 'Durable append of 1 KiB, one writer awaiting each',
      beside: 'bare',
    }),
  ],
})

/** 64 appenders at once, beside one fdatasync a record and beside one for 64 records. */
export const durableGroup = scenario<DurableParameters>({
  name: 'durable-64',
  title: 'Durable append of 1 KiB by 64 concurrent appenders, level disk',
  parameters: {
    full: {
      valueBytes: 1024,
      appenders: 64,
      appendsPerCall: 2,
      calls: 8,
      timeMs: 1200,
      warmupCalls: 8,
      warmupMs: 600,
    },
    quick: {
      valueBytes: 1024,
      appenders: 64,
      appendsPerCall: 1,
      calls: 5,
      timeMs: 120,
      warmupCalls: 5,
      warmupMs: 150,
    },
    smoke: {
      valueBytes: 1024,
      appenders: 64,
      appendsPerCall: 1,
      calls: 1,
      timeMs: 0,
      warmupCalls: 0,
      warmupMs: 0,
    },
  },
  subjects: {
    seglog: appendDurably,
    'seglog, preallocate': appendFilled,
    'bare one by one': syncEach,
    'bare in groups': syncGroups,
    ...rivalsGrouped.subjects,
  },
  libraries: rivalsGrouped.libraries,
  leftOut: rivalsGrouped.leftOut,
  rows: [
    {
      work: 'Durable append of 1 KiB by 64 appenders, beside one fdatasync a record',
      unit: 'records/s',
      subject: 'seglog',
      metric: 'recordsPerSecond',
      beside: { subject: 'bare one by one' },
    },
    {
      work: 'the same, beside 64 records written and synced as one',
      unit: 'records/s',
      subject: 'seglog',
      metric: 'recordsPerSecond',
      beside: { subject: 'bare in groups' },
    },
    {
      work: 'the same, zeros written ahead (preallocate), beside one fdatasync a record',
      unit: 'records/s',
      subject: 'seglog, preallocate',
      metric: 'recordsPerSecond',
      beside: { subject: 'bare one by one' },
    },
    {
      work: 'the same, zeros written ahead (preallocate), beside 64 records written and synced as one',
      unit: 'records/s',
      subject: 'seglog, preallocate',
      metric: 'recordsPerSecond',
      beside: { subject: 'bare in groups' },
    },
    bestRow(rivalsGrouped, {
      ...figure,
      work: 'Durable append of 1 KiB by 64 appenders, beside the best library',
      ratioMin: 1.75,
    }),
    {
      ...bestRow(rivalsGrouped, {
        ...figure,
        work: 'the same, zeros written ahead (preallocate), beside the best library',
        ratioMin: 2.5,
      }),
      subject: 'seglog, preallocate',
    },
    ...rivalRows(rivalsGrouped, {
      ...figure,
      work: 'Durable append of 1 KiB by 64 appenders',
      beside: 'bare in groups',
    }),
  ],
})

function appendDurably(context: Context<DurableParameters>): Promise<Outcome> {
  return appendToLog(context, {})
}

function appendFilled(context: Context<DurableParameters>): Promise<Outcome> {
  return appendToLog(context, { preallocate: true })
}

async function appendToLog(
  { directory, parameters }: Context<DurableParameters>,
  config: { readonly preallocate?: boolean },
): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const log = await openLog(join(directory, 'log'), { durability: 'disk', config })
  const { metrics, expected } = await measureAppends(parameters, (value) => log.append(value))
  const checked = checkTally(await tallyLog(log), expected)
  await log.close()
  return { metrics, checked }
}

async function appendToRival(
  { open }: RivalSubject,
  { directory, parameters }: Context<DurableParameters>,
): Promise<Outcome> {
  const log = await open(directory)
  const { metrics, expected } = await measureAppends(parameters, (value) => log.append(value))
  const checked = checkTally(await tallyRival(log), expected)
  await log.close()
  return { metrics, checked }
}

/** Has as many appenders as there are to be each await its own appends. */
async function measureAppends(
  parameters: DurableParameters,
  append: (value: Uint8Array) => Promise<unknown>,
): Promise<{ metrics: Numbers; expected: Tally }> {
  const { valueBytes, appenders, appendsPerCall } = parameters
  const [values] = createBatches({ batchCount: 1, recordsPerBatch: VALUE_COUNT, valueBytes })
  let written = 0
  const appendInTurn = async (): Promise<void> => {
    for (let count = 0; count < appendsPerCall; count++) await append(values![written++ % VALUE_COUNT]!)
  }
  const work = async (): Promise<void> => {
    await Promise.all(Array.from({ length: appenders }, appendInTurn))
  }
  const timing = await time(appenders === 1 ? appendInTurn : work, { ...planOf(parameters), isAsync: true })
  return { metrics: metricsOf(timing, appenders * appendsPerCall), expected: tallyOf([values!], written) }
}

async function syncEach(context: Context<DurableParameters>): Promise<Outcome> {
  return writeAndSync(context, 1)
}

async function syncGroups(context: Context<DurableParameters>): Promise<Outcome> {
  return writeAndSync(context, context.parameters.appenders)
}

/** Writes as many records as the log is asked for in a call, with one fdatasync for every `groupSize` of them. */
async function writeAndSync(
  { directory, parameters }: Context<DurableParameters>,
  groupSize: number,
): Promise<Outcome> {
  const { valueBytes, appenders, appendsPerCall } = parameters
  const [values] = createBatches({ batchCount: 1, recordsPerBatch: VALUE_COUNT, valueBytes })
  const groups = Array.from({ length: VALUE_COUNT / groupSize }, (_, slot) =>
    values!.slice(slot * groupSize, (slot + 1) * groupSize),
  )
  const groupsPerCall = (appenders * appendsPerCall) / groupSize
  const file = new BareFile(join(directory, 'bare'))
  let written = 0
  const work = (): void => {
    for (let count = 0; count < groupsPerCall; count++) {
      file.append(groups[written++ % groups.length]!)
      fdatasyncSync(file.descriptor)
    }
  }
  const timing = await time(work, { ...planOf(parameters), isAsync: false })
  const checked = checkTally(file.tally(), tallyOf([values!], written * groupSize))
  file.close()
  return { metrics: metricsOf(timing, groupsPerCall * groupSize), checked }
}

function planOf({ calls, timeMs, warmupCalls, warmupMs }: DurableParameters) {
  return { iterations: calls, timeMs, warmupIterations: warmupCalls, warmupMs }
}

function metricsOf({ perSecond, p50Ms, p99Ms }: Timing, recordsPerCall: number) {
  return { recordsPerSecond: perSecond * recordsPerCall, p50Ms, p99Ms }
}
