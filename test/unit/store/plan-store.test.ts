import { describe, expect, it } from 'vitest'
import { type PartitionFacts, planStore } from '../../../src/store/plan-store.ts'

const ours = (topic: string, partition: number, more: Partial<PartitionFacts> = {}): PartitionFacts => ({
  name: `${topic}-${partition}`,
  topic,
  partition,
  topicId: `id-of-${topic}`,
  isEmpty: false,
  isOurs: true,
  partitionCount: 3,
  config: new Map(),
  hasRecords: false,
  ...more,
})
const kafkas = (topic: string, partition: number, more: Partial<PartitionFacts> = {}): PartitionFacts =>
  ours(topic, partition, {
    isOurs: false,
    partitionCount: undefined,
    config: undefined,
    hasRecords: true,
    ...more,
  })
const empty = (topic: string, partition: number): PartitionFacts =>
  kafkas(topic, partition, { isEmpty: true, topicId: undefined, hasRecords: false })

const namesOf = (list: readonly { name: string }[]) => list.map(({ name }) => name)
const plan = (partitions: readonly PartitionFacts[], deletedIds: readonly (string | undefined)[] = []) =>
  planStore({ partitions, deletions: deletedIds.map((topicId, slot) => ({ name: `gone-${slot}`, topicId })) })

describe('what is in a store', () => {
  it('is its topics, in the order of their names, with their partitions in the order of numbers', () => {
    const { topics, rename, discard } = plan([ours('b', 2), ours('a', 0), ours('b', 0), ours('b', 1)])
    expect(topics.map(({ name, partitionCount, found }) => [name, partitionCount, namesOf(found)])).toEqual([
      ['a', 3, ['a-0']],
      ['b', 3, ['b-0', 'b-1', 'b-2']],
    ])
    expect([rename, discard]).toEqual([[], []])
  })

  it('is nothing in an empty store', () => {
    expect(plan([])).toEqual({ rename: [], discard: [], topics: [] })
  })

  it('has as many partitions of a topic as it was made with, and no fewer than are there', () => {
    expect(plan([ours('a', 0, { partitionCount: 5 })]).topics[0]?.partitionCount).toBe(5)
    expect(plan([ours('a', 0, { partitionCount: undefined }), ours('a', 7)]).topics[0]?.partitionCount).toBe(
      8,
    )
  })

  it('takes a topic of Kafka’s as it is, whichever partitions of it are there', () => {
    const { topics, discard } = plan([kafkas('a', 3), kafkas('b', 1, { hasRecords: false })])
    expect(topics.map(({ name, partitionCount }) => [name, partitionCount])).toEqual([
      ['a', 4],
      ['b', 2],
    ])
    expect(discard).toEqual([])
  })

  it('gives a topic the configuration of partition 0, and none where that can not be read', () => {
    const config = new Map([['retention.ms', '5']])
    expect(plan([ours('a', 0, { config }), ours('a', 1)]).topics[0]?.config).toBe(config)
    expect(plan([ours('a', 0, { config: undefined }), ours('a', 1)]).topics[0]?.config).toBeUndefined()
    expect(plan([kafkas('a', 0)]).topics[0]?.config).toBeUndefined()
  })
})

describe('a creation that was interrupted', () => {
  it.each([
    ['before partition 0 was begun', [ours('a', 2), ours('a', 1)]],
    ['when partition 0 had a directory', [ours('a', 2), ours('a', 1), empty('a', 0)]],
    ['at the very first directory', [empty('a', 2)]],
  ])('leaves nothing: %s', (_, partitions) => {
    const { topics, discard } = plan([...partitions, ours('other', 0)])
    expect(namesOf(discard).sort()).toEqual(namesOf(partitions).sort())
    expect(namesOf(topics)).toEqual(['other'])
  })

  it('is over once partition 0 says which topic it is of', () => {
    const { topics, discard } = plan([ours('a', 0), ours('a', 1), ours('a', 2)])
    expect([namesOf(topics), discard]).toEqual([['a'], []])
  })
})

describe('a topic whose partition 0 is missing', () => {
  it('is kept where it has records: somebody else took it away', () => {
    const { topics, discard, rename } = plan([ours('a', 1, { hasRecords: true }), ours('a', 2)])
    expect([namesOf(topics), topics[0]?.partitionCount, discard, rename]).toEqual([['a'], 3, [], []])
  })

  it('is being deleted where its id is that of a deletion, records or none', () => {
    const { topics, discard, rename } = plan([ours('a', 1, { hasRecords: true }), ours('a', 2)], ['id-of-a'])
    expect([topics, discard, namesOf(rename)]).toEqual([[], [], ['a-1', 'a-2']])
  })

  it('is not being deleted because another topic is, nor one of the same name from before', () => {
    const { topics } = plan([ours('a', 0), ours('a', 1, { hasRecords: true })], ['id-of-b', undefined])
    expect(namesOf(topics)).toEqual(['a'])
    expect(plan([ours('a', 0), ours('a', 1)], ['an-older-id']).rename).toEqual([])
  })
})
