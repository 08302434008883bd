/*
 * A broker that is killed while it writes: on a copy of what it leaves seglog recovers the end, and the records, that
 * Kafka recovers there itself. The same directory goes from round to round, each time killed, torn and recovered again.
 * `SEED=… npm run test:kafka -- sigkill` draws the same numbers again; when the kill comes is up to the machine.
 */
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Damage, type Log, openLog } from '../../src/index.ts'
import { SeededRandom } from '../../src/testing/index.ts'
import { runProcess } from '../cli/command-line.ts'
import { plainRecord, readPlain } from '../helpers/kafka-records.ts'
import { seed } from '../helpers/seed.ts'
import { type Broker, type BrokerProperties, startBroker } from './broker.ts'
import { QUICK_RETURN } from './feed.ts'
import { KafkaClient } from './kafka-client.ts'
import { loadedLogs } from './loaded-logs.ts'
import { batchPositions, segmentsIn, TEARS, tearTail } from './torn-tails.ts'
import { until } from './until.ts'

const ROUNDS = 5
const TORN = Object.keys(TEARS)
const PROPERTIES: BrokerProperties = { ...QUICK_RETURN, 'log.index.size.max.bytes': 8192 }
/** Several batches go into a segment, however the machine is loaded. */
const SMALL_BATCHES = { 'batch.size': 2048 }
const PRODUCERS = [
  {},
  { 'compression.type': 'gzip' },
  { 'compression.type': 'zstd', 'enable.idempotence': false },
  { 'transactional.id': 'a' },
  { 'transactional.id': 'b', 'compression.type': 'gzip' },
].map((properties) => ({ ...SMALL_BATCHES, ...properties }))

const root = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-kafka-'))
const data = join(root, 'data')
const copyRoot = join(root, 'copy')
const random = new SeededRandom(seed)
const below = (end: number): number => random.below(end)

let broker: Broker
let client: KafkaClient

beforeAll(async () => {
  await startAgain()
  const config = { 'internal.segment.bytes': 16_384, 'retention.ms': -1 }
  await client.createTopic('load', { partitions: TORN.length, config })
  await client.createTopic('packed', { partitions: 2, config })
})

afterAll(async () => {
  client?.close()
  await broker?.kill()
  rmSync(root, { recursive: true })
})

async function startAgain(): Promise<void> {
  broker = await startBroker(root, { properties: PROPERTIES, keep: true })
  client = new KafkaClient(broker.bootstrap, { keep: true })
}

/** Has producers write until so many bytes more are there, and kills the broker in the middle of it. */
async function writeAndKill(): Promise<void> {
  const packed = ['snappy', 'lz4'].map((codec) => ({ 'compression.type': codec }))
  await client.load('load', {
    partitions: TORN.length,
    producers: PRODUCERS,
    valueBytes: 300,
    seed: below(2 ** 31),
  })
  await client.load('packed', { partitions: 2, producers: packed, valueBytes: 300, seed: below(2 ** 31) })
  const end = sizeOfLogs() + 60_000 + below(200_000)
  await until('enough of a load', () => sizeOfLogs() >= end)
  await broker.kill()
  client.close()
}

function sizeOfLogs(): number {
  const directories = readdirSync(data).filter((name) => /^(?:load|packed)-/.test(name))
  return directories
    .flatMap((name) => segmentsIn(join(data, name)))
    .reduce((bytes, path) => bytes + statSync(path).size, 0)
}

function copyData(): void {
  rmSync(copyRoot, { recursive: true, force: true })
  cpSync(data, copyRoot, { recursive: true, preserveTimestamps: true })
}

/** Opens the copy of a log as its new owner, closes it, and reads it. */
async function recover(name: string) {
  const directory = join(copyRoot, name)
  const log = await openLog(directory, { adopt: true })
  const { startOffset: start, endOffset: end, recovery } = log
  const isPacked = name.startsWith('packed')
  const lastOffsets: number[] = []
  if (isPacked) for await (const { lastOffset } of log.readBatches()) lastOffsets.push(lastOffset)
  await log.close()
  if (isPacked) return { start, end, recovery, lastOffsets, uncommitted: [], committed: [] }
  const { records: uncommitted } = await readPlain(directory, 'uncommitted')
  const { records: committed } = await readPlain(directory, 'committed')
  return { start, end, recovery, lastOffsets, uncommitted, committed }
}

/** What opening says that it cut, by what was done to the tail. */
const CUTS: Readonly<Record<string, unknown>> = {
  'by a cut in its last batch': { kind: 'TAIL_TORN', suspect: false },
  'by garbage behind it': { kind: 'TAIL_TORN', suspect: false },
  'by zeros behind it': { kind: 'zeros', suspect: false, quarantinedTo: undefined },
  'by a bit that is wrong in its last batch': { kind: 'TAIL_TORN', suspect: false },
  'by the head of a batch without the rest': { kind: 'TAIL_TORN', suspect: false },
}

describe('a broker killed under load', () => {
  it.each(Array.from({ length: ROUNDS }, (_, round) => round))(
    'leaves what both recover alike, round %i',
    async (round) => {
      await writeAndKill()
      const names = TORN.map((_, partition) => `load-${partition}`)
      const tears = names.map((name, partition) => {
        const tear = TORN[(partition + round) % TORN.length]!
        return tearTail(join(data, name), tear, below) ? tear : 'not at all'
      })
      copyData()
      const ours = new Map<string, Awaited<ReturnType<typeof recover>>>()
      for (const name of [...names, 'packed-0', 'packed-1']) ours.set(name, await recover(name))
      for (const [slot, name] of names.entries()) {
        const { clean, cut, damage } = ours.get(name)!.recovery
        expect([tears[slot], clean, damage]).toEqual([tears[slot], false, []])
        const expected = CUTS[tears[slot]!]
        if (expected !== undefined) expect([tears[slot], cut]).toMatchObject([tears[slot], expected])
      }
      await startAgain()
      const kafkas = loadedLogs(broker.log())
      for (const [name, { start, end }] of ours)
        expect([name, { start, end }]).toEqual([name, kafkas.get(name)])
      for (const [partition, name] of names.entries()) {
        const place = { topic: 'load', partition }
        const { end, records } = await client.consume(place)
        const consumer = { 'isolation.level': 'read_committed' }
        const committed = (await client.consume(place, { consumer })).records.map(plainRecord)
        const found = ours.get(name)!
        expect(found.uncommitted).toEqual(records.map(plainRecord))
        // A transaction that was about to be committed is, once the broker runs again: there may be more by now.
        expect(found.committed).toEqual(
          committed.slice(0, end === found.end ? undefined : found.committed.length),
        )
      }
      for (const partition of [0, 1]) {
        const { records } = await client.consume({ topic: 'packed', partition })
        expect(ours.get(`packed-${partition}`)!.lastOffsets.at(-1)).toBe(records.at(-1)!.offset)
      }
    },
  )
  it('and damaged before its end loses nothing here that Kafka drops, and is told where', async () => {
    await writeAndKill()
    writeFileSync(join(data, 'recovery-point-offset-checkpoint'), '0\n0\n') // Kafka looks at every batch
    const inSealed = damageBatch(segmentsIn(join(data, 'load-0'))[1]!)
    // The kill may have come when a segment had just been begun: one that has a batch behind the one to be damaged.
    const lastName = ['load-1', 'load-3', 'load-4', 'load-5'].find(
      (name) => lastBatchCount(join(data, name)) > 1,
    )!
    const inLast = damageBatch(segmentsIn(join(data, lastName)).at(-1)!)
    const cutOff = cutBeforeEmptySegment(join(data, 'load-2'))
    copyData()
    const directory = (name: string) => join(copyRoot, name)
    await startAgain()
    const kafkas = loadedLogs(broker.log())

    // In a sealed segment: Kafka cuts there and deletes every later segment; here all of it stays, and is not written to.
    const at = { path: inSealed.path.replace(data, copyRoot), position: inSealed.position }
    const files = segmentsIn(directory('load-0'))
    await expect(openLog(directory('load-0'), { adopt: true })).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      ...at,
    })
    expect(segmentsIn(directory('load-0'))).toEqual(files)
    const sealed = await openLog(directory('load-0'), { adopt: true, onCorruption: 'readonly' })
    expect(sealed.state).toBe('readonly')
    expect(kafkas.get('load-0')!.end).toBe(inSealed.baseOffset)
    expect(segmentsIn(join(data, 'load-0'))).toHaveLength(2)
    expect(segmentsIn(directory('load-0')).length).toBeGreaterThan(2)
    const damage: Damage[] = []
    const offsets: number[] = []
    for await (const batch of sealed.readBatches({ onDamage: (one) => damage.push(one) }))
      offsets.push(batch.baseOffset)
    const { position, baseOffset: offset, nextOffset } = inSealed
    const place = { path: inSealed.path.replace(data, copyRoot), position, offset }
    expect(damage).toMatchObject([{ ...place, nextOffset }])
    expect(offsets).toContain(nextOffset)
    expect(offsets.at(-1)! + 1).toBeGreaterThan(sealed.endOffset - 20)
    await expect(drain(sealed)).rejects.toMatchObject({ code: 'BATCH_CORRUPT', ...place })
    await sealed.close()
    const dumped = await runProcess(['dump', place.path])
    expect([dumped.exitCode, dumped.errors.includes(`at position ${position}: `)]).toEqual([1, true])

    // In the last segment: both cut there; here what was cut is kept beside the log, and said to be suspect.
    const last = await openLog(directory(lastName), { adopt: true })
    expect([last.endOffset, kafkas.get(lastName)!.end]).toEqual([inLast.baseOffset, inLast.baseOffset])
    expect(last.recovery.cut).toMatchObject({ kind: 'TAIL_TORN', suspect: true, position: inLast.position })
    expect(readFileSync(last.recovery.cut!.quarantinedTo!)).toEqual(inLast.bytes.subarray(inLast.position))
    await last.close()

    // Before an empty segment: Kafka gives the offsets of what was lost to others; here none is given twice.
    const before = await openLog(directory('load-2'), { adopt: true })
    expect(kafkas.get('load-2')!.end).toBe(cutOff.lastOffset)
    expect(before.endOffset).toBe(cutOff.emptyBase)
    expect(before.recovery.cut).toMatchObject({ kind: 'TAIL_TORN', suspect: false })
    await before.close()
  })
})

/** Cuts the last batch of a log in two and puts an empty segment behind it, as a power cut right after a roll may. */
function cutBeforeEmptySegment(directory: string): { lastOffset: number; emptyBase: number } {
  const path = segmentsIn(directory).findLast((segment) => statSync(segment).size > 0)!
  const bytes = readFileSync(path)
  const position = batchPositions(bytes).at(-1)!
  const lastOffset = Number(bytes.readBigInt64BE(position))
  const emptyBase = lastOffset + bytes.readInt32BE(position + 23) + 1
  writeFileSync(path, bytes.subarray(0, bytes.length - 1))
  writeFileSync(join(directory, `${String(emptyBase).padStart(20, '0')}.log`), '')
  return { lastOffset, emptyBase }
}

/** How many batches the last segment of a log has. */
function lastBatchCount(directory: string): number {
  return batchPositions(readFileSync(segmentsIn(directory).at(-1)!)).length
}

/** Turns a bit over in the middle one of a segment's batches, which has another behind it; tells where, and which offsets it holds. */
function damageBatch(path: string) {
  const bytes = readFileSync(path)
  const positions = batchPositions(bytes)
  const slot = (positions.length - 1) >> 1
  const [position, next] = [positions[slot]!, positions[slot + 1]!]
  bytes[next - 1]! ^= 1
  writeFileSync(path, bytes)
  const [baseOffset, nextOffset] = [position, next].map((at) => Number(bytes.readBigInt64BE(at)))
  return { path, bytes, position, baseOffset: baseOffset!, nextOffset: nextOffset! }
}

async function drain(log: Log): Promise<void> {
  for await (const { offset } of log.read()) expect(offset).toBeLessThan(log.endOffset)
}
