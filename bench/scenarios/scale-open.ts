import { join } from 'node:path'
import { loadEngine, tallyLog } from '../support/engine.ts'
import { createBatches } from '../support/payload.ts'
import { openUnsynced } from '../support/segments.ts'
import { offsetsOf, tallyStore, writeStore } from '../support/stores.ts'
import { checkTally, type Tally, tallyOf } from '../support/tally.ts'
import { timeOnce } from '../support/timing.ts'
import type { Growth } from '../growth.ts'
import { type Context, type Outcome, type Row, scenario } from '../scenario.ts'

interface OpenParameters extends Record<string, number> {
  readonly partitions: number
  /** In each partition, of the smallest amount of data; the others have ten and a hundred times that. */
  readonly batches: number
  readonly recordsPerBatch: number
  readonly valueBytes: number
  /** Openings in one process; the figure is their median, so that what a process does once is not in it. */
  readonly openings: number
}

const TIMES = [1, 10, 100] as const
const RATIO_MAX = 1.5
const shape = { recordsPerBatch: 10, valueBytes: 1000, openings: 20 }

/** Opening a log that was closed in order, of 1, 10 and 100 times the data in one segment. */
export const scaleOpenLog = scenario<OpenParameters>({
  name: 'scale-open-log',
  isOnlyFull: true,
  title: 'Opening a log after a clean close, by the amount of data in it',
  parameters: {
    full: { ...shape, partitions: 1, batches: 100 },
    quick: { ...shape, partitions: 1, batches: 100 },
    smoke: { ...shape, partitions: 1, batches: 1, openings: 2 },
  },
  async prepare({ prepared, parameters }) {
    const [batch] = createBatches({ batchCount: 1, ...parameters })
    for (const times of TIMES) {
      const log = await openUnsynced(join(prepared, `${times}`), {})
      for (let count = 0; count < parameters.batches * times; count++) await log.append(batch!)
      await log.close()
    }
    return {}
  },
  subjects: Object.fromEntries(
    TIMES.map((times) => [`${times}×`, (context: Context<OpenParameters>) => openOneLog(context, times)]),
  ),
  rows: rowsOf('a log'),
  growth: [growthOf('a log')],
})

/** Opening a store of many partitions, all closed in order, of 1, 10 and 100 times the data. */
export const scaleOpenStore = scenario<OpenParameters>({
  name: 'scale-open-store',
  isOnlyFull: true,
  title: 'Opening a store after a clean close, by the amount of data in it',
  parameters: {
    full: { ...shape, partitions: 100, batches: 1 },
    quick: { ...shape, partitions: 100, batches: 1 },
    smoke: { ...shape, partitions: 3, batches: 1, openings: 2 },
  },
  async prepare({ prepared, parameters }) {
    for (const times of TIMES) {
      const batches = parameters.batches * times
      await writeStore(join(prepared, `${times}`), { ...parameters, batches })
    }
    return {}
  },
  subjects: Object.fromEntries(
    TIMES.map((times) => [`${times}×`, (context: Context<OpenParameters>) => openOneStore(context, times)]),
  ),
  rows: rowsOf('a store of 100 partitions'),
  growth: [growthOf('a store of 100 partitions')],
})

function rowsOf(what: string): Row[] {
  const work = `Opening ${what} after a clean close`
  return [
    { work, unit: 'ms', subject: '1×', metric: 'openMs' },
    {
      work: `${work}, 10 × the data`,
      unit: 'ms',
      subject: '10×',
      metric: 'openMs',
      beside: { subject: '1×' },
    },
    {
      work: `${work}, 100 × the data`,
      unit: 'ms',
      subject: '100×',
      metric: 'openMs',
      beside: { subject: '1×' },
      goal: { kind: 'comparison-max', limit: RATIO_MAX },
    },
  ]
}

/** The goal is that of the ratio, taken over all three sizes: 100 to that power is 1.5. */
function growthOf(what: string): Growth {
  return {
    work: `Opening ${what} after a clean close`,
    by: 'the data',
    unit: 'ms',
    metric: 'openMs',
    sizes: () => Object.fromEntries(TIMES.map((times) => [`${times}×`, times])),
    exponentMax: 0.088,
  }
}

async function openOneLog(
  { prepared, parameters }: Context<OpenParameters>,
  times: number,
): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const expected = parameters.batches * parameters.recordsPerBatch * times
  let found: Tally = { count: 0, hash: 0 }
  const openMs = await medianOf(parameters.openings, async ({ isLast }) => {
    const { ms, result: log } = await timeOnce(() => openLog(join(prepared, `${times}`), { cleanup: false }))
    const { clean, scannedBytes } = log.recovery
    if (!clean || scannedBytes > 0 || log.endOffset !== expected)
      throw new Error(`${log.endOffset} offsets, ${scannedBytes} bytes scanned`)
    if (isLast) found = await tallyLog(log)
    await log.close()
    return ms
  })
  return { metrics: { openMs }, checked: checkTally(found, expectedOf(parameters, expected)) }
}

async function openOneStore(
  { prepared, parameters }: Context<OpenParameters>,
  times: number,
): Promise<Outcome> {
  const { openStore } = await loadEngine()
  const { partitions, batches, recordsPerBatch } = parameters
  const expected = partitions * batches * recordsPerBatch * times
  let found: Tally = { count: 0, hash: 0 }
  const openMs = await medianOf(parameters.openings, async ({ isLast }) => {
    const { ms, result: store } = await timeOnce(() =>
      openStore(join(prepared, `${times}`), { cleanup: false }),
    )
    const isClean = store.report.logs.every(({ recovery }) => recovery.clean && recovery.scannedBytes === 0)
    if (!isClean || offsetsOf(store) !== expected) throw new Error(`${offsetsOf(store)} offsets were found`)
    if (isLast) found = await tallyStore(store)
    await store.close()
    return ms
  })
  return { metrics: { openMs }, checked: checkTally(found, expectedOf(parameters, expected)) }
}

/** What the last opening must find, by reading it. */
function expectedOf(parameters: OpenParameters, records: number): Tally {
  return tallyOf(createBatches({ batchCount: 1, ...parameters }), records)
}

async function medianOf(
  count: number,
  measure: (opening: { isLast: boolean }) => Promise<number>,
): Promise<number> {
  const all: number[] = []
  for (let round = 0; round < count; round++) all.push(await measure({ isLast: round === count - 1 }))
  return all.sort((a, b) => a - b)[count >> 1]!
}
