import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { loadEngine } from '../support/engine.ts'
import { createBatches } from '../support/payload.ts'
import { openUnsynced } from '../support/segments.ts'
import { offsetsOf, writeStore } from '../support/stores.ts'
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

async function openOneLog(
  { prepared, parameters }: Context<OpenParameters>,
  times: number,
): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const expected = parameters.batches * parameters.recordsPerBatch * times
  const openMs = await medianOf(parameters.openings, async () => {
    const startedMs = performance.now()
    const log = await openLog(join(prepared, `${times}`), { cleanup: false })
    const ms = performance.now() - startedMs
    const { clean, scannedBytes } = log.recovery
    if (!clean || scannedBytes > 0 || log.endOffset !== expected)
      throw new Error(`${log.endOffset} offsets, ${scannedBytes} bytes scanned`)
    await log.close()
    return ms
  })
  return { metrics: { openMs }, checked: { count: expected, hash: times } }
}

async function openOneStore(
  { prepared, parameters }: Context<OpenParameters>,
  times: number,
): Promise<Outcome> {
  const { openStore } = await loadEngine()
  const { partitions, batches, recordsPerBatch } = parameters
  const expected = partitions * batches * recordsPerBatch * times
  const openMs = await medianOf(parameters.openings, async () => {
    const startedMs = performance.now()
    const store = await openStore(join(prepared, `${times}`), { cleanup: false })
    const ms = performance.now() - startedMs
    const isClean = store.report.logs.every(({ recovery }) => recovery.clean && recovery.scannedBytes === 0)
    if (!isClean || offsetsOf(store) !== expected) throw new Error(`${offsetsOf(store)} offsets were found`)
    await store.close()
    return ms
  })
  return { metrics: { openMs }, checked: { count: expected, hash: times } }
}

async function medianOf(count: number, measure: () => Promise<number>): Promise<number> {
  const all: number[] = []
  for (let round = 0; round < count; round++) all.push(await measure())
  return all.sort((a, b) => a - b)[count >> 1]!
}
