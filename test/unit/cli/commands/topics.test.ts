import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLog, openStore } from '../../../../src/index.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'
import { run } from '../fake-machine.ts'
import { KAFKAS_META, spoil, twoTopics } from '../stores.ts'

const VERBS = ['list', 'describe', 'create', 'alter', 'delete']
const newDirectory = () => join(temporaryDirectory(), 'store')
const parse = (output: string) =>
  output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** A store as a broker leaves it, with one topic of one partition. */
function kafkasStore(): string {
  const directory = newDirectory()
  mkdirSync(directory)
  writeFileSync(join(directory, 'meta.properties'), KAFKAS_META)
  cpSync('data/samples/kafka/stopped/orders-0', join(directory, 'orders-0'), { recursive: true })
  return directory
}

describe('topics', () => {
  it.each(VERBS)('has help with an example for %s', async (verb) => {
    const { exitCode, output, errors } = await run(['topics', verb, '--help'])
    expect([exitCode, errors]).toEqual([0, ''])
    expect(output).toMatch(new RegExp(`Example:\n  \\$ seglog topics ${verb} `))
  })

  it('names what it takes when it is told nothing, or something else', async () => {
    expect(await run(['topics'])).toMatchObject({
      exitCode: 2,
      errors:
        'seglog: USAGE: seglog topics takes one of list, describe, create, alter, delete; see seglog topics --help\n',
    })
    for (const [args, message] of [
      [['topics', 'lits', 'x'], 'unknown command "lits", did you mean list?; see seglog topics --help'],
      [['topics', 'list', 'x', '--jsn'], 'did you mean --json?; see seglog topics list --help'],
      [['topics', 'create', 'x', '-t', 'y', '--partition', '3'], 'did you mean --partitions?'],
      [['topics', 'create', 'x', '-t', 'y', '--if-not-exist'], 'did you mean --if-not-exists?'],
      [['topics', 'alter', 'x', '-t', 'y', '--delete-confg', 'z'], 'did you mean --delete-config?'],
      [['topics', 'create', 'x'], "required option '-t, --topic <name>' not specified"],
      [['topics', 'list'], "missing required argument 'dir'"],
    ] as const) {
      const { exitCode, output, errors } = await run(args)
      expect([exitCode, output]).toEqual([2, ''])
      expect(errors).toMatch(/^seglog: USAGE: [^\n]*\n$/)
      expect(errors).toContain(message)
    }
  })

  it("says why Kafka's flags for brokers and replicas are not there", async () => {
    for (const [args, message] of [
      [['list', 'x', '--bootstrap-server', 'h:9092'], 'the store is on disk'],
      [['create', 'x', '-t', 'y', '--replication-factor', '3'], 'there is one copy'],
      [['alter', 'x', '-t', 'y', '--partitions', '3'], 'a topic keeps the partitions it was made with'],
      [['alter', 'x', '-t', 'y', '--add-config', 'a=b'], 'use --config'],
    ] as const) {
      const { exitCode, errors } = await run(['topics', ...args])
      expect(exitCode).toBe(2)
      expect(errors).toContain(`is not supported: ${message}`)
    }
  })

  it('says so where there is no store, and makes none', async () => {
    const directory = newDirectory()
    for (const args of [
      ['list'],
      ['describe'],
      ['alter', '-t', 'x', '--config', 'retention.ms=1'],
      ['delete', '-t', 'x'],
    ]) {
      const [verb = '', ...flags] = args
      const { exitCode, errors } = await run(['topics', verb, directory, ...flags])
      expect([verb, exitCode, existsSync(directory)]).toEqual([verb, 3, false])
      expect(errors).toContain(`STORE_NOT_FOUND: there is no store in ${directory}`)
    }
  })

  it('refuses a log, and a directory of something else', async () => {
    const directory = newDirectory()
    await (await openLog(directory)).close()
    for (const verb of ['list', 'create']) {
      const { exitCode, errors } = await run([
        'topics',
        verb,
        directory,
        ...(verb === 'create' ? ['-t', 'x'] : []),
      ])
      expect(exitCode).toBe(3)
      expect(errors).toContain(`STORE_INVALID: ${directory} is a log`)
    }
  })
})

describe('topics create', () => {
  it('makes the store with its first topic, with partitions and configuration, and says what it made', async () => {
    const directory = newDirectory()
    const args = ['--partitions', '3', '--config', 'retention.ms=3d', '--config', 'retention.bytes=1GiB']
    const { exitCode, output, errors } = await run(['topics', 'create', directory, '-t', 'orders', ...args])
    expect([exitCode, output]).toEqual([0, ''])
    expect(errors).toMatch(/^created orders: 3 partitions, id [\w-]{22}\n$/)
    await using store = await openStore(directory, { readOnly: true })
    const { partitions } = store.topic('orders')
    expect(partitions).toHaveLength(3)
    for (const { config } of partitions)
      expect([config['retention.ms'], config['retention.bytes']]).toEqual([3 * 86_400_000, 2 ** 30])
  })

  it('refuses a topic that is there, unless it is told that that is no error', async () => {
    const directory = await twoTopics()
    expect(await run(['topics', 'create', directory, '-t', 'orders'])).toMatchObject({
      exitCode: 2,
      errors: "seglog: TOPIC_EXISTS: there is a topic 'orders' already\n",
    })
    const again = await run([
      'topics',
      'create',
      directory,
      '-t',
      'orders',
      '--if-not-exists',
      '--partitions',
      '9',
    ])
    expect(again.exitCode).toBe(0)
    expect(again.errors).toMatch(/^there is already orders: 3 partitions, id [\w-]{22}\n$/)
  })

  it('warns of names that metrics write alike, and refuses names with a reason', async () => {
    const directory = newDirectory()
    const dotted = await run(['topics', 'create', directory, '-t', 'a.b'])
    expect(dotted.exitCode).toBe(0)
    expect(dotted.errors).toMatch(/^warning: 'a\.b' has a '\.' or a '_': .*\ncreated a\.b: 1 partition, id /)
    for (const [name, reason] of [
      ['a_b', "'a_b' and 'a.b' are one name to metrics"],
      ['a/b', 'holds only ASCII letters'],
      ['..', `can't be named ".."`],
      ['__x', 'are internal'],
      ['', 'must not be empty'],
    ] as const) {
      const { exitCode, errors } = await run(['topics', 'create', directory, '-t', name])
      expect([name, exitCode]).toEqual([name, 2])
      expect(errors).toContain('TOPIC_INVALID')
      expect(errors).toContain(reason)
    }
  })

  it('names every key that is wrong, and the nearest that is right', async () => {
    const directory = newDirectory()
    const args = ['--config', 'retention.sm=1', '--config', 'retention.bytes=much']
    const { exitCode, errors } = await run(['topics', 'create', directory, '-t', 'x', ...args])
    expect(exitCode).toBe(2)
    expect(errors).toContain("retention.sm: unknown key; did you mean 'retention.ms'?")
    expect(errors).toContain("retention.bytes: found 'much', expected a whole number of bytes")
    expect((await run(['topics', 'create', directory, '-t', 'x', '--partitions', '0'])).errors).toContain(
      '--partitions takes a whole number from 1 to 100000',
    )
  })

  it("changes nothing in Kafka's store, as alter and delete do not", async () => {
    const directory = kafkasStore()
    const before = readdirSync(directory)
    for (const args of [
      ['create', directory, '-t', 'x'],
      ['alter', directory, '-t', 'orders', '--config', 'retention.ms=1'],
      ['delete', directory, '-t', 'orders'],
    ]) {
      expect(await run(['topics', ...args])).toMatchObject({
        exitCode: 3,
        errors: `seglog: LOG_READONLY: ${directory} was written by Kafka: it is read here, and never changed\n`,
      })
    }
    expect(readdirSync(directory)).toEqual(before)
  })
})

describe('topics list', () => {
  it('prints a name a line, in order, with internal topics unless they are excluded', async () => {
    const directory = await twoTopics()
    await run(['read', directory, '-t', 'users', '-G', 'g'])
    expect(await run(['topics', 'list', directory])).toMatchObject({
      exitCode: 0,
      output: '__seglog_offsets\norders\nusers\n',
      errors: '',
    })
    expect((await run(['topics', 'list', directory, '--exclude-internal'])).output).toBe('orders\nusers\n')
    const listed = parse((await run(['topics', 'list', directory, '--json', '--exclude-internal'])).output)
    expect(listed).toMatchObject([
      { topic: 'orders', partitions: 3 },
      { topic: 'users', partitions: 1 },
    ])
  })

  it('works on a store that another handle has open, and on one of Kafka, and leaves no trace', async () => {
    const directory = await twoTopics()
    await using store = await openStore(directory, { cleanup: false })
    expect((await run(['topics', 'list', directory])).output).toBe('orders\nusers\n')
    expect((await run(['topics', 'describe', directory])).exitCode).toBe(0)
    expect(store.topics()).toHaveLength(2)
    const kafkas = kafkasStore()
    const before = readdirSync(join(kafkas, 'orders-0'))
    expect(await run(['topics', 'list', kafkas])).toMatchObject({
      exitCode: 0,
      output: 'orders\n',
      errors: '',
    })
    expect(readdirSync(join(kafkas, 'orders-0'))).toEqual(before)
  })

  it('tells of a log that can not be opened by its name, and hides nothing for it', async () => {
    const directory = await twoTopics()
    spoil(directory, 'orders-1')
    const { exitCode, output, errors } = await run(['topics', 'list', directory])
    expect([exitCode, output]).toEqual([1, 'orders\nusers\n'])
    expect(errors).toMatch(/^seglog: LOG_CORRUPT: orders-1: .*topic\.properties .*\n$/)
  })
})

describe('topics describe', () => {
  it('prints id, partition count, configuration, and each partition', async () => {
    const directory = await twoTopics()
    await run(['topics', 'alter', directory, '-t', 'orders', '--config', 'retention.ms=3d'])
    const { exitCode, output, errors } = await run(['topics', 'describe', directory])
    expect([exitCode, errors]).toEqual([0, ''])
    const [orders = '', users = ''] = output.split('\n\n')
    const [summary, heading, ...rows] = orders.split('\n')
    expect(summary).toMatch(
      /^Topic: orders {2}TopicId: [\w-]{22} {2}PartitionCount: 3 {2}Configs: retention\.ms=259200000$/,
    )
    expect(heading).toMatch(/^PARTITION {2}START OFFSET {2}END OFFSET {2}SEGMENTS +SIZE$/)
    expect(rows.map((row) => row.trim().split(/ {2,}/))).toEqual([
      ['0', '0', '2', '1', '139 B'],
      ['1', '0', '0', '1', '0 B'],
      ['2', '0', '3', '1', '207 B'],
    ])
    expect(users).toMatch(/^Topic: users {2}.*PartitionCount: 1 {2}Configs:\n/)
  })

  it('prints one topic, and how far its groups are', async () => {
    const directory = await twoTopics()
    await run(['read', directory, '-t', 'orders', '-p', '2', '-G', 'late', '-c', '2'])
    await run(['read', directory, '-t', 'orders', '-G', 'all'])
    const { output } = await run(['topics', 'describe', directory, '-t', 'orders'])
    expect(
      output
        .split('\n\n')[1]
        ?.trimEnd()
        .split('\n')
        .map((row) => row.trim().split(/ +/)),
    ).toEqual([
      ['GROUP', 'PARTITION', 'COMMITTED', 'LAG'],
      ['all', '0', '2', '0'],
      ['all', '2', '3', '0'],
      ['late', '2', '2', '1'],
    ])
    const [described] = parse((await run(['topics', 'describe', directory, '-t', 'orders', '--json'])).output)
    expect(described).toMatchObject({
      topic: 'orders',
      partitionCount: 3,
      config: {},
      partitions: [
        { partition: 0, startOffset: 0, endOffset: 2, segmentCount: 1, sizeBytes: 139 },
        { partition: 1, endOffset: 0 },
        { partition: 2, endOffset: 3 },
      ],
      groups: [
        { group: 'all', partition: 0, committed: 2, lag: 0 },
        { group: 'all', partition: 2, committed: 3, lag: 0 },
        { group: 'late', partition: 2, committed: 2, lag: 1 },
      ],
    })
  })

  it('shows a partition that can not be opened as one, beside the others', async () => {
    const directory = await twoTopics()
    spoil(directory, 'orders-1')
    const { exitCode, output, errors } = await run(['topics', 'describe', directory, '-t', 'orders'])
    expect(exitCode).toBe(1)
    expect(errors).toContain('LOG_CORRUPT: orders-1: ')
    expect(output).toMatch(/^ +1 +- +- +- +-$/m)
    expect(output).toMatch(/^ +2 +0 +3 +1 +207 B$/m)
    const [json] = parse((await run(['topics', 'describe', directory, '-t', 'orders', '--json'])).output)
    expect(json).toMatchObject({
      partitions: [{ endOffset: 2 }, { partition: 1, error: { code: 'LOG_CORRUPT' } }, {}],
    })
  })

  it('says that it is not known how far a group is behind in a partition that can not be opened', async () => {
    const directory = await twoTopics()
    await run(['read', directory, '-t', 'orders', '-G', 'all'])
    spoil(directory, 'orders-2')
    const { output } = await run(['topics', 'describe', directory, '-t', 'orders'])
    expect(output).toMatch(/^all +0 +2 +0\nall +2 +3 +-$/m)
    const [json] = parse((await run(['topics', 'describe', directory, '-t', 'orders', '--json'])).output)
    expect(json!['groups']).toEqual([
      { group: 'all', partition: 0, committed: 2, lag: 0 },
      { group: 'all', partition: 2, committed: 3, lag: null },
    ])
  })

  it('names the nearest topic for one that is not there, and reads those of Kafka', async () => {
    const { exitCode, errors } = await run(['topics', 'describe', await twoTopics(), '-t', 'oders'])
    expect(exitCode).toBe(3)
    expect(errors).toMatch(/TOPIC_NOT_FOUND: there is no topic "oders" in .*, did you mean orders\?/)
    const [kafkas] = parse((await run(['topics', 'describe', kafkasStore(), '--json'])).output)
    expect(kafkas).toMatchObject({
      topic: 'orders',
      config: null,
      partitions: [{ endOffset: 27, segmentCount: 2 }],
    })
  })

  it('escapes what a group is called', async () => {
    const directory = await twoTopics()
    await run(['read', directory, '-t', 'users', '-G', 'a\u001b[2Jb'])
    expect((await run(['topics', 'describe', directory, '-t', 'users'])).output).toContain('a\\x1b[2Jb')
  })
})

describe('topics alter', () => {
  it('stores and resets configuration keys, for every partition', async () => {
    const directory = await twoTopics()
    await run(['topics', 'alter', directory, '-t', 'orders', '--config', 'retention.bytes=1000'])
    const args = ['--config', 'retention.ms=3d', '--delete-config', 'retention.bytes']
    expect(await run(['topics', 'alter', directory, '-t', 'orders', ...args])).toMatchObject({
      exitCode: 0,
      output: '',
      errors: 'altered orders: retention.ms=3d, retention.bytes as by default\n',
    })
    await using store = await openStore(directory, { readOnly: true })
    for (const { config } of store.topic('orders').partitions)
      expect([config['retention.ms'], config['retention.bytes']]).toEqual([3 * 86_400_000, -1])
  })

  it.each([
    [[], 'alter needs something to change'],
    [
      ['--config', 'retention.ms=1', '--delete-config', 'retention.ms'],
      'retention.ms is given with --config and',
    ],
    [['--config', 'retention.ms'], '--config takes name=value'],
    [['--config', 'retention.sm=1'], "did you mean 'retention.ms'?"],
    [['--delete-config', 'retention.sm'], "did you mean 'retention.ms'?"],
  ])('refuses %j', async (args, message) => {
    const { exitCode, errors } = await run(['topics', 'alter', await twoTopics(), '-t', 'orders', ...args])
    expect(exitCode).toBe(2)
    expect(errors).toContain(message)
  })

  it('leaves internal topics alone', async () => {
    const directory = await twoTopics()
    await run(['read', directory, '-t', 'users', '-G', 'g'])
    const args = ['-t', '__seglog_offsets', '--config', 'retention.ms=1']
    expect(await run(['topics', 'alter', directory, ...args])).toMatchObject({
      exitCode: 2,
      errors: expect.stringContaining('__seglog_offsets is an internal topic') as string,
    })
  })

  it('fails at once while another handle has the store', async () => {
    const directory = await twoTopics()
    await using store = await openStore(directory, { cleanup: false })
    for (const args of [
      ['create', '-t', 'x'],
      ['alter', '-t', 'users', '--config', 'retention.ms=1'],
      ['delete', '-t', 'users'],
    ]) {
      const [verb = '', ...flags] = args
      const { exitCode, errors } = await run(['topics', verb, directory, ...flags])
      expect([verb, exitCode]).toEqual([verb, 3])
      expect(errors).toContain('LOG_LOCKED')
    }
    expect(store.topics().map(({ name }) => name)).toEqual(['orders', 'users'])
  })
})

describe('topics delete', () => {
  it('takes the exact name, says what was renamed, and when that goes', async () => {
    const directory = await twoTopics()
    expect((await run(['topics', 'delete', directory, '-t', 'order'])).errors).toContain(
      'did you mean orders?',
    )
    const { exitCode, output, errors } = await run(['topics', 'delete', directory, '-t', 'orders'])
    expect([exitCode, output]).toEqual([0, ''])
    const [first, ...lines] = errors.trimEnd().split('\n')
    expect(first).toBe('deleted orders, for good')
    expect(lines.pop()).toBe('3 directories are left, and go when the store is next opened for writing')
    for (const [partition, line] of lines.entries())
      expect(line).toMatch(
        new RegExp(`^orders-${partition} is orders-${partition}\\.[0-9a-f]{32}-delete now$`),
      )
    for (const line of lines) expect(existsSync(join(directory, line.split(' ')[2] ?? ''))).toBe(true)
    expect((await run(['topics', 'list', directory])).output).toBe('users\n')
    await (await openStore(directory, { cleanup: false })).close()
    expect(readdirSync(directory).filter((name) => name.endsWith('-delete'))).toEqual([])
  })

  it('is no error with --if-exists, and one without', async () => {
    const directory = await twoTopics()
    expect(await run(['topics', 'delete', directory, '-t', 'none', '--if-exists'])).toMatchObject({
      exitCode: 0,
      errors: 'there is no topic none\n',
    })
    expect((await run(['topics', 'delete', directory, '-t', 'none'])).exitCode).toBe(3)
  })

  it('deletes a topic of which a log can not be opened, and no internal one', async () => {
    const directory = await twoTopics()
    spoil(directory, 'orders-1')
    expect((await run(['topics', 'delete', directory, '-t', 'orders'])).exitCode).toBe(0)
    expect(await run(['topics', 'list', directory])).toMatchObject({
      exitCode: 0,
      output: 'users\n',
      errors: '',
    })
    await run(['read', directory, '-t', 'users', '-G', 'g'])
    const { exitCode, errors } = await run(['topics', 'delete', directory, '-t', '__seglog_offsets'])
    expect(exitCode).toBe(2)
    expect(errors).toContain('POLICY_VIOLATION')
  })
})
