import { describe, expect, it } from 'vitest'
import { classifyStoreDirectory, deletedDirectoryName } from '../../../src/layout/index.ts'
import { SeededRandom } from '../../../src/testing/index.ts'
import { seed } from '../../helpers/seed.ts'

const random = new SeededRandom(seed)

describe('a directory in a store', () => {
  it.each([
    ['orders-0', { kind: 'partition', log: { topic: 'orders', partition: 0 } }],
    ['my.topic-with-2-12', { kind: 'partition', log: { topic: 'my.topic-with-2', partition: 12 } }],
    ['orders-0.00112233445566778899aabbccddeeff-delete', { kind: 'delete', of: 'orders-0' }],
    ['foo.bar-t-42.00112233445566778899aabbccddeeff-stray', { kind: 'stray', of: 'foo.bar-t-42' }],
    ['orders-0.00112233445566778899aabbccddeeff-future', { kind: 'future', of: 'orders-0' }],
    ['orders', { kind: 'unknown' }],
    ['orders-', { kind: 'unknown' }],
    ['-0', { kind: 'unknown' }],
    ['orders-00', { kind: 'unknown' }],
    ['orders-x', { kind: 'unknown' }],
    ['orders-0.00112233-delete', { kind: 'unknown' }],
    ['remote-log-index-cache', { kind: 'unknown' }],
  ])('called %s is %j', (name, entry) => {
    expect(classifyStoreDirectory(name)).toEqual(entry)
  })
})

describe('the name of a partition that is to be removed', () => {
  it('has the partition, something unique and -delete', () => {
    const log = { topic: 'foo', partition: 3 }
    expect(deletedDirectoryName(log, random)).toMatch(/^foo-3\.[0-9a-f]{32}-delete$/)
    expect(deletedDirectoryName(log, random)).not.toBe(deletedDirectoryName(log, random))
  })

  it.each([0, 9, 2_147_483_647])('fits a file system for the longest topic, partition %i', (partition) => {
    const name = deletedDirectoryName({ topic: 'x'.repeat(249), partition }, random)
    expect(name.length).toBe(255)
    expect(classifyStoreDirectory(name)).toMatchObject({ kind: 'delete' })
    expect(name).toContain(`-${partition}.`)
  })
})
