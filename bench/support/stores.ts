import type { Store, StoreOptions } from '../../src/index.ts'
import { loadEngine } from './engine.ts'
import { createBatches } from './payload.ts'
import { unsyncedFileSystem } from './segments.ts'
import { RecordTally, type Tally } from './tally.ts'

/** The topic that holds all partitions of a measured store. */
export const TOPIC = 'measured'

/** Opens a store whose syncs do nothing: it is setup, and what it writes has to survive nothing. */
export async function openUnsyncedStore(directory: string, options: StoreOptions = {}): Promise<Store> {
  const { openStore } = await loadEngine()
  const fileSystem = await unsyncedFileSystem()
  return openStore(directory, { durability: 'os', cleanup: false, ...options, fileSystem })
}

/** Writes a store of so many partitions, each with so many batches, and closes it; gives the offsets in it. */
export async function writeStore(
  directory: string,
  shape: { partitions: number; batches: number; recordsPerBatch: number; valueBytes: number },
): Promise<{ records: number }> {
  const [batch] = createBatches({ batchCount: 1, ...shape })
  const store = await openUnsyncedStore(directory)
  const { topic } = await store.createTopic(TOPIC, { partitions: shape.partitions })
  for (const log of topic.partitions)
    for (let count = 0; count < shape.batches; count++) await log.append(batch!)
  const records = offsetsOf(store)
  await store.close()
  return { records }
}

/** Reads a store, one partition after another. */
export async function tallyStore(store: Store): Promise<Tally> {
  const tally = new RecordTally()
  for (const log of store.topic(TOPIC).partitions)
    for await (const batch of log.readBatches()) for (const { value } of batch) tally.add(value!)
  return tally.take()
}

/** Offsets in all partitions of a store, read or not. */
export function offsetsOf(store: Store): number {
  return store.topic(TOPIC).partitions.reduce((sum, { endOffset }) => sum + endOffset, 0)
}
