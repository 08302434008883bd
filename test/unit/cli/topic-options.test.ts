import { cpSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findStorePlace, findTopicDirectories } from '../../../src/cli/topic-options.ts'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { run } from './fake-machine.ts'
import { twoTopics } from './stores.ts'

describe('findStorePlace', () => {
  it('tells a store from a log and from nothing', async () => {
    const directory = await twoTopics()
    expect(await findStorePlace(directory, {}, {})).toEqual({
      directory,
      topic: undefined,
      partition: undefined,
    })
    expect(await findStorePlace(directory, { topic: 'x', partition: 3 }, {})).toEqual({
      directory,
      topic: 'x',
      partition: 3,
    })
    expect(await findStorePlace(join(directory, 'users-0'), {}, {})).toBe(undefined)
    expect(await findStorePlace('/nowhere', {}, { needsTopic: true })).toBe(undefined)
  })

  it('refuses -t and -p where there is no store, by what there is', async () => {
    const log = join(await twoTopics(), 'users-0')
    await expect(findStorePlace(log, { topic: 'x' }, {})).rejects.toThrow('is a log, not a store')
    await expect(findStorePlace(log, { partition: 0 }, {})).rejects.toThrow('is a log, not a store')
    for (const nothing of ['/nowhere', temporaryDirectory(), 'package.json'])
      await expect(findStorePlace(nothing, { topic: 'x' }, {})).rejects.toThrow(
        `there is no store in ${nothing}`,
      )
  })
})

const find = async (directory: string, topic: string, partition?: number) =>
  (await findTopicDirectories(nodeFileSystem, directory, { topic, partition })).map((path) => basename(path))

describe('findTopicDirectories', () => {
  it('gives the logs of a topic in the order of partitions, or one of them', async () => {
    const directory = temporaryDirectory()
    for (const name of ['a-10', 'a-2', 'a-0', 'a-b-0', 'a', 'b-1']) mkdirSync(join(directory, name))
    expect(await find(directory, 'a')).toEqual(['a-0', 'a-2', 'a-10'])
    expect(await find(directory, 'a', 2)).toEqual(['a-2'])
    expect(await find(directory, 'a-b')).toEqual(['a-b-0'])
    await expect(find(directory, 'c')).rejects.toThrow(/there is no topic "c" in .*; there are a, a-b, b$/)
    await expect(find(directory, 'a', 1)).rejects.toThrow('-p 1: of a there are 0, 2, 10')
  })
})

describe('segments and dump of a store', () => {
  it('segments lists those of all logs, of a topic, or of a partition, and says whose they are', async () => {
    const directory = await twoTopics()
    const names = async (...args: string[]) =>
      (await run(['segments', directory, ...args])).output
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0])
    expect(await names()).toEqual(['LOG', 'orders-0', 'orders-1', 'orders-2', 'users-0'])
    expect(await names('-t', 'orders')).toEqual(['LOG', 'orders-0', 'orders-1', 'orders-2'])
    expect(await names('-t', 'orders', '-p', '2')).toEqual(['LOG', 'orders-2'])
    const { output } = await run(['segments', directory, '-t', 'users', '--json'])
    expect(JSON.parse(output)).toMatchObject({ topic: 'users', partition: 0, baseOffset: 0, nextOffset: 1 })
    expect((await run(['segments', directory, '-t', 'user'])).errors).toContain('did you mean users?')
  })

  it('dump prints the segments of all logs, of a topic, or of a partition', async () => {
    const directory = await twoTopics()
    const dumped = async (...args: string[]) =>
      Array.from(
        (await run(['dump', directory, ...args])).output.matchAll(/^Dumping .*\/([^/]+)\/[^/]+$/gm),
        ([, log]) => log,
      )
    expect(await dumped()).toEqual(['orders-0', 'orders-1', 'orders-2', 'users-0'])
    expect(await dumped('-t', 'orders')).toEqual(['orders-0', 'orders-1', 'orders-2'])
    expect(await dumped('-t', 'orders', '-p', '2')).toEqual(['orders-2'])
  })

  it('dump takes -t where directories of Kafka lie, and refuses it for a log, an unknown topic and -p alone', async () => {
    const directory = temporaryDirectory()
    cpSync('data/samples/kafka/stopped/orders-0', join(directory, 'orders-0'), { recursive: true })
    mkdirSync(join(directory, 'orders-1'))
    const { exitCode, output, errors } = await run(['dump', directory, '-t', 'orders'])
    expect(output).toContain('Log starting offset: 20')
    expect([exitCode, errors]).toEqual([3, expect.stringContaining('LOG_NOT_FOUND: there is no segment in ')])
    for (const [args, message, code] of [
      [['data/samples/kafka/stopped/orders-0', '-t', 'orders'], 'is a log, not a store', 2],
      [[directory, '-t', 'oders'], 'there is no topic "oders"', 3],
      [[directory, '-p', '0'], '-p goes with -t', 2],
      [[directory, '-t', 'orders', '-p', '4'], '-p 4: of orders there are 0, 1', 2],
    ] as const) {
      const refused = await run(['dump', ...args])
      expect(refused.exitCode).toBe(code)
      expect(refused.errors).toContain(message)
    }
  })
})
