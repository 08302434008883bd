import { FaultFileSystem } from '../../src/testing/index.ts'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Damage, Log, ReadOptions } from '../../src/index.ts'
import {
  damageFile,
  dataBatch,
  flipped,
  handMadeLog,
  segmentName,
  sparseBatch,
} from '../helpers/hand-made.ts'
import { crc32c, readSegment } from '../helpers/independent-reader.ts'
import { logReferences, partsOf } from '../helpers/log-parts.ts'
import { seed } from '../helpers/seed.ts'
import { openTempLog, readAll } from '../helpers/temp-log.ts'

const config = { 'internal.segment.bytes': 2048, 'index.interval.bytes': 200 }
const valueOf = (offset: number): string => `value ${offset}`.padEnd(30)

/** A log of 120 records in batches of 4, over some sealed segments; open, so that no opening looks at the damage. */
async function filled(): Promise<Log> {
  const log = await openTempLog({ durability: 'os', config, cleanup: false })
  for (let offset = 0; offset < 120; offset += 4)
    await log.append(
      Array.from({ length: 4 }, (_, slot) => ({ value: valueOf(offset + slot), timestamp: offset + slot })),
    )
  return log
}

/** Where the batch that begins at `offset` lies, by a reader of its own. */
function placeOf(log: Log, offset: number): { path: string; position: number; sizeBytes: number } {
  const { path } = log.segments().findLast(({ baseOffset }) => baseOffset <= offset)!
  let position = 0
  for (const { baseOffset, sizeBytes } of readSegment(readFileSync(path)).batches) {
    if (Number(baseOffset) === offset) return { path, position, sizeBytes }
    position += sizeBytes
  }
  throw new RangeError(`no batch at ${offset}`)
}

async function readAround(
  log: Log,
  options: ReadOptions = {},
): Promise<{ offsets: number[]; damages: Damage[] }> {
  const damages: Damage[] = []
  const offsets: number[] = []
  for await (const { offset, value } of log.read({
    ...options,
    onDamage: (damage) => damages.push(damage),
  })) {
    expect(String(value)).toBe(valueOf(offset))
    offsets.push(offset)
  }
  return { offsets, damages }
}

const range = (from: number, end: number): number[] =>
  Array.from({ length: end - from }, (_, at) => from + at)

describe('a bit flipped in the middle of a sealed segment', () => {
  it('is BATCH_CORRUPT with the place for every way to read, and only there', async () => {
    const log = await filled()
    const { path, position, sizeBytes } = placeOf(log, 40)
    damageFile(path, (bytes) => flipped(bytes, position + sizeBytes - 10))
    const error = { code: 'BATCH_CORRUPT', path, position, offset: 40 }
    for (const from of [0, 40, 43]) {
      await expect(readAll(log, { from })).rejects.toMatchObject(error)
      expect(logReferences(log)).toBe(0)
    }
    for (const offset of range(40, 44)) {
      expect(() => log.getSync(offset)).toThrow(expect.objectContaining(error))
      await expect(log.get(offset)).rejects.toMatchObject(error)
    }
    await expect(log.offsetForTimestamp(41)).rejects.toMatchObject(error)
    expect((await readAll(log, { until: 40 })).length).toBe(40)
    expect((await readAll(log, { from: 44 })).length).toBe(76)
    for (const offset of [39, 44, 119]) expect(log.getSync(offset)).toMatchObject({ offset })
    expect(await log.offsetForTimestamp(44)).toEqual({ offset: 44, timestamp: 44 })
  })

  it('is told as exactly the batch it lies in, whatever the reading begins with', async () => {
    const log = await filled()
    const { path, position, sizeBytes } = placeOf(log, 40)
    damageFile(path, (bytes) => flipped(bytes, position + 80))
    const damage = {
      path,
      position,
      offset: 40,
      nextOffset: 44,
      sizeBytes,
      reason: expect.stringMatching(/checksum/),
    }
    for (const from of [0, 38, 40, 42]) {
      const { offsets, damages } = await readAround(log, { from })
      expect(offsets).toEqual(range(from, 120).filter((offset) => offset < 40 || offset >= 44))
      expect(damages).toEqual([damage])
    }
    expect(await readAround(log, { from: 44 })).toEqual({ offsets: range(44, 120), damages: [] })
    expect((await readAround(log, { from: { timestamp: 40 } })).offsets).toEqual(range(44, 120))
    expect((await readAround(log, { until: 42 })).offsets).toEqual(range(0, 40))
  })

  it('in any bit of a batch gives all else, and never a wrong record (property)', async () => {
    const log = await filled()
    const { path, position, sizeBytes } = placeOf(log, 40)
    const sound = readFileSync(path)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(sizeBytes - 1),
        fc.nat(7),
        fc.constantFrom(0, 39, 42),
        async (at, bit, from) => {
          damageFile(path, () => flipped(sound, position + at, bit))
          const { offsets, damages } = await readAround(log, { from })
          const isOutside = at >= 12 && at < 16 // the leader epoch, which is outside the checksum
          const lost = isOutside ? [] : range(40, 44)
          expect(offsets).toEqual(range(from, 120).filter((offset) => !lost.includes(offset)))
          expect(damages.map(({ offset, nextOffset }) => [offset, nextOffset])).toEqual(
            isOutside ? [] : [[40, 44]],
          )
          for (const offset of [39, 44, 60, 119])
            expect(await log.get(offset).catch(() => ({ offset }))).toMatchObject({ offset })
        },
      ),
      { seed, numRuns: 120 },
    )
    damageFile(path, () => sound)
  })
})

describe('more than a bit', () => {
  it('any stretch of bytes overwritten is told in ranges that leave out nothing (property)', async () => {
    const log = await filled()
    const { path, baseOffset, nextOffset } = log.segments()[1]!
    const sound = readFileSync(path)
    const stretch = fc.record({
      at: fc.nat(sound.length - 1),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(stretch, { minLength: 1, maxLength: 3 }), async (stretches) => {
        const bytes = Buffer.from(sound)
        for (const { at, bytes: over } of stretches) bytes.set(over.subarray(0, bytes.length - at), at)
        damageFile(path, () => bytes)
        const { offsets, damages } = await readAround(log)
        const lost = damages.flatMap(({ offset, nextOffset: next }) => range(offset, next))
        expect([...offsets, ...lost].toSorted((a, b) => a - b)).toEqual(range(0, 120))
        expect(lost.every((offset) => offset >= baseOffset && offset < nextOffset)).toBe(true)
        for (const damage of damages) expect(damage).toMatchObject({ path, sizeBytes: expect.any(Number) })
      }),
      { seed, numRuns: 120 },
    )
    damageFile(path, () => sound)
  })

  it('a page of zeros costs the batches it touches', async () => {
    const log = await filled()
    const { path, position } = placeOf(log, 40)
    damageFile(path, (bytes) => bytes.fill(0, position + 30, position + 400))
    const { offsets, damages } = await readAround(log)
    expect(damages).toHaveLength(1)
    expect(offsets).toEqual([...range(0, 40), ...range(damages[0]!.nextOffset, 120)])
    expect(damages[0]!.nextOffset).toBeLessThanOrEqual(52)
  })

  it('a sealed segment cut short is told up to where the next begins', async () => {
    const log = await filled()
    const { path, position } = placeOf(log, 40)
    const { nextOffset } = log.segments().find((segment) => segment.path === path)!
    damageFile(path, (bytes) => bytes.subarray(0, position + 20))
    const { offsets, damages } = await readAround(log)
    expect(offsets).toEqual([...range(0, 40), ...range(nextOffset, 120)])
    expect(damages).toMatchObject([{ path, position, offset: 40, nextOffset }])
  })
})

describe('a record that holds the bytes of a batch', () => {
  it('is never served as that batch, though all around it is damaged', async () => {
    const log = await openTempLog({
      durability: 'os',
      config: { 'internal.segment.bytes': 1 << 16 },
      cleanup: false,
    })
    await log.append([valueOf(0), valueOf(1)])
    // Offsets that the damage will have made due, one batch and a chain of them, and the right number in the end.
    const fakes = Buffer.concat([dataBatch(2, 2), dataBatch(4, 1), dataBatch(5, 5)])
    const poisoned = await log.append(Array.from({ length: 8 }, () => fakes))
    expect(poisoned).toMatchObject({ baseOffset: 2, lastOffset: 9 })
    await log.append(range(10, 14).map(valueOf))
    await log.roll()
    await log.append(range(14, 16).map(valueOf))
    const { path, position } = placeOf(log, 2)
    const sound = readFileSync(path)
    for (const at of [...range(0, 12), ...range(16, 61)]) {
      damageFile(path, () => flipped(sound, position + at, at % 8))
      const { offsets, damages } = await readAround(log)
      expect([at, offsets]).toEqual([at, [0, 1, ...range(10, 16)]])
      expect(damages).toMatchObject([{ offset: 2, nextOffset: 10 }])
    }
  })
})

describe('a hole', () => {
  const segments = [[dataBatch(0, 3), dataBatch(8, 2)], [dataBatch(10, 2)], [dataBatch(20, 2)]]

  it('is damage in a log without holes, inside a segment and between two', async () => {
    const directory = await handMadeLog(segments, { dense: true })
    const log = await openTempLog({}, directory) // opening does not look into what no index knows
    await expect(readAll(log)).rejects.toMatchObject({ code: 'BATCH_CORRUPT', offset: 3 })
    const damages: Damage[] = []
    const records = await readAll(log, { onDamage: (damage) => damages.push(damage) })
    expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2, 8, 9, 10, 11, 20, 21])
    expect(
      damages.map(({ path, offset, nextOffset, sizeBytes }) => [
        basename(path),
        offset,
        nextOffset,
        sizeBytes,
      ]),
    ).toEqual([
      [segmentName(0), 3, 8, 0],
      [segmentName(10), 12, 20, 0],
    ])
    expect(() => log.getSync(5)).toThrow(expect.objectContaining({ code: 'BATCH_CORRUPT' }))
    expect(() => log.getSync(15)).toThrow(expect.objectContaining({ code: 'BATCH_CORRUPT' }))
  })

  it('is nothing to speak of where compaction or Kafka may have left it', async () => {
    const log = await openTempLog({}, await handMadeLog(segments))
    const records = await readAll(log, { onDamage: () => expect.unreachable() })
    expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2, 8, 9, 10, 11, 20, 21])
    expect([log.getSync(5), await log.get(15)]).toEqual([undefined, undefined])
    const fives = await readAll(log, { from: 5, until: 20 })
    expect(fives.map(({ offset }) => offset)).toEqual([8, 9, 10, 11])
    const wide = await openTempLog({}, await handMadeLog([[sparseBatch([4, 1000])], [sparseBatch([5000])]]))
    expect((await readAll(wide, { from: 5 })).map(({ offset }) => offset)).toEqual([1000, 5000])
  })
})

describe('a read error of the disk', () => {
  it('rejects with its cause, is not taken for the end, and the log stays up', async () => {
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ durability: 'os', config, fileSystem, cleanup: false })
    for (let offset = 0; offset < 120; offset++) await log.append(valueOf(offset))
    const { length } = log.segments()
    for (let skip = 0; skip < length; skip++) {
      const damages: Damage[] = []
      fileSystem.fail('read', { name: /\.log$/, code: 'EIO', skip })
      const error = { code: 'IO_FAILED', cause: { code: 'EIO' }, path: expect.stringMatching(/\.log$/) }
      await expect(readAll(log, { onDamage: (damage) => damages.push(damage) })).rejects.toMatchObject(error)
      expect([damages, logReferences(log)]).toEqual([[], 0])
    }
    fileSystem.fail('read', { name: /\.log$/, code: 'EIO', times: 3 })
    expect(() => log.getSync(60)).toThrow(expect.objectContaining({ code: 'IO_FAILED' }))
    await expect(log.get(60)).rejects.toMatchObject({ code: 'IO_FAILED' })
    await expect(log.offsetForTimestamp(0)).rejects.toMatchObject({ code: 'IO_FAILED' })
    fileSystem.heal()
    await log.append(valueOf(120))
    expect((await readAll(log)).length).toBe(121)
  })

  it('ends a follower as well', async () => {
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ durability: 'os', fileSystem, cleanup: false })
    const next = log.read({ follow: true }).next()
    fileSystem.fail('read', { name: /\.log$/, code: 'EIO' })
    await log.append('a')
    await expect(next).rejects.toMatchObject({ code: 'IO_FAILED' })
    expect(logReferences(log)).toBe(0)
  })
})

describe('an index that lies', () => {
  it('never changes an answer, and is built anew for the segment', async () => {
    const log = await filled()
    await partsOf(log).state.index.settle()
    const lies = [
      (offset: number) => ({ offset, position: 0, timestamp: -1 }),
      (offset: number) => ({ offset, position: 7, timestamp: -1 }),
      (offset: number) => ({ offset, position: 1e9, timestamp: -1 }),
      (offset: number) => ({ offset: offset + 1, position: placeOf(log, offset).position, timestamp: -1 }),
      (offset: number) => ({ offset, position: placeOf(log, offset + 4).position, timestamp: -1 }),
    ]
    const ways = [
      (offset: number) => log.offsetForTimestamp(offset), // goes by the entry's time, and may not notice
      (offset: number) => log.getSync(offset),
      (offset: number) => log.get(offset),
      async (offset: number) => (await readAll(log, { from: offset, until: offset + 1 }))[0],
    ]
    const { index } = partsOf(log).state
    const segment = log.segments()[2]!
    const inside = Math.ceil((segment.baseOffset + 8) / 4) * 4
    for (const lie of lies) {
      for (const way of ways) {
        partsOf(log).state.onCut() // point reads remember batches: they forget them
        index.truncate(segment.baseOffset, 0)
        index.addEntry(segment.baseOffset, lie(inside))
        for (const offset of range(segment.baseOffset, segment.nextOffset))
          expect(await way(offset)).toMatchObject({ offset })
        await partsOf(log).state.idle()
      }
      const entry = index.floorByOffset(segment.baseOffset, segment.nextOffset - 1)
      expect(entry).toMatchObject({ position: placeOf(log, entry!.offset).position })
    }
  })
})

it('a batch whose records are not what its checksum covers is told of, and reading goes on', async () => {
  const broken = dataBatch(3, 4)
  broken.writeInt32BE(3, 57) // one record fewer than there are
  broken.writeUInt32BE(crc32c(broken.subarray(21)), 17)
  const directory = await handMadeLog([[dataBatch(0, 3), broken, dataBatch(7, 2)]])
  const log = await openTempLog({}, directory)
  const error = { code: 'BATCH_CORRUPT', path: log.segments()[0]!.path, position: dataBatch(0, 3).length }
  await expect(readAll(log)).rejects.toMatchObject(error)
  await expect(log.get(4)).rejects.toMatchObject(error)
  const damages: Damage[] = []
  const records = await readAll(log, { onDamage: (damage) => damages.push(damage) })
  expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 7, 8])
  expect(damages).toMatchObject([
    { position: dataBatch(0, 3).length, offset: 6, nextOffset: 7, sizeBytes: broken.length },
  ])
})
