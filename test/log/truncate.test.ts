import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type ConfigInput, encodeBatch, type Log, type LogOptions } from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { copyOf } from '../helpers/log-files.ts'
import { readLogDirectory } from '../helpers/independent-reader.ts'
import {
  expectIndependentReaderAgrees,
  namesOf,
  openTempLog,
  readAll,
  readValues,
} from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { compressed } from '../unit/record/batches.ts'

const NOW = Date.UTC(2026, 0, 1)
const bases = (log: Log) => log.segments().map(({ baseOffset }) => baseOffset)
const upTo = (end: number) => Array.from({ length: end }, (_, offset) => String(offset))

async function open(options: LogOptions & { config?: ConfigInput } = {}, directory = temporaryDirectory()) {
  const clock = new ManualClock({ wallMs: NOW })
  const log = await openTempLog({ cleanup: false, durability: 'os', clock, ...options }, directory)
  return { log, clock, directory }
}

/** Batches of three records, four a segment: offsets 0-11, 12-23, 24-35. */
async function filled(options: LogOptions = {}) {
  const opened = await open(options)
  await fill(opened.log)
  return opened
}

async function fill(log: Log): Promise<void> {
  for (let segment = 0; segment < 3; segment++) {
    if (segment > 0) await log.roll()
    for (let batch = 0; batch < 4; batch++) {
      const next = log.endOffset
      await log.append(
        [0, 1, 2].map((slot) => ({ value: String(next + slot), timestamp: 1000 + next + slot })),
      )
    }
  }
}

describe('truncateTo', () => {
  it.each([
    [36, [0, 12, 24], 'the end'],
    [35, [0, 12, 24], 'the middle of the last batch'],
    [33, [0, 12, 24], 'the start of the last batch'],
    [25, [0, 12, 24], 'the middle of the first batch of the last segment'],
    [24, [0, 12, 24], 'the start of the last segment'],
    [23, [0, 12], 'the middle of a batch in the segment before'],
    [21, [0, 12], 'between two batches in the segment before'],
    [13, [0, 12], 'the middle of the first batch of a segment'],
    [12, [0, 12], 'the end of the first segment'],
    [2, [0], 'the middle of the first batch'],
    [1, [0], 'the second record'],
    [0, [0], 'the start'],
  ])('%d leaves segments %j: %s', async (offset, left) => {
    const { log, directory } = await filled()
    await log.truncateTo(offset)
    expect([log.endOffset, log.readableEndOffset]).toEqual([offset, offset])
    if (offset < 36) expect(log.durableOffset).toBe(offset)
    expect([bases(log), await readValues(log)]).toEqual([left, upTo(offset)])
    expect(log.segments().at(-1)).toMatchObject({
      nextOffset: offset,
      maxTimestamp: bases(log).at(-1) === offset ? -1 : 999 + offset,
    })
    expect(await log.get(offset)).toBeUndefined()
    if (offset > 0) expect((await log.get(offset - 1))?.value?.toString()).toBe(String(offset - 1))
    expect(await log.offsetForTimestamp(1000 + offset)).toBeUndefined()
    await expectIndependentReaderAgrees(log)

    expect(await log.append('next', { expectedOffset: offset })).toMatchObject({ baseOffset: offset })
    await log.append(['a', 'b'])
    expect((await readValues(log)).slice(offset)).toEqual(['next', 'a', 'b'])
    await log.close()
    const { log: again } = await open({}, directory)
    expect([again.recovery.clean, again.endOffset, again.startOffset]).toEqual([true, offset + 3, 0])
    expect(await readValues(again)).toEqual([...upTo(offset), 'next', 'a', 'b'])
    await expectIndependentReaderAgrees(again)
  })

  it('and nothing else before closing closes cleanly', async () => {
    for (const offset of [0, 7, 9, 24]) {
      const { log, directory } = await filled()
      await log.truncateTo(offset)
      await log.close()
      const { log: again } = await open({}, directory)
      expect([again.recovery.clean, await readValues(again)]).toEqual([true, upTo(offset)])
      expect(namesOf(directory, '.deleted')).toEqual([])
    }
  })

  it('keeps what a batch says of itself when it cuts it in two', async () => {
    const { log } = await open({ config: { 'message.timestamp.type': 'CreateTime' } })
    const records = ['a', 'b', 'c', 'd'].map((value, slot) => ({
      value,
      key: `k${slot}`,
      headers: [['h', value]] as const,
      timestamp: 50 - slot,
    }))
    const batch = encodeBatch(records, { producerId: 9, producerEpoch: 2, baseSequence: 7 })
    await log.appendBatch(batch)
    await log.truncateTo(2)
    expect(readLogDirectory(log.directory)[0]?.batches).toMatchObject([
      {
        baseOffset: 0n,
        lastOffset: 1n,
        producerId: 9n,
        producerEpoch: 2,
        baseSequence: 7,
        maxTimestamp: 50n,
        recordCount: 2,
      },
    ])
    expect(
      (await readAll(log)).map(({ key, timestamp, headers }) => [key?.toString(), timestamp, headers.length]),
    ).toEqual([
      ['k0', 50, 1],
      ['k1', 49, 1],
    ])
    await expectIndependentReaderAgrees(log)
  })

  it('cuts a compressed batch in two as well', async () => {
    const { log } = await open()
    await log.appendBatch(compressed(encodeBatch([{ value: 'a' }, { value: 'b' }, { value: 'c' }], {}), 1))
    await log.truncateTo(2)
    expect(await readValues(log)).toEqual(['a', 'b'])
    await expectIndependentReaderAgrees(log)
  })

  it('keeps the time of the append under LogAppendTime', async () => {
    const { log, clock } = await open({ config: { 'message.timestamp.type': 'LogAppendTime' } })
    await log.append(['a', 'b', 'c'])
    await clock.advance(5000)
    await log.truncateTo(1)
    expect((await readAll(log)).map(({ timestamp }) => timestamp)).toEqual([NOW])
    await expectIndependentReaderAgrees(log)
  })

  it('cannot go below the start, which stays where it is', async () => {
    const { log, directory } = await filled()
    await log.deleteRecordsBefore(14)
    await expect(log.truncateTo(13)).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      expected: [14, 36],
    })
    await log.truncateTo(14)
    expect([log.startOffset, log.endOffset, await readValues(log)]).toEqual([14, 14, []])
    expect(await log.append('x')).toMatchObject({ baseOffset: 14 })
    await log.close()
    const { log: again } = await open({}, directory)
    expect([again.startOffset, await readValues(again)]).toEqual([14, ['x']])
  })

  it('many times over leaves what the last one left', async () => {
    const { log } = await filled()
    for (const offset of [30, 23, 12, 5]) {
      await log.truncateTo(offset)
      for (let count = 0; count < 3; count++) await log.append(`after ${offset}`)
      await log.roll()
    }
    expect((await readValues(log)).slice(5)).toEqual(['after 5', 'after 5', 'after 5'])
    await expectIndependentReaderAgrees(log)
  })
})

describe('truncateTo and appends', () => {
  it('drops what was accepted before it and refuses what comes until it is done', async () => {
    const { log } = await filled()
    const before = log.append('before', { durability: 'disk' })
    const truncating = log.truncateTo(20)
    const during = log.append('during')
    const batch = log.appendBatch(encodeBatch([{ value: 'during' }], {}))
    await expect(during).rejects.toMatchObject({ code: 'LOG_TRUNCATED', outcome: 'not-written' })
    await expect(batch).rejects.toMatchObject({ code: 'LOG_TRUNCATED', outcome: 'not-written' })
    expect(await before).toMatchObject({ baseOffset: 36 })
    await truncating
    expect(await log.append('behind')).toMatchObject({ baseOffset: 20 })
    expect((await readValues(log)).slice(20)).toEqual(['behind'])
  })

  it('refuses until the last of several is done, and leaves no gap', async () => {
    const { log } = await filled()
    const both = [log.truncateTo(30), log.truncateTo(10)]
    await both[0]
    await expect(log.append('between')).rejects.toMatchObject({ code: 'LOG_TRUNCATED' })
    await Promise.all(both)
    expect(await log.append('behind')).toMatchObject({ baseOffset: 10 })
    await expectIndependentReaderAgrees(log)
    expect(await readValues(log)).toEqual([...upTo(10), 'behind'])
  })

  it('lets appends go on when it was refused itself', async () => {
    const { log } = await filled()
    const refused = log.truncateTo(99)
    await expect(refused).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    expect(await log.append('x')).toMatchObject({ baseOffset: 36 })
  })
})

describe('truncateTo and readers', () => {
  it('above the offset fail with LOG_TRUNCATED, below it go on', async () => {
    const { log } = await filled()
    const above = log.read({ from: 30 })
    const below = log.read({ from: 3 })
    expect((await above.next()).value).toMatchObject({ offset: 30 })
    expect((await below.next()).value).toMatchObject({ offset: 3 })
    await log.truncateTo(8)
    await expect(above.next()).rejects.toMatchObject({ code: 'LOG_TRUNCATED' })
    const rest: number[] = []
    for await (const { offset } of below) rest.push(offset)
    expect(rest).toEqual([4, 5, 6, 7])
  })

  it('in the middle of a batch that was cut are given nothing that is gone', async () => {
    const { log } = await open()
    await log.append(upTo(10))
    const reader = log.read()
    for (let offset = 0; offset < 3; offset++) await reader.next()
    await log.truncateTo(5)
    await log.append(['new 5', 'new 6'])
    const seen: (string | undefined)[] = []
    const readOn = async () => {
      for await (const { value } of reader) seen.push(value?.toString())
    }
    await expect(readOn()).rejects.toMatchObject({ code: 'LOG_TRUNCATED' })
    expect(seen).toEqual(['3', '4'])
  })

  it('that wait at the end fail, and those that wait at the offset go on from there', async () => {
    const { log } = await filled()
    const atEnd = log.read({ from: 'latest', follow: true })
    const waiting = expect(atEnd.next()).rejects.toMatchObject({ code: 'LOG_TRUNCATED' })
    const atOffset = log.read({ from: 20, follow: true })
    await atOffset.next()
    await log.truncateTo(21)
    await waiting
    const next = atOffset.next()
    await log.append('new')
    expect((await next).value).toMatchObject({ offset: 21, value: Buffer.from('new') })
    await atOffset.return?.()
  })

  it('that run while it cuts a batch in two see old or new, never both', async () => {
    const fileSystem = new FaultFileSystem()
    const { log } = await filled({ fileSystem, index: 'memory' })
    const hold = fileSystem.hold('rename', /00000\.log$/)
    const truncating = log.truncateTo(7)
    await hold.reached // the new file is complete, and not yet in place
    const reader = log.read({ maxBytes: 4096 })
    const seen = [(await reader.next()).value?.offset]
    const ahead = log.read({ from: 6 })
    expect((await ahead.next()).value).toMatchObject({ offset: 6 }) // it has read the batch as it was
    expect((await log.get(6))?.value?.toString()).toBe('6')
    expect(await log.get(7)).toBeUndefined()
    hold.release()
    await truncating
    await log.append('new')
    for await (const { offset, value } of reader) {
      seen.push(offset)
      if (offset === 7) expect(value?.toString()).toBe('new')
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect((await log.get(7))?.value?.toString()).toBe('new')
    expect(log.getSync(7)?.value?.toString()).toBe('new')
    await expect(ahead.next()).rejects.toMatchObject({ code: 'LOG_TRUNCATED' })
  })

  it('have no answer from memory for what is gone', async () => {
    const { log } = await filled()
    for (let offset = 0; offset < 36; offset++) log.getSync(offset) // all batches are known by now
    await log.truncateTo(20)
    await log.append(Array.from({ length: 16 }, (_, slot) => `new ${20 + slot}`))
    for (let offset = 20; offset < 36; offset++)
      expect(log.getSync(offset)?.value?.toString()).toBe(`new ${offset}`)
    expect(log.getSync(19)?.value?.toString()).toBe('19')
  })
})

describe('a crash during truncateTo', () => {
  const steps: readonly (readonly [string, Parameters<FaultFileSystem['hold']>])[] = [
    ['before the recovery point is lowered', ['rename', /^recovery-point/]],
    ['before the generation is raised', ['rename', /topic\.properties$/]],
    ['before a later segment is renamed', ['rename', /\.deleted$/]],
    ['before the cut batch is in place', ['rename', /\.log$/]],
  ]
  it.each(steps)('%s loses nothing below the offset, and opens', async (_, [kind, name]) => {
    const fileSystem = new FaultFileSystem()
    const { log, directory } = await filled({ fileSystem, index: 'memory' })
    const hold = fileSystem.hold(kind, name)
    const truncating = log.truncateTo(19)
    await hold.reached
    const copy = copyOf(directory)
    hold.release()
    await truncating
    const { log: crashed } = await open({}, copy)
    const values = await readValues(crashed)
    expect(values.slice(0, 19)).toEqual(upTo(19))
    expect(values).toEqual(upTo(values.length)) // and whatever is above it is whole
    expect(readdirSync(copy).filter((file) => file.endsWith('.tmp'))).toEqual([])
    await crashed.append('x')
    await crashed.flush()
    await expectIndependentReaderAgrees(crashed)
  })

  it('that fails half-way poisons; opening again loses nothing below the offset', async () => {
    const fileSystem = new FaultFileSystem()
    const { log, directory } = await filled({ fileSystem, index: 'memory' })
    fileSystem.fail('rename', { name: /\.log$/, code: 'EIO' })
    await expect(log.truncateTo(19)).rejects.toMatchObject({ code: 'LOG_POISONED', cause: { code: 'EIO' } })
    expect(log.state).toBe('poisoned')
    await expect(log.append('x')).rejects.toMatchObject({ code: 'LOG_POISONED' })
    await log.close()
    expect(existsSync(join(directory, 'FAILED'))).toBe(true)
    const { log: again } = await open({}, directory)
    expect((await readValues(again)).slice(0, 19)).toEqual(upTo(19))
    expect(await again.append('works')).toMatchObject({ baseOffset: again.endOffset - 1 })
  })
})

describe('what truncateTo leaves on disk', () => {
  it('has the leader epochs below the offset, and batches behind it carry the last of them', async () => {
    const { log, directory } = await filled()
    await log.close()
    const path = join(directory, 'leader-epoch-checkpoint')
    writeFileSync(path, '0\n3\n3 0\n4 15\n7 20\n')
    const { log: again } = await open({}, directory)
    await again.append('x')
    await again.truncateTo(20)
    await again.append('y')
    expect(readFileSync(path, 'utf8')).toBe('0\n2\n3 0\n4 15\n')
    const epochs = readLogDirectory(directory).flatMap(({ batches }) =>
      batches.map(({ leaderEpoch }) => leaderEpoch),
    )
    expect(epochs).toEqual([0, 0, 0, 0, 0, 0, 0, 4])
  })

  it("has no index of Kafka's beside a segment that changed, and those of the others", async () => {
    const { log, directory } = await filled()
    await log.close()
    const sidecars = [0, 12, 24].flatMap((base) =>
      ['index', 'timeindex', 'snapshot'].map((kind) => `${String(base).padStart(20, '0')}.${kind}`),
    )
    for (const name of sidecars) writeFileSync(join(directory, name), 'what Kafka found')
    const { log: again } = await open({}, directory)
    await again.truncateTo(16)
    expect(
      readdirSync(directory)
        .filter((name) => sidecars.includes(name))
        .sort(),
    ).toEqual(sidecars.slice(0, 3).toSorted())
  })

  it('is a lowered recovery point, a higher generation, and no segment above', async () => {
    const { log, clock, directory } = await filled()
    const generation = () =>
      Number(/seglog\.generation=(\d+)/.exec(readFileSync(join(directory, 'topic.properties'), 'utf8'))?.[1])
    const before = generation()
    await log.truncateTo(13)
    expect(generation()).toBeGreaterThan(before)
    expect(readFileSync(join(directory, 'recovery-point-offset-checkpoint'), 'utf8')).toMatch(/^log 0 13$/m)
    expect(namesOf(directory, '.log')).toHaveLength(2)
    expect(namesOf(directory, '.deleted')).toHaveLength(1)
    await clock.advance(60_000)
    await vi.waitFor(() => expect(namesOf(directory, '.deleted')).toEqual([]))
  })
})
