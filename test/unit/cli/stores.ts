import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openStore, type RecordLike } from '../../../src/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** What each partition of each topic is to hold: one list of records a partition. */
export type Topics = Readonly<Record<string, readonly (readonly RecordLike[])[]>>

/** Makes a store with these topics, each record in a batch of its own, and closes it. */
export async function storeOf(topics: Topics): Promise<string> {
  const directory = join(temporaryDirectory(), 'store')
  await using store = await openStore(directory, { cleanup: false, durability: 'os' })
  for (const [name, partitions] of Object.entries(topics)) {
    const { topic } = await store.createTopic(name, { partitions: partitions.length })
    for (const [partition, records] of partitions.entries()) {
      for (const record of records) await topic.append({ partition, records: record })
    }
  }
  return directory
}

/** A store of two topics: `orders` with three partitions, one of them empty, and `users` with one. */
export const twoTopics = (): Promise<string> =>
  storeOf({
    orders: [['a', { key: 'k', value: 'b' }], [], ['c', 'd', 'e']],
    users: [[{ key: 'u', value: 'ann' }]],
  })

/** Makes a partition one that can't be opened. */
export function spoil(directory: string, log: string): void {
  writeFileSync(join(directory, log, 'topic.properties'), 'seglog.log.id=nothing of the kind\n')
}

/** What makes a directory a store of Kafka's. */
export const KAFKAS_META = 'version=1\ncluster.id=c2VnbG9nLXRlc3RzLTAwMA\nnode.id=1\n'
