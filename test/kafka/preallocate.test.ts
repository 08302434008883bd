/*
 * Segments that are longer than what is in them: of a broker with `log.preallocate`, which gives each its whole size at
 * once, and of a log of ours that writes zeros ahead; and what the other side makes of them, after a kill and while they
 * are written. Each test begins where the one before it ended.
 */
import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type LogOptions, openLog } from '../../src/index.ts'
import { LogChild } from '../helpers/child-process.ts'
import { readSegment } from '../helpers/independent-reader.ts'
import { segmentPaths } from '../helpers/log-files.ts'
import { BrokerLives } from './broker-lives.ts'
import { runProcess } from '../cli/command-line.ts'
import { batchLines, expectSameBytes } from './compare-dumps.ts'
import { dumpLogSegments } from './kafka-dump.ts'
import { SharedLog } from './shared-log.ts'
import { until } from './until.ts'

const SEGMENT_BYTES = 1024 * 1024

const root = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-'))
const lives = new BrokerLives(root, {
  'log.preallocate': 'true',
  'log.segment.bytes': SEGMENT_BYTES,
  'broker.session.timeout.ms': 1500,
  'broker.heartbeat.interval.ms': 500,
})
const log = new SharedLog(lives.dataDirectory, 'longer')
const anyTime = { 'message.timestamp.after.max.ms': '9223372036854775807' }
const options: LogOptions = { config: { ...anyTime, preallocate: true }, adopt: true, cleanup: false }
let timestamp = Date.UTC(2100, 0, 1)

async function produce(batches: number): Promise<void> {
  for (let batch = 0; batch < batches; batch++)
    await log.produce(lives.client, [{ key: 'k', value: `broker ${batch}`, timestamp: (timestamp += 1000) }])
}

/** What Kafka says of a segment whose end it cuts. */
const cutsTail = new RegExp(`partition=${log.topic}-0, .*(?:[Cc]orrupt|invalid|Discarding|truncat)`)

/** The last segment: its path, how long it is, and how much of that is records. */
function active(): { path: string; sizeBytes: number; recordBytes: number } {
  const path = segmentPaths(log.directory).at(-1)!
  const bytes = readFileSync(path)
  const { validBytes: recordBytes } = readSegment(bytes)
  expect(bytes.subarray(recordBytes).every((byte) => byte === 0)).toBe(true)
  return { path, sizeBytes: bytes.length, recordBytes }
}

/** What both tools print is the same; Kafka's ends at the zeros with an exception, ours says what they are. */
async function dumpBoth(path: string): Promise<{ errors: string; batchCount: number }> {
  const [kafka, ours] = await Promise.all([dumpLogSegments([path]), runProcess(['dump', '--files', path])])
  expectSameBytes(ours.output, kafka.outputBytes)
  expect([kafka.exitCode, ours.exitCode]).toEqual([1, 0])
  expect(kafka.errors).toContain('record size 0 smaller than minimum record overhead')
  return { errors: ours.errors, batchCount: batchLines(kafka.output.split('\n')).length }
}

beforeAll(async () => {
  await lives.start()
  await lives.client.createTopic(log.topic, { config: { ...anyTime, 'retention.ms': -1 } })
})

afterAll(async () => {
  await lives.kill()
  rmSync(root, { recursive: true, force: true })
})

it('of a broker that runs is followed, although it never grows', async () => {
  await produce(3)
  const follower = await openLog(log.directory, { readOnly: true })
  try {
    expect(active()).toMatchObject({ sizeBytes: SEGMENT_BYTES })
    await log.expectRead(follower)
    for (let round = 0; round < 5; round++) {
      await produce(2)
      expect(active()).toMatchObject({ sizeBytes: SEGMENT_BYTES })
      await until('the follower to have it', () => follower.endOffset === log.end)
      await log.expectRead(follower)
    }
  } finally {
    await follower.close()
  }
})

it('of a broker that was killed is dumped as by its own tool, up to the zeros', async () => {
  await lives.kill()
  const { path, sizeBytes, recordBytes } = active()
  expect(sizeBytes).toBe(SEGMENT_BYTES)
  const { errors, batchCount } = await dumpBoth(path)
  expect(batchCount).toBe(log.end)
  expect(errors).toContain(
    `${sizeBytes - recordBytes} bytes from position ${recordBytes} on: zeros up to the end`,
  )
})

it('of a broker that was killed is cut to its records, which are all there, and goes on', async () => {
  const { path, sizeBytes, recordBytes } = active()
  const open = await openLog(log.directory, options)
  expect(open.recovery.cut).toMatchObject({
    kind: 'zeros',
    position: recordBytes,
    sizeBytes: sizeBytes - recordBytes,
    quarantinedTo: undefined,
  })
  expect(statSync(path).size).toBe(recordBytes)
  await log.expectRead(open)
  await log.append(open, [{ value: 'ours', timestamp: (timestamp += 1000) }])
  await open.close()
  expect(active()).toMatchObject({ sizeBytes: statSync(path).size, recordBytes: statSync(path).size })
})

it('of ours, killed with zeros ahead, is dumped as by the tool of Kafka, and recovered by a broker', async () => {
  const child = new LogChild('serve', log.directory, options)
  expect(await child.next()).toMatchObject({ opened: log.end, recovery: { damage: [] } })
  expect(await child.tell('append', 20)).toBe(log.end + 20)
  await until('zeros ahead', () => active().sizeBytes > active().recordBytes)
  await child.kill()
  log.note(
    Array.from({ length: 20 }, (_, slot) => {
      const offset = log.end + slot
      return { value: `r${offset}`.padEnd(40, '.'), timestamp: 1000 + offset }
    }),
  )
  const { path, recordBytes } = active()
  expect((await dumpBoth(path)).batchCount).toBe(readSegment(readFileSync(path)).batches.length)
  await lives.start({
    expected: [new RegExp(`Found invalid messages in log segment \\S+/${log.topic}-0/`), cutsTail],
  })
  await log.expectConsumed(lives.client)
  expect(active().recordBytes).toBeGreaterThanOrEqual(recordBytes)
  await produce(2)
  await lives.stop()
})

it('of a broker that ended in order is as long as its records, and is read as it lies', async () => {
  const { path, sizeBytes, recordBytes } = active()
  expect(sizeBytes).toBe(recordBytes)
  expect((await dumpLogSegments([path])).errors).not.toContain('invalid')
  const open = await openLog(log.directory, options)
  expect(open.recovery.cut).toBeUndefined()
  await log.expectRead(open)
  await open.close()
})
