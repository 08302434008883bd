import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLog, openStore } from '../../../src/index.ts'
import { partitionForKey } from '../../../src/store/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { run } from './fake-machine.ts'
import { KAFKAS_META, spoil, storeOf, twoTopics } from './stores.ts'

/** Keys and values of a topic's records, partition by partition. */
async function contents(directory: string, topic: string): Promise<string[][]> {
  await using store = await openStore(directory, { readOnly: true })
  const found: string[][] = store.topic(topic).partitions.map(() => [])
  for await (const { partition, key, value } of store.topic(topic).read())
    found[partition]!.push(`${key?.toString() ?? ''}=${value?.toString() ?? ''}`)
  return found
}

const append = (directory: string, args: readonly string[], input = 'a\n') =>
  run(['append', directory, ...args], { input: [input] })

describe('append to a topic', () => {
  it('sends each record to the partition that its key says, and says which offsets they got', async () => {
    const directory = await storeOf({ orders: [[], [], []] })
    const keys = Array.from({ length: 30 }, (_, slot) => `k${slot}`)
    const input = keys.map((key) => `${key}:v\n`).join('')
    const { exitCode, errors } = await append(directory, ['-t', 'orders', '-K', ':'], input)
    expect(exitCode).toBe(0)
    const found = await contents(directory, 'orders')
    const expected = [0, 1, 2].map((partition) =>
      keys.filter((key) => partitionForKey(Buffer.from(key), 3) === partition).map((key) => `${key}=v`),
    )
    expect(found).toEqual(expected)
    const places = expected.map(
      ({ length }, partition) => `partition ${partition} at offsets 0 to ${length - 1}`,
    )
    const bytes = input.length - 2 * keys.length
    expect(errors).toBe(
      `appended 30 records, ${bytes} bytes, to orders: ${places.join(', ')}, durable at level disk\n`,
    )
  })

  it('sends all records to the partition it is told, in order, whatever their keys', async () => {
    const directory = await twoTopics()
    const { errors } = await append(directory, ['-t', 'orders', '-p', '1', '-K', ':'], 'k1:x\nk2:y\nz\n')
    expect(errors).toBe('appended 3 records, 7 bytes, at offsets 0 to 2, durable at level disk\n')
    expect((await contents(directory, 'orders'))[1]).toEqual(['k1=x', 'k2=y', '=z'])
  })

  it('spreads nothing over partitions that are many without naming them all', async () => {
    const directory = await storeOf({ wide: Array.from({ length: 12 }, () => []) })
    const input = Array.from({ length: 200 }, (_, slot) => `k${slot}:v\n`).join('')
    const { errors } = await append(directory, ['-t', 'wide', '-K', ':'], input)
    expect(errors).toMatch(
      /^appended 200 records, \d+ bytes, to 12 partitions of wide, durable at level disk\n$/,
    )
  })

  it('appends records without a key to some partition, and none is lost', async () => {
    const directory = await storeOf({ orders: [[], [], []] })
    const lines = Array.from({ length: 2000 }, (_, slot) => `${slot} ${'x'.repeat(100)}`)
    expect((await append(directory, ['-t', 'orders', '-q'], `${lines.join('\n')}\n`)).exitCode).toBe(0)
    const found = await contents(directory, 'orders')
    expect(found.flat().sort()).toEqual(lines.map((line) => `=${line}`).sort())
    expect(found.filter(({ length }) => length > 0).length).toBeGreaterThan(1)
  })

  it('reads back what read --json printed of a topic', async () => {
    const directory = await storeOf({
      from: [[{ key: 'k', value: 'a', timestamp: 1000 }], [{ value: 'b', timestamp: 2000 }]],
      to: [[], []],
    })
    const { output } = await run(['read', directory, '-t', 'from', '--json'])
    expect((await append(directory, ['-t', 'to', '--json'], output)).exitCode).toBe(0)
    expect((await contents(directory, 'to')).flat().sort()).toEqual(['=b', 'k=a'])
  })

  it('makes no topic and no store, and says what does', async () => {
    const directory = await twoTopics()
    const { exitCode, errors } = await append(directory, ['-t', 'ordrs'])
    expect(exitCode).toBe(3)
    expect(errors).toContain('TOPIC_NOT_FOUND: there is no topic "ordrs" in ')
    expect(errors).toContain('did you mean orders?; see seglog topics list and seglog topics create')
    expect(readdirSync(directory).filter((name) => name.startsWith('ordrs'))).toEqual([])
    const nowhere = join(temporaryDirectory(), 'none')
    expect((await append(nowhere, ['-t', 'orders'])).errors).toContain(
      `STORE_NOT_FOUND: there is no store in ${nowhere}; seglog topics create ${nowhere} -t orders makes one`,
    )
    expect(existsSync(nowhere)).toBe(false)
  })

  it.each([
    [[], 'is a store: name a topic with -t; there are orders, users'],
    [['-p', '1'], '-p goes with -t'],
    [['-t', ''], "-t takes a topic's name"],
    [['-t', 'orders', '-p', '3'], '-p 3: orders has partitions 0 to 2'],
    [['-t', 'users', '-p', '1'], '-p 1: users has only partition 0'],
    [['-t', 'orders', '-p', 'x'], '-p takes a whole number'],
    [['-t', 'orders', '--create'], 'seglog topics create'],
  ])('refuses %j', async (args, message) => {
    const { exitCode, output, errors } = await append(await twoTopics(), args)
    expect([exitCode, output]).toEqual([2, ''])
    expect(errors).toContain('USAGE')
    expect(errors).toContain(message)
  })

  it('refuses -t for a log, which goes on working without', async () => {
    const directory = join(temporaryDirectory(), 'log')
    await (await openLog(directory)).close()
    expect(await append(directory, ['-t', 'orders'])).toMatchObject({
      exitCode: 2,
      errors: `seglog: USAGE: ${directory} is a log, not a store: -t and -p are for stores\n`,
    })
    expect((await append(directory, [])).errors).toContain('appended 1 record')
  })

  it('appends to one partition of a store by its own directory, as to any log', async () => {
    const directory = await twoTopics()
    expect((await append(join(directory, 'users-0'), [])).errors).toContain('at offset 1,')
    expect(await contents(directory, 'users')).toEqual([['u=ann', '=a']])
  })

  it('leaves internal topics and the stores of Kafka alone', async () => {
    const directory = await twoTopics()
    await run(['read', directory, '-t', 'users', '-G', 'g'])
    expect((await append(directory, ['-t', '__seglog_offsets'])).errors).toContain('is an internal topic')
    const kafkas = join(temporaryDirectory(), 'kafka')
    mkdirSync(join(kafkas, 'orders-0'), { recursive: true })
    writeFileSync(join(kafkas, 'meta.properties'), KAFKAS_META)
    expect(await append(kafkas, ['-t', 'orders'])).toMatchObject({
      exitCode: 3,
      errors: `seglog: LOG_READONLY: ${kafkas} was written by Kafka: it is read here, and never changed\n`,
    })
  })

  it('tells of a partition that can not be opened, and appends to the others', async () => {
    const directory = await twoTopics()
    spoil(directory, 'orders-1')
    const { exitCode, errors } = await append(directory, ['-t', 'orders', '-p', '2'])
    expect([exitCode, errors]).toEqual([0, expect.stringContaining('appended 1 record')])
    const failed = await append(directory, ['-t', 'orders', '-p', '1'])
    expect(failed.exitCode).toBe(1)
    expect(failed.errors).toContain('LOG_CORRUPT: orders-1: ')
    expect(failed.errors).toContain('appended nothing')
  })

  it('fails at once while another handle has the store', async () => {
    const directory = await twoTopics()
    await using store = await openStore(directory, { cleanup: false })
    const { exitCode, errors } = await append(directory, ['-t', 'users'])
    expect(exitCode).toBe(3)
    expect(errors).toContain('LOG_LOCKED')
    expect(store.log('users', 0).endOffset).toBe(1)
  })
})
