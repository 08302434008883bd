import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { loadEngine } from '../support/engine.ts'
import { watchLoop } from '../support/loop-watch.ts'
import { createBatches } from '../support/payload.ts'
import { openUnsyncedStore, tallyStore, TOPIC, writeStore } from '../support/stores.ts'
import { checkTally, tallyOf } from '../support/tally.ts'
import { timeOnce } from '../support/timing.ts'
import type { Growth } from '../growth.ts'
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
  chart: { metric: 'makeMs', unit: 'ms', title: 'Making a partition of a store of 1,000, and of a few' },
  growth: [
    growthOf('Making a partition, no syncs', 'makeMs'),
    growthOf('An append to each partition at once, os, no syncs', 'osMs'),
    growthOf('Closing, for each partition, no syncs', 'closeMs'),
    growthOf('Deleting a partition, no syncs', 'deleteMs'),
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

function growthOf(work: string, metric: string): Growth<StoreParameters> {
  return {
    work,
    by: 'the partitions',
    unit: 'ms',
    metric,
    sizes: ({ fewPartitions, partitions }) => ({
      'few, unsynced': fewPartitions,
      'many, unsynced': partitions,
    }),
  }
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
  const lap = async <T>(work: () => Promise<T>): Promise<number> => (await timeOnce(work)).ms / count
  const makeMs = await lap(() => store.createTopic(TOPIC, { partitions: count }))
  const { partitions } = store.topic(TOPIC)
  const appendAt = (durability: 'os' | 'disk') =>
    lap(() => Promise.all(partitions.map((log) => log.append(value, { durability }))))
  const osMs = await appendAt('os')
  const diskMs = await appendAt('disk')
  const closeMs = await lap(() => store.close())
  store = await open(path, { cleanup: false })
  const checked = checkTally(await tallyStore(store), tallyOf([[value]], count * 2))
  const deleteMs = await lap(() => store.deleteTopic(TOPIC))
  await store.close()
  return { metrics: { makeMs, osMs, diskMs, closeMs, deleteMs }, checked }
}

/** What memory a process has more once it has opened a store of many partitions, after it has opened one of few. */
async function measureIdle({ prepared, parameters, facts }: Context<StoreParameters>): Promise<Outcome> {
  const { openStore } = await loadEngine()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const few = await openStore(join(prepared, 'few'), { cleanup: false })
  collect()
  const before = process.memoryUsage()
  const store = await watchLoop(() => openStore(join(prepared, 'many'), { cleanup: false }))
  collect()
  const after = process.memoryUsage()
  const batches = createBatches({ batchCount: 1, ...parameters })
  const checked = checkTally(await tallyStore(store), tallyOf(batches, facts['records']!))
  await Promise.all([few.close(), store.close()])
  const each = (bytes: number): number => Math.max(bytes, 1) / parameters.partitions / 1000
  return {
    metrics: {
      heapKB: each(after.heapUsed - before.heapUsed),
      externalKB: each(after.external - before.external),
      residentKB: each(after.rss - before.rss),
    },
    checked,
  }
}
