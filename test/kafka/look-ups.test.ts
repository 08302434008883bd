import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Log, type LogOptions, type LogRecord, openLog, type ReadOptions } from '../../src/index.ts'
import { runSync, searchOffset } from '../../src/segment/index.ts'
import { SeededRandom } from '../../src/testing/index.ts'
import { lyingFileSystem } from '../disk/lying-file-system.ts'
import { partsOf } from '../helpers/log-parts.ts'
import { seed } from '../helpers/seed.ts'
import { readAll } from '../helpers/temp-log.ts'
import { type Broker, type BrokerProperties, startBroker } from './broker.ts'
import { KafkaClient, type KafkaRecord } from './kafka-client.ts'
import { askStorage, type LookUpAnswer } from './kafka-storage.ts'
import { COMPACT, COMPACT_NOW, isCompacted, LOG_KINDS, type LogKind, SEGMENT_CONFIG } from './look-up-logs.ts'
import { pick, segmentsIn } from './retention-logs.ts'

interface Found {
  readonly offset: number
  readonly timestamp: number
}

const NOTHING: Found = { offset: -1, timestamp: -1 }
/** Nothing that Kafka keeps goes, and nothing moves, while the tests look. */
const STILL = {
  'log.retention.check.interval.ms': 3_600_000,
  'log.cleaner.backoff.ms': 3_600_000, // or what is compacted and deleted would lose its first segments
  'log.initial.task.delay.ms': 3_600_000,
  'log.message.timestamp.after.max.ms': '9223372036854775807',
}
const SETUP_MS_MAX = 400_000
const COUNTS = { whole: { times: 800, offsets: 250 }, cut: { times: 300, offsets: 100 } }

/** `whole`: as it was written. `cut`: after its start has been moved into the middle of a batch. */
type Phase = keyof typeof COUNTS

/** What was asked of Kafka about one log, and what it said. */
interface Answers {
  readonly earliest: number
  readonly latest: number
  /** The record with the largest timestamp. */
  readonly max: Found
  /** Of the times -1 and -2. */
  readonly negative: readonly Found[]
  readonly times: readonly number[]
  /** Of the broker, one for each of `times`. */
  readonly byTime: readonly Found[]
  readonly offsets: readonly number[]
  /** The offset of the first record that a consumer gets from each of `offsets` on. */
  readonly firsts: readonly (number | null)[]
  /** All that a consumer gets. */
  readonly records: readonly KafkaRecord[]
  /** And what one gets that leaves out what is not committed. */
  readonly committed: readonly KafkaRecord[]
  /** Of Kafka's segments, one after another, about `times` and `offsets`. */
  readonly segments: readonly LookUpAnswer[]
}

const root = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-look-ups-'))
const random = new SeededRandom(seed)
/** The broker that was started last; killed at the end, unless it has stopped. */
let running: Broker | undefined
const COPY = { recursive: true, preserveTimestamps: true }
const answered: Record<Phase, ReadonlyMap<string, Answers>> = { whole: new Map(), cut: new Map() }

const answersOf = (topic: string, phase: Phase) => answered[phase].get(topic)!

/** Kafka's data directory as it was in a phase. */
const storeOf = (phase: Phase) => join(root, `store-${phase}`)

beforeAll(async () => {
  const directory = join(root, 'broker')
  await writeAll(directory)
  for (const phase of ['whole', 'cut'] as const) {
    const broker = await startBrokerHere(directory)
    const client = new KafkaClient(broker.bootstrap, { keep: true })
    if (phase === 'cut') await moveStarts(client)
    const ofBroker = await askBroker(client, { dataDirectory: broker.dataDirectory, ...COUNTS[phase] })
    client.close()
    await broker.stop()
    cpSync(broker.dataDirectory, storeOf(phase), COPY)
    answered[phase] = await askSegments(phase, ofBroker)
  }
}, SETUP_MS_MAX)

afterAll(async () => {
  await running?.kill()
  rmSync(root, { recursive: true, force: true })
})

async function startBrokerHere(directory: string, properties: BrokerProperties = {}): Promise<Broker> {
  running = await startBroker(directory, { keep: true, properties: { ...STILL, ...properties } })
  return running
}

/** Has Kafka write its logs, and puts seglog's in their places while the broker is down. */
async function writeAll(directory: string): Promise<void> {
  const broker = await startBrokerHere(directory, { 'log.cleaner.backoff.ms': 100 })
  const client = new KafkaClient(broker.bootstrap, { keep: true })
  for (const { topic, config, produce } of LOG_KINDS) {
    await client.createTopic(topic, { config: { 'retention.ms': -1, ...SEGMENT_CONFIG, ...config } })
    await produce?.(client, topic, random)
  }
  for (const { topic, config } of LOG_KINDS)
    if (config === COMPACT) await client.configure(topic, COMPACT_NOW)
  for (let attempt = 0; !isCompacted(broker.dataDirectory); attempt++) {
    expect(attempt).toBeLessThan(5000)
    await client.listOffsets({ topic: 'compacted' }, ['latest'])
  }
  client.close()
  await broker.stop()
  for (const { topic, write } of LOG_KINDS) {
    if (write === undefined) continue
    const written = join(root, `written-${topic}`)
    mkdirSync(written)
    await write(written, random)
    putInPlace(written, join(broker.dataDirectory, `${topic}-0`))
  }
}

/** Puts the segments in `from` in the place of those in `to`. */
function putInPlace(from: string, to: string): void {
  for (const file of readdirSync(to).filter((name) => /^\d{20}\./.test(name))) rmSync(join(to, file))
  for (const file of readdirSync(from).filter((name) => /^\d{20}\.log$/.test(name)))
    cpSync(join(from, file), join(to, file), { preserveTimestamps: true })
}

/** Moves the start of every log to somewhere in its middle, most often into a batch. */
async function moveStarts(client: KafkaClient): Promise<void> {
  for (const { topic } of LOG_KINDS) {
    const { earliest, latest } = answersOf(topic, 'whole')
    const start = earliest + Math.floor(((latest - earliest) * (25 + random.below(50))) / 100)
    await client.deleteRecords({ topic }, start)
    await expect(client.listOffsets({ topic }, [-100])).rejects.toThrow('UnsupportedVersion')
    if (topic !== LOG_KINDS[0]!.topic) continue
    await expect(client.firstFrom({ topic }, [start - 1])).rejects.toThrow('OffsetOutOfRange')
    await expect(client.firstFrom({ topic }, [latest + 1])).rejects.toThrow('OffsetOutOfRange')
  }
}

type BrokerAnswers = Omit<Answers, 'segments'>

async function askBroker(
  client: KafkaClient,
  { dataDirectory, times, offsets }: { dataDirectory: string; times: number; offsets: number },
): Promise<Map<string, BrokerAnswers>> {
  const all = new Map<string, BrokerAnswers>()
  for (const { topic } of LOG_KINDS) {
    const bases = segmentsIn(join(dataDirectory, `${topic}-0`))
    all.set(topic, await ask(client, topic, { bases, times, offsets }))
  }
  return all
}

/** Asks Kafka's segments what the broker was asked. */
async function askSegments(
  phase: Phase,
  ofBroker: ReadonlyMap<string, BrokerAnswers>,
): Promise<ReadonlyMap<string, Answers>> {
  const copy = join(root, `segments-${phase}`) // they may change what they are shown
  cpSync(storeOf(phase), copy, COPY)
  const requests = [...ofBroker].flatMap(([topic, { times, offsets, earliest: start }]) => {
    const directory = join(copy, `${topic}-0`)
    return segmentsIn(directory).map((base) => ({
      do: 'lookUp' as const,
      directory,
      base,
      offsets,
      times,
      start,
    }))
  })
  const found = await askStorage(requests)
  const ofTopic = (topic: string) =>
    found.filter((_, at) => requests[at]!.directory === join(copy, `${topic}-0`))
  return new Map([...ofBroker].map(([topic, rest]) => [topic, { ...rest, segments: ofTopic(topic) }]))
}

async function ask(
  client: KafkaClient,
  topic: string,
  counts: { bases: readonly number[]; times: number; offsets: number },
): Promise<BrokerAnswers> {
  const [earliest, latest, max] = await client.listOffsets({ topic }, ['earliest', 'latest', 'maxTimestamp'])
  const { records } = await client.consume({ topic })
  const isolation = { 'isolation.level': 'read_committed' }
  const { records: committed } = await client.consume({ topic }, { consumer: isolation })
  const range = { earliest: earliest!.offset, latest: latest!.offset }
  const times = randomTimes(records, counts.times)
  const offsets = randomOffsets(range, counts)
  return {
    ...range,
    max: max!,
    negative: await client.listOffsets({ topic }, [-1, -2]),
    times,
    byTime: await client.listOffsets({ topic }, times),
    offsets,
    firsts: await client.firstFrom({ topic }, offsets),
    records,
    committed,
  }
}

/** Times of records, just before and after them, between them, and before and after all. */
function randomTimes(records: readonly KafkaRecord[], count: number): number[] {
  const known = records.map(({ timestamp }) => timestamp).filter((timestamp) => timestamp >= 0)
  const first = known.reduce((least, timestamp) => Math.min(least, timestamp))
  const last = known.reduce((greatest, timestamp) => Math.max(greatest, timestamp))
  const edges = [0, 1, first - 1, first, first + 1, last - 1, last, last + 1, Number.MAX_SAFE_INTEGER]
  const drawn = Array.from({ length: count - edges.length }, () =>
    random.below(4) === 0
      ? first + random.below(last - first + 1)
      : pick(random, known) + random.below(3) - 1,
  )
  return [...edges, ...drawn]
}

/** Offsets everywhere, and at and beside the ends of segments, as far as they are in the log. */
function randomOffsets(
  { earliest, latest }: { earliest: number; latest: number },
  { bases, offsets: count }: { bases: readonly number[]; offsets: number },
): number[] {
  const edges = [earliest, latest - 1, latest, ...bases.flatMap((base) => [base - 1, base, base + 1])]
  const drawn = Array.from(
    { length: Math.max(0, count - edges.length) },
    () => earliest + random.below(latest - earliest),
  )
  return [...edges, ...drawn].filter((offset) => offset >= earliest && offset <= latest)
}

type Mode = keyof typeof MODES

/** The ways to open a log that differ in their index. */
const MODES = {
  'with its index in SQLite': { adopt: true },
  'with its index in memory': { adopt: true, index: 'memory' },
  'for reading only': { readOnly: true },
} as const satisfies Record<string, LogOptions>

/** Opens a copy of the log as it was in a phase; in SQLite it finds its index there. */
async function withLog(
  { topic }: LogKind,
  { phase, mode }: { phase: Phase; mode: Mode },
  run: (log: Log) => Promise<void>,
): Promise<void> {
  const store = mkdtempSync(join(root, 'copy-'))
  for (const entry of readdirSync(storeOf(phase), { withFileTypes: true }))
    if (entry.isFile() || entry.name === `${topic}-0`)
      cpSync(join(storeOf(phase), entry.name), join(store, entry.name), COPY)
  const directory = join(store, `${topic}-0`)
  const config = { 'index.interval.bytes': SEGMENT_CONFIG['index.interval.bytes'] }
  const options: LogOptions = { cleanup: false, fileSystem: lyingFileSystem, config, ...MODES[mode] }
  const first = await openLog(directory, options)
  await first.offsetForTimestamp(0) // has the index made
  await first.close()
  const log = await openLog(directory, options)
  try {
    expect(log.stats().index).toBe(mode === 'with its index in SQLite' ? 'ready' : 'memory')
    await run(log)
  } finally {
    await log.close()
    rmSync(store, { recursive: true })
  }
}

/** The offset of the first record of a read; null when there is none. */
async function firstOf(log: Log, options: ReadOptions): Promise<number | null> {
  for await (const { offset } of log.read(options)) return offset
  return null
}

const plain = ({ offset, timestamp, key, value }: LogRecord | KafkaRecord) => ({
  offset,
  timestamp,
  key,
  value,
})

/** Which record each time finds, by what Kafka's segments say. */
function inSegments({ segments, times }: Answers): Found[] {
  return times.map((_, at) => segments.find((segment) => segment.times[at] !== null)?.times[at] ?? NOTHING)
}

async function expectSameTimes(log: Log, answers: Answers): Promise<void> {
  const { times, records } = answers
  const expected = inSegments(answers)
  for (const [at, time] of times.entries()) {
    const found = (await log.offsetForTimestamp(time)) ?? NOTHING
    expect({ time, ...found }).toEqual({ time, ...expected[at] })
    if (at % 5 > 0) continue
    const start = found.offset < 0 ? log.readableEndOffset : found.offset
    const first = records.find(({ offset }) => offset >= start)?.offset ?? null
    expect([time, await firstOf(log, { from: { timestamp: time } })]).toEqual([time, first])
  }
}

async function expectSameOffsets(log: Log, { offsets, firsts, records }: Answers): Promise<void> {
  const known = new Map(records.map((record) => [record.offset, plain(record)]))
  for (const [at, offset] of offsets.entries()) {
    expect([offset, await firstOf(log, { from: offset })]).toEqual([offset, firsts[at]])
    const found = [await log.get(offset), log.getSync(offset)]
    expect(found.map((record) => record && plain(record))).toEqual([known.get(offset), known.get(offset)])
  }
}

describe.each(LOG_KINDS.map((kind) => [kind.name, kind] as const))('%s', (_, kind) => {
  const { topic } = kind
  const phases = (['whole', 'cut'] as const).map((phase) => ({
    phase,
    answers: () => answersOf(topic, phase),
  }))

  it.each(Object.keys(MODES) as Mode[])(
    'are found where Kafka finds them, in a log opened %s',
    async (mode) => {
      for (const { phase, answers } of phases)
        await withLog(kind, { phase, mode }, async (log) => {
          const { earliest, latest, max } = answers()
          expect([log.startOffset, log.readableEndOffset]).toEqual([earliest, latest])
          await expectSameTimes(log, answers())
          await expectSameOffsets(log, answers())
          const largest = log.segments().map(({ maxTimestamp }) => maxTimestamp)
          expect(Math.max(...largest)).toBe(max.timestamp)
          for (const from of [latest + 1, ...(earliest > 0 ? [earliest - 1] : [])])
            await expect(firstOf(log, { from })).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
        })
    },
  )

  it('are read as a consumer reads them, committed or not', async () => {
    for (const { phase, answers } of phases)
      await withLog(kind, { phase, mode: 'for reading only' }, async (log) => {
        const { records, committed } = answers()
        expect((await readAll(log)).map(plain)).toEqual(records.map(plain))
        expect((await readAll(log, { isolation: 'committed' })).map(plain)).toEqual(committed.map(plain))
      })
  })

  it("lie in segments where Kafka's index leads to", async () => {
    await withLog(kind, { phase: 'whole', mode: 'with its index in SQLite' }, async (log) => {
      const { segments, offsets } = answersOf(topic, 'whole')
      const { segments: listed, index, files } = partsOf(log).state
      let entryCount = 0
      for (const [slot, segment] of listed.all.entries())
        for (const [at, offset] of offsets.entries()) {
          const entry = index.floorByOffset(segment.baseOffset, offset)
          const options = { entry, dense: false, onWrongEntry: () => expect.unreachable('a wrong entry') }
          const place = runSync(searchOffset(segment, offset, options), files.source(segment))
          const expected = segments[slot]!.places[at]
          entryCount += Number(entry !== undefined)
          expect([offset, place?.baseOffset, place?.position, place?.sizeBytes]).toEqual([
            offset,
            expected?.offset,
            expected?.position,
            expected?.size,
          ])
        }
      if (kind.config !== COMPACT) expect(entryCount).toBeGreaterThan(offsets.length) // else there is little left
    })
  })

  it("are what ListOffsets says, but where Kafka's search ends in the first segment that could have one", () => {
    for (const { phase, answers } of phases) {
      const { times, byTime, segments } = answers()
      const first = times.map((time, at) => {
        const segment = segments.find(({ largest }) => largest >= time)
        return segment?.times[at] ?? NOTHING
      })
      expect(byTime).toEqual(first)
      const missed = inSegments(answers()).filter(({ offset }, at) => offset !== first[at]!.offset)
      if (phase === 'whole' && kind.hidden === undefined) expect(missed).toEqual([])
      if (phase === 'whole' && kind.hidden === 'some') expect(missed.length).toBeGreaterThan(10)
      if (kind.hidden === 'most') expect(missed.length).toBeGreaterThan(100)
    }
  })

  it('before 1970 are times like any other; in Kafka they are names of places', async () => {
    for (const { phase, answers } of phases)
      await withLog(kind, { phase, mode: 'for reading only' }, async (log) => {
        const { earliest, latest, negative, records } = answers()
        expect(negative.map(({ offset }) => offset)).toEqual([latest, earliest])
        const { offset } = (await log.offsetForTimestamp(-2))!
        expect(offset).toBeGreaterThanOrEqual(earliest)
        expect(offset).toBeLessThanOrEqual(records[0]!.offset) // a control record may come before
      })
  })
})

it('a transaction that is open holds back a consumer from all behind it, a reader only from where it reads on', async () => {
  const kind = LOG_KINDS.find(({ topic }) => topic === 'transactions')!
  const { records, committed, latest } = answersOf('transactions', 'whole')
  const behind = records.at(-1)! // and no transaction after it
  expect([behind.offset, committed.at(-1)!.offset < behind.offset]).toEqual([latest - 1, true])
  await withLog(kind, { phase: 'whole', mode: 'for reading only' }, async (log) => {
    const read = await readAll(log, { from: behind.offset, isolation: 'committed' })
    expect(read.map(plain)).toEqual([plain(behind)])
  })
})
