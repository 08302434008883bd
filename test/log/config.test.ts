import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { ConfigInput, Log, LogOptions } from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { openTempLog, readAll } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const NOW = Date.UTC(2026, 0, 1)
const DAY = 86_400_000
const stored = (log: Log) => readFileSync(join(log.directory, 'topic.properties'), 'utf8')

const values = ({ config }: Log) => [
  config['retention.ms'],
  config['cleanup.policy'],
  config['log.retention.check.interval.ms'],
]

function open(options: LogOptions = {}, directory = temporaryDirectory()): Promise<Log> {
  return openTempLog(
    { cleanup: false, durability: 'os', clock: new ManualClock({ wallMs: NOW }), ...options },
    directory,
  )
}

describe('the configuration at open', () => {
  it("is Kafka's defaults", async () => {
    const { config } = await open()
    expect([config['retention.ms'], config['retention.bytes'], config['segment.bytes']]).toEqual([
      7 * DAY,
      -1,
      1 << 30,
    ])
    expect([config['cleanup.policy'], config['log.retention.check.interval.ms']]).toEqual([
      ['delete'],
      300_000,
    ])
  })

  it('is used and not stored: the next opening does not know it', async () => {
    const directory = temporaryDirectory()
    const log = await open({ config: { 'retention.ms': '3d', 'segment.bytes': '2MiB' } }, directory)
    expect([log.config['retention.ms'], log.config['segment.bytes']]).toEqual([3 * DAY, 2 * 1024 * 1024])
    await log.close()
    expect((await open({}, directory)).config['retention.ms']).toBe(7 * DAY)
  })

  it('goes before what is stored', async () => {
    const directory = temporaryDirectory()
    const log = await open({}, directory)
    await log.updateConfig({ 'retention.ms': '2d', 'retention.bytes': 5000 })
    await log.close()
    const again = await open({ config: { 'retention.ms': '9d' } }, directory)
    expect([again.config['retention.ms'], again.config['retention.bytes']]).toEqual([9 * DAY, 5000])
  })

  it("takes a broker's names for it", async () => {
    const log = await open({ config: { 'log.retention.hours': 5, 'log.segment.bytes': 1 << 21 } })
    expect([log.config['retention.ms'], log.config['segment.bytes']]).toEqual([5 * 3_600_000, 1 << 21])
  })
})

describe('updateConfig', () => {
  it('holds at once and after reopening', async () => {
    const directory = temporaryDirectory()
    const log = await open({}, directory)
    await log.updateConfig({
      'retention.ms': '3d',
      'cleanup.policy': 'compact,delete',
      'log.retention.check.interval.ms': 60_000,
    })
    const expected = [3 * DAY, ['compact', 'delete'], 60_000]
    expect(values(log)).toEqual(expected)
    await log.close()
    expect(values(await open({}, directory))).toEqual(expected)
  })

  it('resets a key with null, and leaves the others', async () => {
    const directory = temporaryDirectory()
    const log = await open({}, directory)
    await log.updateConfig({ 'retention.ms': 5, 'retention.bytes': 6 })
    await log.updateConfig({ 'retention.ms': null })
    expect([log.config['retention.ms'], log.config['retention.bytes']]).toEqual([7 * DAY, 6])
    expect(stored(log)).not.toContain('retention.ms')
    await log.updateConfig({ 'retention.ms': null, 'segment.bytes': null }) // nothing to reset is fine
    await log.close()
    const again = await open({}, directory)
    expect([again.config['retention.ms'], again.config['retention.bytes']]).toEqual([7 * DAY, 6])
  })

  it('goes before what was given at open until the log is closed; null goes back to that', async () => {
    const directory = temporaryDirectory()
    const options = { config: { 'retention.ms': 1000 } }
    const log = await open(options, directory)
    await log.updateConfig({ 'retention.ms': 2000 })
    expect(log.config['retention.ms']).toBe(2000)
    await log.updateConfig({ 'retention.bytes': 1 })
    expect(log.config['retention.ms']).toBe(2000)
    await log.updateConfig({ 'log.retention.minutes': null })
    expect(log.config['retention.ms']).toBe(1000)
    await log.updateConfig({ 'retention.ms': 3000 })
    await log.close()
    const again = await open(options, directory)
    expect(again.config['retention.ms']).toBe(1000)
    await again.close()
    expect((await open({}, directory)).config['retention.ms']).toBe(3000)
  })

  it('changes nothing when any of it is wrong', async () => {
    const log = await open()
    await log.updateConfig({ 'retention.ms': 5 })
    const before = [stored(log), { ...log.config }]
    const wrong = log.updateConfig({
      'retention.ms': 6,
      'segment.bytes': 1,
      'retention.byte': 7,
    } as ConfigInput)
    await expect(wrong).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/segment\.bytes[^]*retention\.byte/),
    })
    expect([stored(log), { ...log.config }]).toEqual(before)
  })

  it('refuses what only a broker has a use for', async () => {
    const log = await open()
    await expect(log.updateConfig({ 'log.dirs': '/tmp' } as ConfigInput)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
  })

  it('called many times at once keeps every change, in order', async () => {
    const directory = temporaryDirectory()
    const log = await open({}, directory)
    await Promise.all([
      log.updateConfig({ 'retention.ms': 1 }),
      log.updateConfig({ 'retention.bytes': 2 }),
      log.updateConfig({ 'retention.ms': 3 }),
      log.updateConfig({ 'segment.ms': 4 }),
    ])
    await log.close()
    const { config } = await open({}, directory)
    expect([config['retention.ms'], config['retention.bytes'], config['segment.ms']]).toEqual([3, 2, 4])
  })

  it('is durable before it resolves, and in force no sooner', async () => {
    const fileSystem = new FaultFileSystem()
    const log = await open({ fileSystem, index: 'memory' })
    const hold = fileSystem.hold('rename', /topic\.properties/)
    const update = log.updateConfig({ 'retention.ms': 5 })
    await hold.reached
    expect(log.config['retention.ms']).toBe(7 * DAY)
    hold.release()
    await update
    const ended = fileSystem.calls.filter((call) => call.ended === true).map(({ kind }) => kind)
    expect(ended.slice(-3)).toEqual(['syncData', 'rename', 'syncDirectory'])
  })

  it('changes limits for the next append', async () => {
    const log = await open()
    await log.append('x'.repeat(5000))
    await log.updateConfig({ 'max.message.bytes': 1000 })
    await expect(log.append('x'.repeat(5000))).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
      expected: 1000,
    })
    await log.updateConfig({ 'message.timestamp.before.max.ms': 10 })
    await expect(log.append({ timestamp: NOW - 11 })).rejects.toMatchObject({ code: 'TIMESTAMP_INVALID' })
    await log.updateConfig({ 'cleanup.policy': 'compact' })
    await expect(log.append('no key')).rejects.toMatchObject({ code: 'RECORD_INVALID' })
    await log.updateConfig({
      'cleanup.policy': null,
      'max.message.bytes': null,
      'message.timestamp.before.max.ms': null,
    })
    expect(await log.append({ value: 'x'.repeat(5000), timestamp: 5 })).toMatchObject({ baseOffset: 1 })
  })

  it('changes the timestamp type between two appends, whichever batches they share', async () => {
    const log = await open()
    await Promise.all([
      log.append({ timestamp: 1 }),
      log.updateConfig({ 'message.timestamp.type': 'LogAppendTime' }),
      log.append({ timestamp: 2 }),
    ])
    await log.append({ timestamp: 3 })
    await log.updateConfig({ 'message.timestamp.type': null })
    await log.append({ timestamp: 4 })
    expect((await readAll(log)).map(({ timestamp }) => timestamp)).toEqual([1, 2, NOW, 4])
  })

  it('moves the next retention check, on an open log and after reopening', async () => {
    const directory = temporaryDirectory()
    const clock = new ManualClock({ wallMs: NOW })
    const config = { 'retention.ms': 10_000, 'log.initial.task.delay.ms': 1_000 }
    const log = await open({ clock, config, cleanup: true }, directory)
    await log.append('x')
    await clock.advance(1_000) // the first check: nothing to do, and 5 minutes to the next
    await log.updateConfig({ 'log.retention.check.interval.ms': 15_000 })
    await clock.advance(14_999)
    expect(log.startOffset).toBe(0)
    await clock.advance(1)
    await vi.waitFor(() => expect(log.startOffset).toBe(1))
    await log.close()
    const again = await open({ clock, config, cleanup: true }, directory)
    await again.append('y')
    await clock.advance(1_000)
    await clock.advance(14_999)
    expect(again.startOffset).toBe(1)
    await clock.advance(1)
    await vi.waitFor(() => expect(again.startOffset).toBe(2))
  })

  it('survives a crash right behind it', async () => {
    const fileSystem = new FaultFileSystem()
    const directory = temporaryDirectory()
    const log = await open({ fileSystem, index: 'memory' }, directory)
    await log.updateConfig({ 'retention.ms': 5 })
    fileSystem.fail('open', { code: 'EIO', times: 99 }) // nothing else gets to the disk
    await log.close().catch(() => {})
    expect((await open({}, directory)).config['retention.ms']).toBe(5)
  })
})
