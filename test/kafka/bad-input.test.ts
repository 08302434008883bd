/*
 * What is made wrong on purpose, with Kafka as the judge: that hand-made bytes are what Kafka takes them for, and that no
 * wrong file is left for a broker to trust once seglog has written to a directory.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatMetaProperties, parseMetaProperties } from '../../src/layout/index.ts'
import { type LogOptions, openLog } from '../../src/index.ts'
import { runProcess } from '../cli/command-line.ts'
import { dataBatch, resealed, segmentName } from '../helpers/hand-made.ts'
import { legacyMessage, legacyWrapper, withWrongChecksum } from '../helpers/legacy-messages.ts'
import { fingerprint } from '../helpers/log-files.ts'
import { readAll } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { type Broker, startBroker } from './broker.ts'
import { runJava } from './java-process.ts'
import { KafkaClient } from './kafka-client.ts'
import { dumpLogSegments } from './kafka-dump.ts'

const adopting: LogOptions = { adopt: true, cleanup: false, durability: 'os' }

const lines = (text: string) => text.split('\n').filter((line) => line !== '')
/** A line of Kafka's about a message of an old format, or about one inside it. */
const isOld = (line: string) => line.startsWith('offset: ') || line.includes(' isValid: ')

describe('messages of the old formats, made by hand', () => {
  const batches = [
    dataBatch(0, 2),
    legacyMessage({ magic: 0, offset: 2, key: 'k', value: 'v2' }),
    legacyMessage({ magic: 1, offset: 3, timestamp: 1003, value: null }),
    legacyWrapper(
      0,
      [4, 5].map((offset) => ({ offset, value: `v${offset}` })),
    ),
    legacyWrapper(
      1,
      [6, 7, 8].map((offset) => ({ offset, timestamp: 1000 + offset, value: `v${offset}` })),
    ),
    withWrongChecksum(legacyMessage({ magic: 1, offset: 9, timestamp: 1009, value: 'v9' })),
    dataBatch(10, 2),
  ]

  it("are what Kafka's tool takes them for, and seglog says of each where it is, around what it prints as Kafka does", async () => {
    const path = join(temporaryDirectory(), segmentName(0))
    writeFileSync(path, Buffer.concat(batches))
    const kafkas = lines((await dumpLogSegments([path], ['--deep-iteration', '--print-data-log'])).output)
    const oldBatches = kafkas.filter((line) => line.startsWith('offset: '))
    const facts = oldBatches.map((line) =>
      /^offset: (\d+) position: (\d+) .*magic: (\d) .*isvalid: (\w+)$/.exec(line)?.slice(1, 5),
    )
    const positions = batches.map((_, slot) => Buffer.concat(batches.slice(0, slot)).length)
    expect(facts).toEqual([
      ['2', `${positions[1]}`, '0', 'true'],
      ['3', `${positions[2]}`, '1', 'true'],
      ['5', `${positions[3]}`, '0', 'true'],
      ['8', `${positions[4]}`, '1', 'true'],
      ['9', `${positions[5]}`, '1', 'false'],
    ])
    const payloads = kafkas.flatMap(
      (line) => /^\| offset: (\d+) .*payload: (.*)$/.exec(line)?.slice(1, 3).join() ?? [],
    )
    expect(payloads).toEqual('0,r0 1,r1 2,v2 4,v4 5,v5 6,v6 7,v7 8,v8 9,v9 10,r10 11,r11'.split(' '))

    const ours = await runProcess(['dump', '--deep-iteration', '--print-data-log', path])
    expect(lines(ours.output.toString())).toEqual(kafkas.filter((line) => !isOld(line)))
    const told = lines(ours.errors).filter((line) => line.startsWith('seglog: '))
    expect(told).toEqual(
      facts.map((fact) => {
        const [offset, position, magic, isValid] = fact!
        const what = `from position ${position} on: a message of the old format, version ${magic}`
        const text =
          isValid === 'true'
            ? `${what}: only version 2 is read (offset ${offset})`
            : `${what}, with a checksum`
        return expect.stringContaining(text) as string
      }),
    )
    expect(ours.exitCode).toBe(1) // for the one that is damaged
  })
})

const settings = (dataDirectory: string) =>
  [
    'process.roles=broker,controller',
    'node.id=1',
    'controller.quorum.voters=1@127.0.0.1:1',
    'listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1',
    'controller.listener.names=CONTROLLER',
    `log.dirs=${dataDirectory}`,
  ].join('\n')

/** What Kafka makes of a text: its keys and values, or undefined when it refuses it. */
async function asKafkaReads(text: string): Promise<Record<string, string> | undefined> {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'server.properties'), settings(directory))
  writeFileSync(join(directory, 'meta.properties'), text)
  const { output } = await runJava('kafka.tools.StorageTool', [
    'info',
    '-c',
    join(directory, 'server.properties'),
  ])
  const found = /Found metadata: \{(.*)\}/.exec(output)?.[1]
  return found === undefined
    ? undefined
    : Object.fromEntries(found.split(', ').map((pair) => pair.split('=') as [string, string]))
}

describe('meta.properties', () => {
  it.each([
    ['version=1\ncluster.id=x\nnode.id=1\ndirectory.id=0_W-qGwt7gpV_TsW3so2Pg\n'],
    ['version=01 \ncluster.id=x\nnode.id=+1\n'],
    ['version=0\nbroker.id=7\ncluster.id=x\n'],
    ['cluster.id=x\nbroker.id=7\n'],
    ['version=2\ncluster.id=x\nnode.id=1\n'],
    ['version=one\ncluster.id=x\nnode.id=1\n'],
    ['version=1\ncluster.id=x\n'],
    ['version=1\ncluster.id=x\nnode.id=1\ndirectory.id=zz\n'],
  ])('%j is read, or refused, as Kafka does', async (text) => {
    const kafkas = await asKafkaReads(text)
    const { value } = parseMetaProperties(text)
    if (kafkas === undefined) return expect(value).toBeUndefined()
    expect({
      version: String(value?.version),
      'cluster.id': value?.clusterId,
      [value?.version === 0 ? 'broker.id' : 'node.id']: String(value?.nodeId),
      ...(value?.directoryId === undefined ? {} : { 'directory.id': value.directoryId }),
    }).toEqual(kafkas)
  })

  it('that seglog has written is one that a broker starts with', async () => {
    const broker = await startBroker(temporaryDirectory())
    await broker.stop()
    const path = join(broker.dataDirectory, 'meta.properties')
    const { value } = parseMetaProperties(readFileSync(path, 'utf8'))
    expect(value).toMatchObject({ version: 1, nodeId: 1 })
    writeFileSync(path, formatMetaProperties(value!))
    await startBroker(dirname(broker.dataDirectory))
  })
})

describe("what Kafka's controllers wrote", () => {
  it('is dumped as Kafka dumps it, whatever its records say, is read, and is not written to', async () => {
    const broker = await startBroker(temporaryDirectory())
    const client = new KafkaClient(broker.bootstrap)
    await client.createTopic('orders')
    await broker.stop()
    const directory = join(broker.dataDirectory, '__cluster_metadata-0')
    const bootstrap = join(broker.dataDirectory, 'bootstrap.checkpoint')
    const newer = withNewerFeature(readFileSync(bootstrap))
    expect(newer.equals(readFileSync(bootstrap))).toBe(false)
    writeFileSync(bootstrap, newer)
    for (const flags of [[], ['--deep-iteration', '--print-data-log']]) {
      for (const path of [join(directory, segmentName(0)), bootstrap]) {
        const kafkas = await dumpLogSegments([path], flags)
        const ours = await runProcess(['dump', ...flags, path])
        expect(ours.output.toString()).toBe(kafkas.output)
        expect([ours.exitCode, ours.errors]).toEqual([0, ''])
      }
    }
    const before = fingerprint(broker.dataDirectory)
    const read = await runProcess(['read', directory, '--json'])
    expect([read.exitCode, read.errors]).toEqual([0, ''])
    expect(read.output.toString().split('\n').length).toBeGreaterThan(10)
    expect(await runProcess(['segments', directory])).toMatchObject({ exitCode: 0, errors: '' })
    const refused = {
      code: 'LOG_READONLY',
      message: expect.stringContaining("Kafka's controllers") as string,
    }
    await expect(openLog(directory, adopting)).rejects.toMatchObject(refused)
    expect(await runProcess(['append', directory], 'x\n')).toMatchObject({
      exitCode: 3,
      errors: expect.stringContaining('LOG_READONLY') as string,
    })
    const decoded = await runProcess(['dump', '--cluster-metadata-decoder', directory])
    expect(decoded).toMatchObject({
      exitCode: 2,
      errors: expect.stringContaining('--cluster-metadata-decoder is not') as string,
    })
    expect(fingerprint(broker.dataDirectory)).toEqual(before)
  })
})

/** The bootstrap snapshot of a release that does not exist yet: its `metadata.version` is far above the last one. */
function withNewerFeature(snapshot: Buffer): Buffer {
  const name = Buffer.from('metadata.version')
  const level = snapshot.indexOf(name) + name.length
  const batches: Buffer[] = []
  for (let at = 0; at < snapshot.length; at += 12 + snapshot.readInt32BE(at + 8)) {
    const end = at + 12 + snapshot.readInt32BE(at + 8)
    const batch = snapshot.subarray(at, end)
    batches.push(
      level > at && level < end ? resealed(batch, (copy) => void copy.writeInt16BE(9999, level - at)) : batch,
    )
  }
  return Buffer.concat(batches)
}

/* ---- Kafka's own files beside the segments ---- */

const TEMPLATE = 'template'
const SEGMENTS = { 'internal.segment.bytes': 4096, 'index.interval.bytes': 64, 'retention.ms': -1 }
const BATCHES = 60
/** Ahead of the clock, which the markers that end transactions go by: none of them is ever the first at a time. */
const START_MS = Date.now() + 1_800_000
const MIB = 1024 * 1024

type Spoil = (bytes: Buffer, path: string) => Buffer | void

const garbage = (sizeBytes: number) =>
  Buffer.from(Array.from({ length: sizeBytes }, (_, at) => (at * 131 + 89) % 256))
const reversed =
  (entryBytes: number): Spoil =>
  (bytes) =>
    Buffer.concat(
      Array.from({ length: bytes.length / entryBytes }, (_, slot) =>
        bytes.subarray(bytes.length - (slot + 1) * entryBytes, bytes.length - slot * entryBytes),
      ),
    )
/** The last four bytes of each entry, which are a position or an offset, are past the end. */
const beyond =
  (entryBytes: number): Spoil =>
  (bytes) => {
    for (let at = entryBytes; at <= bytes.length; at += entryBytes) bytes.writeInt32BE(MIB, at - 4)
    return bytes
  }
/** All entries lead to the last one's place. */
const astray =
  (entryBytes: number): Spoil =>
  (bytes) => {
    for (let at = entryBytes; at <= bytes.length; at += entryBytes)
      bytes.copy(bytes, at - 4, bytes.length - 4)
    return bytes
  }
const zeros: Spoil = (_, path) => {
  truncateSync(path, 0)
  truncateSync(path, 10 * MIB)
}
const common: Readonly<Record<string, Spoil>> = {
  garbage: (bytes) => garbage(bytes.length),
  nothing: () => Buffer.alloc(0),
  'all but a byte': (bytes) => bytes.subarray(0, -1),
  'half of it': (bytes) => bytes.subarray(0, bytes.length / 2),
}

interface Case {
  readonly name: string
  readonly suffix: string
  readonly spoil: Spoil
}
const named = (suffix: string, spoils: Readonly<Record<string, Spoil>>): Case[] =>
  Object.entries(spoils).map(([name, spoil]) => ({
    name: `${name} in place of each .${suffix}`,
    suffix,
    spoil,
  }))

const indexCases = [
  ...named('index', {
    ...common,
    'entries that fall': reversed(8),
    'entries past the end': beyond(8),
    'entries that lead too far': astray(8),
    '10 MiB of zeros': zeros,
  }),
  ...named('timeindex', {
    ...common,
    'entries that fall': reversed(12),
    'entries past the end': beyond(12),
    'entries that lead too far': astray(12),
    '10 MiB of zeros': zeros,
  }),
  ...named('snapshot', common),
  ...named('leader-epoch-checkpoint', {
    garbage: () => garbage(40),
    nothing: () => Buffer.alloc(0),
    'half of it': (bytes) => bytes.subarray(0, bytes.length - 3),
    'epochs past the end': () => Buffer.from('0\n2\n0 0\n9 1000000\n'),
  }),
  { name: 'nothing wrong', suffix: 'none', spoil: () => {} },
]
const transactionCases = named('txnindex', {
  ...common,
  'an entry of another transaction': (bytes) => (
    bytes.writeBigInt64BE(0n, 10), bytes.writeBigInt64BE(1n, 18), bytes
  ),
  '10 MiB of zeros': zeros,
})

/** A record as the judge compares it. */
type Plain = readonly [offset: number, timestamp: number, value: string | undefined]

/** What a broker has to answer about a topic. */
interface Truth {
  readonly records: readonly Plain[]
  /** Those that were aborted. */
  readonly aborted: ReadonlySet<number>
  readonly end: number
}

/** Produces the template: segments with transactions in them, one aborted early on, and times that go back and forth. */
async function makeTemplate(client: KafkaClient): Promise<Truth> {
  await client.createTopic(TEMPLATE, { config: SEGMENTS })
  const records: Plain[] = []
  const aborted = new Set<number>()
  for (let batch = 0; batch < BATCHES; batch++) {
    const inputs = Array.from({ length: 3 }, (_, slot) => ({
      value: `v${batch}.${slot}`.padEnd(50, '.'),
      timestamp: START_MS + batch * 1000 + ((slot * 7919) % 5000),
    }))
    const isTransaction = batch === 5 || batch === 6 || batch === 45
    const options = isTransaction
      ? {
          producer: { 'transactional.id': 't' },
          transaction: batch === 6 ? ('commit' as const) : ('abort' as const),
        }
      : {}
    const offsets = await client.produce({ topic: TEMPLATE }, inputs, options)
    for (const [slot, offset] of offsets.entries()) {
      records.push([offset, inputs[slot]!.timestamp, inputs[slot]!.value])
      if (isTransaction && batch !== 6) aborted.add(offset)
    }
  }
  const { end } = await client.consume({ topic: TEMPLATE }, { from: records.at(-1)![0] })
  return { records, aborted, end }
}

/** A data directory whose topics are copies of one, each with files made wrong; then adopted and appended to by seglog. */
async function adoptedDirectory(
  directory: string,
  cases: readonly Case[],
): Promise<{ dataDirectory: string; truth: Truth }> {
  const broker = await startBroker(directory, { keep: true })
  const client = new KafkaClient(broker.bootstrap, { keep: true })
  const truth = await makeTemplate(client)
  for (const slot of cases.keys()) await client.createTopic(topicOf(slot), { config: SEGMENTS })
  client.close()
  await broker.stop()
  const { dataDirectory } = broker
  const added: Plain[] = Array.from({ length: 4 }, (_, slot) => [
    truth.end + slot,
    START_MS + 100_000 + slot,
    `ours ${slot}`,
  ])
  for (const [slot, { suffix, spoil }] of cases.entries()) {
    const target = join(dataDirectory, `${topicOf(slot)}-0`)
    copyPartition(join(dataDirectory, `${TEMPLATE}-0`), target)
    for (const name of readdirSync(target).filter((file) => file === suffix || file.endsWith(`.${suffix}`))) {
      const path = join(target, name)
      const bytes = spoil(readFileSync(path), path)
      if (bytes !== undefined) writeFileSync(path, bytes)
    }
    await adopt(target, truth, added)
  }
  return {
    dataDirectory,
    truth: { ...truth, records: [...truth.records, ...added], end: truth.end + added.length },
  }
}

const topicOf = (slot: number) => `topic${slot}`

/** Everything but what says which topic it is. */
function copyPartition(from: string, to: string): void {
  for (const name of readdirSync(to)) if (name !== 'partition.metadata') rmSync(join(to, name))
  for (const name of readdirSync(from)) {
    if (name !== 'partition.metadata') cpSync(join(from, name), join(to, name), { preserveTimestamps: true })
  }
  const root = dirname(to)
  const line = (file: string) => /^template 0 (\d+)$/m.exec(readFileSync(join(root, file), 'utf8'))![1]!
  for (const file of ['recovery-point-offset-checkpoint', 'replication-offset-checkpoint']) {
    const topic = /([^/]+)-0$/.exec(to)![1]!
    const text = readFileSync(join(root, file), 'utf8').replace(
      new RegExp(`^${topic} 0 \\d+$`, 'm'),
      `${topic} 0 ${line(file)}`,
    )
    writeFileSync(join(root, file), text)
  }
}

/** Reads it in both ways, then appends to it. */
async function adopt(directory: string, { records }: Truth, added: readonly Plain[]): Promise<void> {
  const reader = await openLog(directory, { readOnly: true })
  expect(
    (await readAll(reader)).map(({ offset, timestamp, value }) => [offset, timestamp, value?.toString()]),
  ).toEqual(records)
  await reader.close()
  const log = await openLog(directory, adopting)
  expect((await readAll(log)).length).toBe(records.length)
  for (const [offset, timestamp, value] of added)
    expect((await log.append({ timestamp, value: value! })).baseOffset).toBe(offset)
  await log.close()
}

/** Has a broker answer everything about a topic that it could answer wrongly. */
async function expectServed(
  client: KafkaClient,
  topic: string,
  { records, aborted, end }: Truth,
): Promise<void> {
  const found = await client.consume({ topic })
  const plain = found.records.map(({ offset, timestamp, value }) => [offset, timestamp, value?.toString()])
  expect({ end: found.end, plain }).toEqual({ end, plain: records })
  const committed = await client.consume({ topic }, { consumer: { 'isolation.level': 'read_committed' } })
  expect(committed.records.map(({ offset }) => offset)).toEqual(
    records.map(([offset]) => offset).filter((offset) => !aborted.has(offset)),
  )
  const offsets = Array.from({ length: Math.ceil(end / 5) }, (_, slot) => slot * 5)
  expect(await client.firstFrom({ topic }, offsets)).toEqual(
    offsets.map((from) => records.find(([offset]) => offset >= from)?.[0] ?? null),
  )
  const times = Array.from({ length: BATCHES }, (_, batch) => START_MS + batch * 1000 + 1)
  const expected = times.map((time) => records.find(([, timestamp]) => timestamp >= time)?.[0])
  expect((await client.listOffsets({ topic }, times)).map(({ offset }) => offset)).toEqual(expected)
}

describe.each([
  ['offsets, times, producers and epochs', indexCases],
  ['transactions', transactionCases],
] as const)('once seglog has adopted a log with wrong files of %s', (_, cases) => {
  const directory = mkdtempSync(join(tmpdir(), 'seglog-'))
  let broker: Broker | undefined
  let client: KafkaClient | undefined
  let truth: Truth
  beforeAll(async () => {
    const adopted = await adoptedDirectory(directory, cases)
    truth = adopted.truth
    broker = await startBroker(directory, { keep: true })
    client = new KafkaClient(broker.bootstrap, { keep: true })
  })
  afterAll(async () => {
    client?.close()
    await broker?.kill()
    rmSync(directory, { recursive: true, force: true })
  })

  it.each(cases.map(({ name }, slot) => [name, slot] as const))(
    'a broker serves it rightly: %s',
    async (_name, slot) => {
      await expectServed(client!, topicOf(slot), truth)
    },
  )
})

describe('checkpoints of a whole directory', () => {
  // Those that seglog writes. With garbage in any other one a broker does not start, before and after.
  const files = ['recovery-point-offset-checkpoint', '.kafka_cleanshutdown']

  it.each(['garbage', 'half of it'])(
    'with %s in their place, leave nothing wrong for a broker once seglog has written',
    async (kind) => {
      const directory = temporaryDirectory()
      const first = await startBroker(directory)
      const client = new KafkaClient(first.bootstrap)
      await client.createTopic('orders', { config: SEGMENTS })
      const inputs = Array.from({ length: 100 }, (_, slot) => ({
        value: `v${slot}`.padEnd(100),
        timestamp: START_MS + slot,
      }))
      for (const input of inputs) await client.produce({ topic: 'orders' }, [input])
      client.close()
      await first.stop()
      for (const name of files) {
        const path = join(first.dataDirectory, name)
        writeFileSync(path, common[kind]!(readFileSync(path), path) as Buffer)
      }
      const log = await openLog(join(first.dataDirectory, 'orders-0'), adopting)
      await log.append({ value: 'ours', timestamp: START_MS + 100 })
      await log.close()
      const broker = await startBroker(directory)
      const records = [...inputs, { value: 'ours', timestamp: START_MS + 100 }].map(
        ({ timestamp, value }, offset): Plain => [offset, timestamp, value],
      )
      const judge = new KafkaClient(broker.bootstrap)
      const found = await judge.consume({ topic: 'orders' })
      expect(
        found.records.map(({ offset, timestamp, value }) => [offset, timestamp, value?.toString()]),
      ).toEqual(records)
      const times = [0, 1, 50, 99, 100].map((ms) => START_MS + ms)
      expect((await judge.listOffsets({ topic: 'orders' }, times)).map(({ offset }) => offset)).toEqual([
        0, 1, 50, 99, 100,
      ])
      expect(await judge.firstFrom({ topic: 'orders' }, [0, 33, 66, 99, 100])).toEqual([0, 33, 66, 99, 100])
    },
  )
})
