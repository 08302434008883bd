/*
 * The same directory where nobody ends in order: the broker is killed before seglog opens a log of it, seglog is killed before
 * the broker starts again, and what the broker had not synced is not there any more, as after a power loss. Whatever seglog
 * leaves, Kafka must not come to believe an index that it would have built anew, of that log or of others. Each test begins
 * where the one before it ended.
 */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { LogOptions } from '../../src/index.ts'
import { LogChild } from '../helpers/child-process.ts'
import { fingerprint } from '../helpers/log-files.ts'
import { namesOf } from '../helpers/temp-log.ts'
import { BrokerLives } from './broker-lives.ts'
import { SharedLog, type SharedRecord } from './shared-log.ts'

const FAR = Date.UTC(2100, 0, 1)
const HOUR = 3_600_000

const root = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-'))
/** The controller waits as long before it takes a broker back that has been killed. */
const lives = new BrokerLives(root, {
  'broker.session.timeout.ms': 1500,
  'broker.heartbeat.interval.ms': 500,
})
const shared = (topic: string) => new SharedLog(lives.dataDirectory, topic)

/** Opened by seglog, and so are those below; the broker rolls all of them. */
const rolled = shared('rolled')
/** With a torn batch at its end. */
const torn = shared('torn')
/** Never opened by seglog; torn as well. */
const other = shared('other')
const all = [rolled, torn, other]

const anyTime = { 'message.timestamp.after.max.ms': '9223372036854775807' }
const options: LogOptions = { config: { ...anyTime, 'internal.segment.bytes': 600 } }

let clockMs = FAR

function records(who: string, count: number): SharedRecord[] {
  return Array.from({ length: count }, (_, slot) => ({
    key: `k${slot}`,
    value: `${who} ${slot}`,
    timestamp: (clockMs += HOUR),
  }))
}

async function appendByBroker(to: SharedLog, batches: number): Promise<void> {
  for (let batch = 0; batch < batches; batch++) await to.produce(lives.client, records(`broker ${batch}`, 3))
}

/**
 * Makes every index that Kafka has not said to be on disk wrong in a way that it does not notice: entries in order, within the
 * segment, that lead past the records. Gives back how many.
 */
function loseIndexes(log: SharedLog): number {
  const recoveryPoint = storedPoint(log) ?? 0
  const bases = namesOf(log.directory, '.log').map((name) => Number(name.slice(0, 20)))
  const unsynced = new Set(bases.filter((_, slot) => (bases[slot + 1] ?? Infinity) > recoveryPoint))
  const names = namesOf(log.directory, '.index').filter((name) => unsynced.has(Number(name.slice(0, 20))))
  for (const name of names) {
    const size = readFileSync(join(log.directory, name.replace('index', 'log'))).length
    const entry = Buffer.alloc(8)
    entry.writeInt32BE(1, 0)
    entry.writeInt32BE(size, 4)
    writeFileSync(join(log.directory, name), entry)
    writeFileSync(join(log.directory, name.replace('index', 'timeindex')), '')
  }
  return names.length
}

function storedPoint({ topic }: SharedLog): number | undefined {
  const text = readFileSync(join(lives.dataDirectory, 'recovery-point-offset-checkpoint'), 'utf8')
  const line = new RegExp(`^${topic} 0 (\\d+)$`, 'm').exec(text)
  return line === null ? undefined : Number(line[1])
}

/** Puts the first half of a batch behind the last one. */
function tear({ directory }: SharedLog): void {
  const path = join(directory, namesOf(directory, '.log').at(-1)!)
  const bytes = readFileSync(path)
  appendFileSync(path, bytes.subarray(0, 80))
}

/** What Kafka says of a segment whose end it cuts. */
const cutsTailOf = (topic: string) =>
  new RegExp(`partition=${topic}-0, .*(?:[Cc]orrupt|invalid|Discarding|truncat)`)

const kafkaFiles = ({ directory }: SharedLog) =>
  readdirSync(directory).filter((name) => /\.(?:index|timeindex|snapshot)$/.test(name))

const marker = join(lives.dataDirectory, '.kafka_cleanshutdown')

beforeAll(async () => {
  await lives.start()
  const config = { ...anyTime, 'retention.ms': -1, 'segment.ms': HOUR, 'index.interval.bytes': 0 }
  for (const { topic } of all) await lives.client.createTopic(topic, { config })
  for (const log of all) await appendByBroker(log, 5)
  await lives.kill()
})

afterAll(async () => {
  await lives.kill()
  rmSync(root, { recursive: true, force: true })
})

it('the broker is killed: seglog takes over what it left, and touches no other log', async () => {
  for (const log of all) expect(loseIndexes(log)).toBeGreaterThan(2)
  for (const log of [torn, other]) tear(log)
  const before = fingerprint(other.directory)
  for (const log of [rolled, torn]) {
    const open = await log.open(options)
    expect(open).toMatchObject({ state: 'open', recovery: { clean: false, recoveryPoint: 0 } })
    expect(open.recovery.cut?.sizeBytes).toBe(log === torn ? 80 : undefined)
    const segmentBytes = open.segments().reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0)
    expect(open.recovery.scannedBytes).toBe(segmentBytes) // Kafka never said that any of it was on disk
    await log.expectRead(open)
    await log.append(open, records('seglog', 3))
    await open.roll()
    await log.append(open, records('seglog', 3))
    await open.close()
    expect([storedPoint(log), kafkaFiles(log)]).toEqual([log.end, []])
  }
  expect(fingerprint(other.directory)).toEqual(before)
  expect([storedPoint(other), existsSync(marker)]).toEqual([undefined, false])
})

it('the broker starts, builds what is missing, recovers what it has to, and has everything', async () => {
  await lives.start({ expected: [cutsTailOf('other')] })
  for (const log of all) await log.expectConsumed(lives.client)
  for (const log of all) await appendByBroker(log, 3)
  await lives.kill()
})

it('killed again, it is not believed either: seglog reads all that was not synced, and is killed itself', async () => {
  for (const log of all) expect(loseIndexes(log)).toBeGreaterThan(2)
  tear(rolled)
  const point = storedPoint(rolled)!
  expect(point).toBeLessThan(rolled.end)
  const child = new LogChild('serve', rolled.directory, { ...options, cleanup: false })
  expect(await child.next()).toMatchObject({
    opened: rolled.end,
    recovery: { clean: false, recoveryPoint: point, cut: { sizeBytes: 80 }, damage: [] },
  })
  expect(await child.tell('append', 20)).toBe(rolled.end + 20)
  expect(await child.tell('roll')).toBe(null)
  expect(await child.tell('append', 2)).toBe(rolled.end + 22)
  await child.kill()
  rolled.note(
    Array.from({ length: 22 }, (_, slot) => {
      const offset = rolled.end + slot
      return { value: `r${offset}`.padEnd(40, '.'), timestamp: 1000 + offset }
    }),
  )
  expect(existsSync(marker)).toBe(false)
})

it('the broker starts after that, and has everything', async () => {
  await lives.start()
  for (const log of all) await log.expectConsumed(lives.client)
  for (const log of all) await appendByBroker(log, 1)
  await lives.stop()
})

it('and seglog reads it all, and leaves a marker that Kafka may believe', async () => {
  for (const log of [rolled, torn]) {
    const open = await log.open(options)
    await log.expectRead(open)
    await log.append(open, records('seglog at last', 1))
    await open.close()
  }
  expect(existsSync(marker)).toBe(true)
  await lives.start()
  for (const log of all) await log.expectConsumed(lives.client)
})
