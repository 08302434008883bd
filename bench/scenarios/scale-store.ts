import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { loadEngine } from '../support/engine.ts'
import { offsetsOf, openUnsyncedStore, TOPIC, writeStore } from '../support/stores.ts'
import { type Context, type Outcome, type Row, scenario } from '../scenario.ts'

interface StoreParameters extends Record<string, number> {
  readonly partitions: number
  /** Beside which growth shows: a tenth. */
  readonly fewPartitions: number
  readonly recordsPerBatch: number
  readonly valueBytes: number
}

const shape = { recordsPerBatch: 1, valueBytes: 100 }
const many = { ...shape, partitions: 1000, fewPartitions: 100 }

/** A store of a thousand partitions: what each costs to make, to write to, to delete, and to have lying there. */
export const scaleStore = scenario<StoreParameters>({
  name: 'scale-store',
  isOnlyFull: true,
  title: 'A store of 1,000 partitions',
  parameters: { full: many, quick: many, smoke: { ...shape, partitions: 12, fewPartitions: 4 } },
  async prepare({ prepared, parameters }) {
    const partitions = { ...parameters, batches: 1 }
    await writeStore(join(prepared, 'few'), { ...partitions, partitions: parameters.fewPartitions })
    return { ...(await writeStore(join(prepared, 'many'), partitions)) }
  },
  subjects: {
    'few, unsynced': (context) => live(context, { count: context.parameters.fewPartitions, isSynced: false }),
    'many, unsynced': (context) => live(context, { count: context.parameters.partitions, isSynced: false }),
    many: (context) => live(context, { count: context.parameters.partitions, isSynced: true }),
    idle: measureIdle,
  },
  rows: [
    ...phase('making a partition', 'makeMs'),
    ...phase('an append to each partition at once, os', 'osMs'),
    ...phase('an append to each partition at once, disk', 'diskMs'),
    ...phase('closing, for each partition', 'closeMs'),
    ...phase('deleting a partition', 'deleteMs'),
    { work: 'An idle partition: heap', unit: 'KB', subject: 'idle', metric: 'heapKB' },
    { work: 'An idle partition: memory beside the heap', unit: 'KB', subject: 'idle', metric: 'externalKB' },
    { work: 'An idle partition: resident memory', unit: 'KB', subject: 'idle', metric: 'residentKB' },
  ],
})

/** Without syncs it shows whether a partition costs more where there are many; with them, what a disk makes of it. */
function phase(work: string, metric: string): Row[] {
  const few = { subject: 'few, unsynced' }
  return [
    {
      work: `1,000 partitions, no syncs: ${work}`,
      unit: 'ms',
      subject: 'many, unsynced',
      metric,
      beside: few,
    },
    { work: `1,000 partitions: ${work}`, unit: 'ms', subject: 'many', metric },
  ]
}

/** The life of a store; figures are ms a partition. */
async function live(
  { directory, parameters }: Context<StoreParameters>,
  { count, isSynced }: { count: number; isSynced: boolean },
): Promise<Outcome> {
  const { openStore } = await loadEngine()
  const open = isSynced ? openStore : openUnsyncedStore
  const path = join(directory, 'store')
  const value = Buffer.alloc(parameters.valueBytes, 1)
  let store = await open(path, { cleanup: false })
  let startedMs = performance.now()
  const lap = (): number => {
    const ms = (performance.now() - startedMs) / count
    startedMs = performance.now()
    return ms
  }
  const { topic } = await store.createTopic(TOPIC, { partitions: count })
  const makeMs = lap()
  await Promise.all(topic.partitions.map((log) => log.append(value, { durability: 'os' })))
  const osMs = lap()
  await Promise.all(topic.partitions.map((log) => log.append(value, { durability: 'disk' })))
  const diskMs = lap()
  await store.close()
  const closeMs = lap()
  store = await open(path, { cleanup: false })
  const offsets = offsetsOf(store)
  if (offsets !== count * 2) throw new Error(`${offsets} offsets in ${count} partitions`)
  startedMs = performance.now()
  await store.deleteTopic(TOPIC)
  const deleteMs = lap()
  await store.close()
  return { metrics: { makeMs, osMs, diskMs, closeMs, deleteMs }, checked: { count: offsets, hash: count } }
}

/** What memory a process has more once it has opened a store of many partitions, after it has opened one of few. */
async function measureIdle({ prepared, parameters, facts }: Context<StoreParameters>): Promise<Outcome> {
  const { openStore } = await loadEngine()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const few = await openStore(join(prepared, 'few'), { cleanup: false })
  collect()
  const before = process.memoryUsage()
  const store = await openStore(join(prepared, 'many'), { cleanup: false })
  collect()
  const after = process.memoryUsage()
  const offsets = offsetsOf(store)
  if (offsets !== facts['records']) throw new Error(`${offsets} offsets were found`)
  await Promise.all([few.close(), store.close()])
  const each = (bytes: number): number => Math.max(bytes, 1) / parameters.partitions / 1000
  return {
    metrics: {
      heapKB: each(after.heapUsed - before.heapUsed),
      externalKB: each(after.external - before.external),
      residentKB: each(after.rss - before.rss),
    },
    checked: { count: offsets, hash: parameters.partitions },
  }
}
