import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommandLine } from '../../../src/cli/program.ts'
import { openStore } from '../../../src/index.ts'
import { encodeBatch } from '../../../src/record/index.ts'
import { compressed } from '../record/batches.ts'
import { batchOf, flipped } from '../inspect/segment-file.ts'
import { BATCH } from '../../../src/record/index.ts'
import { FakeMachine, run, withRealClock } from './fake-machine.ts'
import { spoil, storeOf, twoTopics } from './stores.ts'

/** Starting a process or looking at a file can take long on a machine that is busy. */
const PATIENCE = { timeout: 10_000 }

const read = (directory: string, ...args: string[]) => run(['read', directory, '-t', 'orders', ...args])

/** The lines of an output by partition, in their order there; each line begins with the partition's number. */
function byPartition(output: string): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  for (const line of output.split('\n').filter((text) => text !== '')) {
    const [partition = '', ...rest] = line.split(' ')
    ;(found[partition] ??= []).push(rest.join(' '))
  }
  return found
}

async function committed(directory: string, group: string): Promise<(number | undefined)[]> {
  await using store = await openStore(directory, { readOnly: true })
  const topic = store.topic('orders')
  return topic.partitions.map((_, partition) => topic.committed(group, partition))
}

describe('read of a topic', () => {
  it('prints the records of all partitions, each in its order, with topic and partition in a format', async () => {
    const { exitCode, output, errors } = await read(await twoTopics(), '-f', '%p %t %o %k %s\\n')
    expect([exitCode, errors]).toEqual([0, ''])
    expect(byPartition(output)).toEqual({
      0: ['orders 0  a', 'orders 1 k b'],
      2: ['orders 0  c', 'orders 1  d', 'orders 2  e'],
    })
  })

  it('prints topic and partition in JSON', async () => {
    const { output } = await read(await twoTopics(), '--json', '-p', '2', '-c', '1')
    expect(JSON.parse(output)).toMatchObject({ topic: 'orders', partition: 2, offset: 0, value: 'c' })
  })

  it('prints one partition from any place that a log has', async () => {
    const directory = await twoTopics()
    for (const [place, expected] of [
      ['1', 'd\ne\n'],
      ['-1', 'e\n'],
      ['beginning', 'c\nd\ne\n'],
      ['end', ''],
    ] as const) {
      expect(await read(directory, '-p', '2', '-o', place)).toMatchObject({ exitCode: 0, output: expected })
    }
    expect(await read(directory, '-p', '2', '-o', '9')).toMatchObject({
      exitCode: 2,
      errors: 'seglog: OFFSET_OUT_OF_RANGE: orders-2: offset 9 is outside 0 to 3\n',
    })
  })

  it('takes a time or an end for all partitions, and an offset only for one', async () => {
    const directory = await storeOf({
      orders: [
        [1000, 2000, 3000].map((timestamp) => ({ value: `a${timestamp}`, timestamp })),
        [1500, 2500].map((timestamp) => ({ value: `b${timestamp}`, timestamp })),
      ],
      one: [['x', 'y']],
    })
    const { output } = await read(directory, '-f', '%p %s\\n', '-o', 's@2000', '-o', 'e@3000')
    expect(byPartition(output)).toEqual({ 0: ['a2000'], 1: ['b2500'] })
    expect((await read(directory, '-o', 'end')).output).toBe('')
    for (const place of ['1', '-1']) {
      expect(await read(directory, '-o', place)).toMatchObject({
        exitCode: 2,
        output: '',
        errors: `seglog: USAGE: -o ${place} counts offsets of one partition, and orders has 2: say which with -p\n`,
      })
    }
    expect((await run(['read', directory, '-t', 'one', '-o', '1'])).output).toBe('y\n')
  })

  it('stops after the count, over all partitions', async () => {
    expect((await read(await twoTopics(), '-c', '4', '-f', '.')).output).toBe('....')
  })

  it('prints what comes to any partition, while another handle writes, until it is interrupted', async () => {
    const directory = await twoTopics()
    await using store = await openStore(directory, { cleanup: false })
    const machine = new FakeMachine()
    const args = ['read', directory, '-t', 'orders', '-o', 'end', '--follow', '-f', '%p %s\\n']
    const finished = runCommandLine(args, withRealClock(machine))
    await expect.poll(() => machine.listenerCount, PATIENCE).toBe(1)
    for (let count = 0; machine.stdout.text === '' && count < 1000; count++) {
      await store.topic('orders').append({ partition: 1, records: `first ${count}` })
      await new Promise((resolve) => setImmediate(resolve))
    }
    await expect.poll(() => machine.stdout.text, PATIENCE).toMatch(/^1 first \d+\n/)
    await store.topic('orders').append({ partition: 2, records: 'second' })
    await expect.poll(() => machine.stdout.text, PATIENCE).toMatch(/\n2 second\n$/)
    machine.signal('SIGINT')
    expect(await finished).toBe(130)
    expect(machine.stderr.text).toBe('')
  })

  it('takes no lock and leaves no trace', async () => {
    const directory = await twoTopics()
    const before = readdirSync(directory)
    await read(directory)
    expect(readdirSync(directory)).toEqual(before)
  })

  it('tells of a partition that can not be opened, and prints the others', async () => {
    const directory = await twoTopics()
    spoil(directory, 'orders-0')
    const { exitCode, output, errors } = await read(directory)
    expect([exitCode, output]).toEqual([1, 'c\nd\ne\n'])
    expect(errors).toMatch(/^seglog: LOG_CORRUPT: orders-0: [^\n]*\n$/)
  })

  it('tells of damage by the name of the log, and goes on past it', async () => {
    const directory = await twoTopics()
    const bytes = Buffer.concat([batchOf(0), flipped(batchOf(1, 2), BATCH.records + 9), batchOf(3)])
    writeFileSync(join(directory, 'orders-1', '00000000000000000000.log'), bytes)
    writeFileSync(join(directory, 'orders-1', '00000000000000000004.log'), batchOf(4))
    const { exitCode, output, errors } = await read(directory, '-f', '%p %s\\n')
    expect(exitCode).toBe(1)
    expect(byPartition(output)).toMatchObject({ 0: ['a', 'b'], 1: ['value-0', 'value-3', 'value-4'] })
    expect(errors).toContain('BATCH_CORRUPT: orders-1: ')
    expect(errors).toContain('offsets 1 to 2 are lost')
  })

  it('ends one partition at records it has no decoder for, and reads the others to their end', async () => {
    const directory = await twoTopics()
    const unknown = compressed(encodeBatch([{ value: 'v' }], { baseOffset: 1 }), 5)
    writeFileSync(
      join(directory, 'orders-1', '00000000000000000000.log'),
      Buffer.concat([batchOf(0), unknown, batchOf(2)]),
    )
    const { exitCode, output, errors } = await read(directory, '-f', '%p %s\\n')
    expect(exitCode).toBe(3)
    expect(byPartition(output)).toEqual({ 0: ['a', 'b'], 1: ['value-0'], 2: ['c', 'd', 'e'] })
    expect(errors).toMatch(/^seglog: COMPRESSION_UNSUPPORTED: orders-1: [^\n]*\n$/)
  })

  it.each([
    [[], 'is a store: name a topic with -t; there are orders, users'],
    [['-p', '0'], '-p goes with -t'],
    [['-t', 'orders', '-p', '7'], '-p 7: orders has partitions 0 to 2'],
    [['-t', 'orders', '-o', 'stored'], 'stored is where a group is, so it goes with -G'],
    [['-t', 'orders', '-G', 'g', '--follow'], '-G and --follow exclude each other'],
    [['-t', 'orders', '-G', 'g', '-o', 'beginning'], 'takes no other -o than stored'],
    [['-t', 'orders', '-G', ''], 'group must have 1 to 255 bytes'],
  ])('refuses %j', async (args, message) => {
    const { exitCode, output, errors } = await run(['read', await twoTopics(), ...args])
    expect([exitCode, output]).toEqual([2, ''])
    expect(errors).toContain(message)
  })

  it('names the topics there are, some of many', async () => {
    const names = Array.from({ length: 12 }, (_, slot) => `t${String(slot).padStart(2, '0')}`)
    const many = await storeOf(Object.fromEntries(names.map((name) => [name, [[]]])))
    expect((await run(['read', many])).errors).toContain(
      'there are t00, t01, t02, t03, t04, t05, t06, t07, t08, t09 and 2 more',
    )
    expect((await run(['read', await storeOf({})])).errors).toContain('there is none yet')
    expect((await run(['read', await storeOf({ one: [[]] })])).errors).toContain('there is one\n')
  })
})

describe('read for a group', () => {
  it('goes on where the group was, and commits what it printed', async () => {
    const directory = await twoTopics()
    const first = await read(directory, '-p', '2', '-G', 'g', '-c', '2')
    expect(first).toMatchObject({
      exitCode: 0,
      output: 'c\nd\n',
      errors: 'group g: 2 records printed, committed partition 2 at 2\n',
    })
    expect(await committed(directory, 'g')).toEqual([undefined, undefined, 2])
    const second = await read(directory, '-G', 'g', '-o', 'stored', '-f', '%p %s\\n')
    expect(byPartition(second.output)).toEqual({ 0: ['a', 'b'], 2: ['e'] })
    expect(second.errors).toBe('group g: 3 records printed, committed partition 0 at 2, partition 2 at 3\n')
    expect(await read(directory, '-G', 'g')).toMatchObject({
      exitCode: 0,
      output: '',
      errors: 'group g: nothing printed, nothing committed\n',
    })
    expect((await read(directory, '-G', 'other', '-q', '-f', '.')).output).toBe('.....')
  })

  it('says nothing of it when it is told to be quiet', async () => {
    expect((await read(await twoTopics(), '-G', 'g', '-q')).errors).toBe('')
  })

  it('tells when the group can not go on where it was', async () => {
    const directory = await twoTopics()
    {
      await using store = await openStore(directory, { cleanup: false })
      await store.topic('orders').commit('g', { partition: 2, nextOffset: 1 })
      await store.topic('orders').commit('g', { partition: 0, nextOffset: 9 })
      await store.topic('orders').deleteRecordsBefore(2, { partition: 2 })
    }
    const { output, errors } = await read(directory, '-G', 'g')
    expect(output).toBe('e\n')
    expect(errors).toContain('group g: offset 1 of orders-2 is outside 2 to 3; it goes on at 2\n')
    expect(errors).toContain('group g: offset 9 of orders-0 is outside 0 to 2; it goes on at 2\n')
  })

  it('goes on where the log was cut below the group, and tells of it', async () => {
    const directory = await twoTopics()
    {
      await using store = await openStore(directory, { cleanup: false })
      await store.topic('orders').commit('g', { partition: 2, nextOffset: 3 })
      await store.log('orders', 2).truncateTo(1)
      for (const value of ['x', 'y', 'z']) await store.log('orders', 2).append(value)
    }
    const { output, errors } = await read(directory, '-p', '2', '-G', 'g')
    expect(output).toBe('x\ny\nz\n')
    expect(errors).toContain('group g: offset 3 of orders-2 lies behind a truncation; it goes on at 1\n')
  })

  it('commits what was handed over, and only that, when it is interrupted', async () => {
    const directory = await storeOf({
      orders: [
        Array.from({ length: 300 }, (_, slot) => `${String(slot).padStart(4, '0')}${'x'.repeat(996)}`),
      ],
    })
    const machine = new FakeMachine()
    const write = machine.stdout.write.bind(machine.stdout)
    machine.stdout.write = ((chunk: Buffer, done: (error?: Error | null) => void) => {
      machine.signal('SIGINT') // after the first chunk has been taken
      return write(chunk, done)
    }) as typeof machine.stdout.write
    expect(await runCommandLine(['read', directory, '-t', 'orders', '-G', 'g'], machine)).toBe(130)
    const printed = machine.stdout.text.trimEnd().split('\n')
    expect(printed.length).toBeLessThan(300)
    expect(await committed(directory, 'g')).toEqual([printed.length])
    expect(machine.stderr.text).toBe(
      `group g: ${printed.length} records printed, committed partition 0 at ${printed.length}\n`,
    )
    const rest = (await read(directory, '-G', 'g')).output.trimEnd().split('\n')
    expect([...printed, ...rest].map((line) => Number(line.slice(0, 4)))).toEqual(
      Array.from({ length: 300 }, (_, slot) => slot),
    )
  })

  it('commits nothing that could not be handed over', async () => {
    const directory = await twoTopics()
    const machine = new FakeMachine()
    machine.stdout.failure = Object.assign(new Error('gone'), { code: 'EPIPE' })
    expect(await runCommandLine(['read', directory, '-t', 'orders', '-G', 'g'], machine)).toBe(0)
    expect(machine.stderr.text).toBe('group g: nothing printed, nothing committed\n')
    expect(await committed(directory, 'g')).toEqual([undefined, undefined, undefined])
  })

  it('fails at once, with nothing printed, while another handle has the store', async () => {
    const directory = await twoTopics()
    await using store = await openStore(directory, { cleanup: false })
    const { exitCode, output, errors } = await read(directory, '-G', 'g')
    expect([exitCode, output]).toEqual([3, ''])
    expect(errors).toContain('LOG_LOCKED')
    expect(store.topics()).toHaveLength(2)
  })

  it('is not for a log, and not for the stores of Kafka', async () => {
    expect((await run(['read', 'data/samples/kafka/stopped/orders-0', '-G', 'g'])).errors).toContain(
      '-G is for the topics of a store',
    )
  })
})
