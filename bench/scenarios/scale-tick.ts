import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadEngine, tallyLog } from '../support/engine.ts'
import { EventLoopProbe } from '../support/event-loop-probe.ts'
import { createBatches } from '../support/payload.ts'
import { writeSegments } from '../support/segments.ts'
import { offsetsOf, openUnsyncedStore, tallyStore, TOPIC, writeStore } from '../support/stores.ts'
import { checkTally, type Tally, tallyOf } from '../support/tally.ts'
import { type Context, type Outcome, type Row, scenario } from '../scenario.ts'

interface TickParameters extends Record<string, number> {
  readonly partitions: number
  readonly segments: number
  readonly recordsPerBatch: number
  readonly valueBytes: number
  readonly idleMs: number
}

const shape = { recordsPerBatch: 10, valueBytes: 100, idleMs: 300 }
const many = { ...shape, partitions: 1000, segments: 10_000 }
const LOOP_MS_MAX = 20

/** One log has all the segments, one a tenth of them, one a hundredth. */
const PARTS = [1, 10, 100] as const
type Part = (typeof PARTS)[number]

const logOf = (part: Part): string => `log-${part}`
const segmentsOf = (part: Part, { segments }: TickParameters): number => segments / part

/** A tick of cleaning over a whole store, or one large log: how long it takes, and how long it holds the event loop. */
export const scaleTick = scenario<TickParameters>({
  name: 'scale-tick',
  isOnlyFull: true,
  title: 'A tick of cleaning over 1,000 partitions, and over 10,000 segments',
  parameters: { full: many, quick: many, smoke: { ...shape, partitions: 8, segments: 100, idleMs: 10 } },
  async prepare({ prepared, parameters }) {
    for (const part of PARTS)
      await writeSegments(join(prepared, logOf(part)), {
        ...parameters,
        segments: segmentsOf(part, parameters),
      })
    return { ...(await writeStore(join(prepared, 'store'), { ...parameters, batches: 1 })) }
  },
  subjects: {
    idle: watchIdle,
    partitions: tickOverPartitions,
    'partitions, each deletes': deleteInPartitions,
    segments: (context) => tickOverSegments(context, 1),
    'segments, a tenth': (context) => tickOverSegments(context, 10),
    'segments, a hundredth': (context) => tickOverSegments(context, 100),
  },
  rows: [
    ...loopRows('nothing', 'idle'),
    ...tickRows('1,000 partitions', 'partitions'),
    ...tickRows('1,000 partitions that delete a segment each', 'partitions, each deletes'),
    ...tickRows('10,000 segments', 'segments'),
    { work: 'A tick over 1,000 segments', unit: 'ms', subject: 'segments, a tenth', metric: 'tickMs' },
    { work: 'A tick over 100 segments', unit: 'ms', subject: 'segments, a hundredth', metric: 'tickMs' },
  ],
  chart: { metric: 'tickMs', unit: 'ms' },
  growth: [
    {
      work: 'A tick of cleaning',
      by: 'the segments',
      unit: 'ms',
      metric: 'tickMs',
      sizes: (parameters) => ({
        'segments, a hundredth': segmentsOf(100, parameters),
        'segments, a tenth': segmentsOf(10, parameters),
        segments: segmentsOf(1, parameters),
      }),
      exponentMax: 1.1,
    },
  ],
})

function tickRows(over: string, subject: string): Row[] {
  const tick: Row = { work: `A tick over ${over}`, unit: 'ms', subject, metric: 'tickMs' }
  return [tick, ...loopRows(`a tick over ${over}`, subject)]
}

function loopRows(during: string, subject: string): Row[] {
  const goal = subject === 'idle' ? {} : { goal: { kind: 'figure-max', limit: LOOP_MS_MAX } as const }
  return [
    { work: `event loop delay p99 during ${during}`, unit: 'ms', subject, metric: 'p99Ms', ...goal },
    {
      work: `longest turn of the loop during ${during}`,
      unit: 'ms',
      subject,
      metric: 'longestTurnMs',
      ...goal,
    },
  ]
}

async function watchIdle({ parameters }: Context<TickParameters>): Promise<Outcome> {
  const delays = await watch(() => sleep(parameters.idleMs))
  return { metrics: delays, checked: { count: 0, hash: 0 } }
}

async function tickOverPartitions({
  prepared,
  parameters,
  facts,
}: Context<TickParameters>): Promise<Outcome> {
  const { openStore } = await loadEngine()
  const store = await openStore(join(prepared, 'store'), { cleanup: false })
  const metrics = await watch(async () => {
    const { plans, failures, deleted } = await store.clean()
    if (plans.length !== parameters.partitions || failures.length + deleted.length > 0)
      throw new Error(`${plans.length} plans, ${deleted.length} segments went`)
  })
  const checked = checkTally(await tallyStore(store), expectedOf(parameters, facts['records']!))
  await store.close()
  return { metrics, checked }
}

async function deleteInPartitions({ directory, parameters }: Context<TickParameters>): Promise<Outcome> {
  const { openStore } = await loadEngine()
  const path = join(directory, 'store')
  const { records } = await writeStore(path, { ...parameters, batches: 1 })
  const setup = await openUnsyncedStore(path)
  await Promise.all(setup.topic(TOPIC).partitions.map((log) => log.roll()))
  await setup.topic(TOPIC).updateConfig({ 'retention.bytes': 0, 'file.delete.delay.ms': 0 })
  await setup.close()
  const store = await openStore(path, { cleanup: false })
  const metrics = await watch(async () => {
    const { failures, deleted } = await store.clean()
    if (failures.length > 0 || deleted.length !== parameters.partitions)
      throw new Error(`${deleted.length} segments went`, { cause: failures[0]?.error })
  })
  const isEmpty = store.topic(TOPIC).partitions.every((log) => log.startOffset === log.endOffset)
  if (!isEmpty || offsetsOf(store) !== records) throw new Error('something is left')
  await store.close()
  return { metrics, checked: { count: records, hash: parameters.partitions } }
}

async function tickOverSegments(
  { prepared, parameters }: Context<TickParameters>,
  part: Part,
): Promise<Outcome> {
  const segments = segmentsOf(part, parameters)
  const { openLog } = await loadEngine()
  const log = await openLog(join(prepared, logOf(part)), { cleanup: false })
  const metrics = await watch(async () => {
    const { plans, failures, deleted } = await log.clean()
    if (plans[0]?.segments.length !== segments || failures.length + deleted.length > 0)
      throw new Error(`${plans[0]?.segments.length} segments were planned for`)
  })
  const records = segments * parameters.recordsPerBatch
  const checked = checkTally(await tallyLog(log), expectedOf(parameters, records))
  await log.close()
  return { metrics, checked }
}

/** What a tick must leave where it deletes nothing. */
function expectedOf(parameters: TickParameters, records: number): Tally {
  return tallyOf(createBatches({ batchCount: 1, ...parameters }), records)
}

async function watch(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const probe = new EventLoopProbe()
  await probe.start()
  const startedMs = performance.now()
  await work()
  const tickMs = performance.now() - startedMs
  return { tickMs, ...(await probe.stop()) }
}
