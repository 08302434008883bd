/*
 * Messages of Kafka's formats before version 2, which are not read here, in logs that Kafka wrote: wherever they are, they
 * are named with their version and their place, what lies around them is read, and nothing is ever cut or removed.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Damage, type Log, openLog } from '../../src/index.ts'
import { dataBatch, handMadeLog, type HandMadeSegment, segmentName } from '../helpers/hand-made.ts'
import { legacyMessage, legacyWrapper, withWrongChecksum } from '../helpers/legacy-messages.ts'
import { fingerprint, quick } from '../helpers/log-files.ts'
import { openTempLog, readAll, readValues } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const adopting = { ...quick, adopt: true }

const plain = (magic: 0 | 1, offset: number, value = `old${offset}`) =>
  legacyMessage({ magic, offset, timestamp: 1000 + offset, key: 'k', value })
const wrapper = (magic: 0 | 1, from: number, count: number) =>
  legacyWrapper(
    magic,
    Array.from({ length: count }, (_, slot) => ({
      offset: from + slot,
      timestamp: 1000 + from + slot,
      value: 'v',
    })),
  )
const sizeOf = (...pieces: Buffer[]) => Buffer.concat(pieces).length

/** What is in a segment, and where the first old message in it lies. */
interface Case {
  readonly batches: readonly Buffer[]
  readonly magic: 0 | 1
  readonly position: number
  /** Offsets that are in batches of version 2. */
  readonly readable: readonly number[]
  /** Of the old messages: the first offset, and the first behind them. */
  readonly old: readonly [number, number]
  readonly end: number
}

const head = dataBatch(0, 2)
const cases: Record<string, Case> = {
  'alone, version 0': {
    batches: [plain(0, 0), plain(0, 1)],
    magic: 0,
    position: 0,
    readable: [],
    old: [0, 2],
    end: 2,
  },
  'alone, version 1': { batches: [plain(1, 0)], magic: 1, position: 0, readable: [], old: [0, 1], end: 1 },
  'compressed, version 0': {
    batches: [wrapper(0, 0, 3)],
    magic: 0,
    position: 0,
    readable: [],
    old: [0, 3],
    end: 3,
  },
  'at the start': {
    batches: [plain(1, 0), wrapper(1, 1, 2), dataBatch(3, 2)],
    magic: 1,
    position: 0,
    readable: [3, 4],
    old: [0, 3],
    end: 5,
  },
  'in the middle': {
    batches: [head, plain(0, 2), plain(1, 3), wrapper(1, 4, 2), dataBatch(6, 1), dataBatch(7, 2)],
    magic: 0,
    position: head.length,
    readable: [0, 1, 6, 7, 8],
    old: [2, 6],
    end: 9,
  },
  'at the end, larger than the head of a batch': {
    batches: [head, plain(1, 2, 'x'.repeat(100))],
    magic: 1,
    position: head.length,
    readable: [0, 1],
    old: [2, 3],
    end: 3,
  },
  'at the end, smaller than the head of a batch': {
    batches: [head, plain(0, 2, '')],
    magic: 0,
    position: head.length,
    readable: [0, 1],
    old: [2, 3],
    end: 3,
  },
  'with a wrong checksum': {
    batches: [head, withWrongChecksum(plain(1, 2)), dataBatch(3, 2)],
    magic: 1,
    position: head.length,
    readable: [0, 1, 3, 4],
    old: [2, 3],
    end: 5,
  },
}
const all = Object.entries(cases)

const unsupported = ({ magic, position }: Case, path: string) => ({
  code: 'FORMAT_UNSUPPORTED',
  path,
  position,
  message: expect.stringContaining(`a message of the old format, version ${magic}`) as string,
})

/** Shows what each way to read says of old messages in a log that is open. */
async function expectReadAround(log: Log, oldMessages: Case, path: string): Promise<void> {
  const { readable, old, end } = oldMessages
  const refusal = unsupported(oldMessages, path)
  expect(log).toMatchObject({ startOffset: 0, readableEndOffset: end })
  await expect(readAll(log)).rejects.toMatchObject(refusal)
  const seen: number[] = []
  for await (const { offset } of log.read({ onDamage: () => {} })) seen.push(offset)
  expect(seen).toEqual(readable)
  const told: Damage[] = []
  await readAll(log, { onDamage: (damage) => told.push(damage) })
  expect(told).toEqual([
    expect.objectContaining({
      path,
      position: refusal.position,
      offset: old[0],
      nextOffset: old[1],
      isUnsupported: true,
    }),
  ])
  for (let offset = 0; offset < end; offset++) {
    const isReadable = readable.includes(offset)
    for (const get of [() => log.get(offset), async () => log.getSync(offset)]) {
      if (isReadable) expect((await get())?.value?.toString()).toBe(`r${offset}`)
      else await expect(get()).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED', path })
    }
    const first = log.read({ from: offset }).next()
    if (isReadable) expect((await first).value).toMatchObject({ offset })
    else await expect(first).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED', path })
    const found: unknown = await log.offsetForTimestamp(1000 + offset).catch((error: unknown) => error)
    const isRight = expect.objectContaining({ offset, timestamp: 1000 + offset }) as unknown
    const isRefused = expect.objectContaining({ code: 'FORMAT_UNSUPPORTED', path }) as unknown
    // Behind them the index may know that nothing before is of that time; it is never passed over what may be.
    if (offset < old[0]) expect(found).toEqual(isRight)
    else if (offset < old[1]) expect(found).toEqual(isRefused)
    else expect([isRight, isRefused]).toContainEqual(found)
  }
}

describe('old messages in the last segment', () => {
  it.each(all)(
    '%s: reading only goes around them, and each way to read says what they are',
    async (_, oldMessages) => {
      const directory = await handMadeLog([{ baseOffset: 0, batches: oldMessages.batches }])
      const before = fingerprint(directory)
      const log = await openTempLog({ ...quick, readOnly: true }, directory)
      expect(log.recovery.damage).toEqual([])
      await expectReadAround(log, oldMessages, join(directory, segmentName(0)))
      expect(fingerprint(directory)).toEqual(before)
    },
  )

  it.each(all)('%s: the log is not opened for writing, and nothing is changed', async (_, oldMessages) => {
    const directory = await handMadeLog([{ baseOffset: 0, batches: oldMessages.batches }])
    const before = fingerprint(directory)
    const refusal = {
      ...unsupported(oldMessages, join(directory, segmentName(0))),
      offset: oldMessages.old[0],
    }
    for (const options of [adopting, quick]) {
      await expect(openLog(directory, options)).rejects.toMatchObject(refusal)
      await expect(openLog(directory, options)).rejects.toThrow(/Nothing was changed/)
    }
    expect(fingerprint(directory)).toEqual(before)
  })

  it.each(all)("%s: 'readonly' opens what is around them, and changes nothing", async (_, oldMessages) => {
    const directory = await handMadeLog([{ baseOffset: 0, batches: oldMessages.batches }])
    const before = fingerprint(directory)
    const log = await openTempLog({ ...adopting, onCorruption: 'readonly' }, directory)
    expect(log).toMatchObject({
      state: 'readonly',
      recovery: {
        cut: undefined,
        droppedFiles: [],
        damage: [{ isUnsupported: true, position: oldMessages.position }],
      },
    })
    const seen: number[] = []
    for await (const { offset } of log.read({ onDamage: () => {} })) seen.push(offset)
    expect(seen).toEqual(oldMessages.readable)
    await expect(log.append('x')).rejects.toMatchObject({ code: 'LOG_READONLY' })
    await log.close()
    expect(fingerprint(directory)).toEqual(before)
  })

  it('are named below a recovery point, too, and after Kafka closed the log in order', async () => {
    for (const [, oldMessages] of all) {
      const directory = await handMadeLog([{ baseOffset: 0, batches: oldMessages.batches }])
      writeFileSync(join(directory, 'recovery-point-offset-checkpoint'), `0\n1\nlog 0 ${oldMessages.end}\n`)
      writeFileSync(join(directory, '.kafka_cleanshutdown'), '{"version":0,"brokerEpoch":5}')
      const before = fingerprint(directory)
      const path = join(directory, segmentName(0))
      await expect(openLog(directory, adopting)).rejects.toMatchObject(unsupported(oldMessages, path))
      const log = await openTempLog({ ...quick, readOnly: true }, directory)
      await expectReadAround(log, oldMessages, path)
      expect(fingerprint(directory)).toEqual(before)
    }
  })

  it('that are not all there are where the log ends, as of a batch', async () => {
    const message = plain(1, 2)
    for (const cut of [1, message.length - 20]) {
      const torn = message.subarray(0, message.length - cut)
      const directory = await handMadeLog([{ baseOffset: 0, batches: [head, torn] }])
      expect(await readValues(await openTempLog({ ...quick, readOnly: true }, directory))).toEqual([
        'r0',
        'r1',
      ])
      const log = await openTempLog(adopting, directory)
      expect(log.recovery.cut).toMatchObject({
        position: head.length,
        sizeBytes: torn.length,
        suspect: false,
      })
      expect(await readValues(log)).toEqual(['r0', 'r1'])
    }
  })

  it('are damage in a log of ours, which has none', async () => {
    const directory = await handMadeLog([{ baseOffset: 0, batches: [head, plain(1, 2), dataBatch(3, 1)] }], {
      dense: true,
    })
    const log = await openTempLog(quick, directory)
    expect(log.recovery.cut).toMatchObject({ position: head.length, suspect: true })
    expect(log.endOffset).toBe(2)
  })
})

describe('old messages in a segment before the last', () => {
  const last = dataBatch(20, 2)
  const withLast = ({ batches }: Case): HandMadeSegment[] => [{ baseOffset: 0, batches }, [last]]

  it.each(all)('%s: are told by each way to read that comes upon them', async (_, oldMessages) => {
    const directory = await handMadeLog(withLast(oldMessages))
    const path = join(directory, segmentName(0))
    const before = fingerprint(directory)
    const log = await openTempLog({ ...quick, readOnly: true }, directory)
    await expect(readAll(log)).rejects.toMatchObject(unsupported(oldMessages, path))
    expect((await readAll(log, { from: 20 })).map(({ offset }) => offset)).toEqual([20, 21])
    expect((await readAll(log, { onDamage: () => {} })).map(({ offset }) => offset)).toEqual([
      ...oldMessages.readable,
      20,
      21,
    ])
    await expect(log.get(oldMessages.old[0])).rejects.toMatchObject(unsupported(oldMessages, path))
    await expect(log.offsetForTimestamp(1019)).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED', path })
    expect(await log.get(21)).toMatchObject({ offset: 21 })
    expect(fingerprint(directory)).toEqual(before)
  })

  it('do not stand in the way of a log that is adopted: it is written behind them, and they stay', async () => {
    const directory = await handMadeLog(withLast(cases['in the middle']!))
    const path = join(directory, segmentName(0))
    const segment = fingerprint(directory)[segmentName(0)]
    const { config: _, ...unconfigured } = adopting
    const log = await openTempLog(unconfigured, directory)
    expect((await log.append('ours')).baseOffset).toBe(22)
    await log.roll()
    await expect(log.truncateTo(3)).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED' })
    expect(log.endOffset).toBe(23)
    expect((await log.clean({ now: 1e15, force: true })).deleted).toEqual([]) // it has no configuration of ours
    await log.close()
    const again = await openTempLog(adopting, directory)
    await expect(readAll(again)).rejects.toMatchObject(unsupported(cases['in the middle']!, path))
    expect((await readAll(again, { from: 20 })).map(({ offset }) => offset)).toEqual([20, 21, 22])
    expect(fingerprint(directory)[segmentName(0)]).toEqual(segment)
  })

  it('hide no damage behind them, where Kafka had not synced the segment yet', async () => {
    const batches = cases['in the middle']!.batches
    const torn = Buffer.from(batches.at(-1)!)
    torn[torn.length - 1]! ^= 1
    const directory = await handMadeLog(
      withLast({ ...cases['in the middle']!, batches: [...batches.slice(0, -1), torn] }),
    )
    const before = fingerprint(directory)
    await expect(openTempLog(adopting, directory)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      position: sizeOf(...batches.slice(0, -1)),
      offset: 7,
    })
    expect(fingerprint(directory)).toEqual(before)
  })
})

describe('a follower of a log that Kafka is writing', () => {
  it('goes on past old messages as they come, and behind them', async () => {
    const directory = join(temporaryDirectory(), 'orders-0')
    mkdirSync(directory)
    const path = join(directory, segmentName(0))
    const grow = (...batches: Buffer[]) => writeFileSync(path, Buffer.concat(batches), { flag: 'a' })
    grow(head)
    const log = await openTempLog({ ...quick, readOnly: true }, directory)
    const told: Damage[] = []
    const reading = log.read({ follow: true, onDamage: (damage) => told.push(damage) })
    const offsets = [(await reading.next()).value?.offset, (await reading.next()).value?.offset]
    grow(plain(1, 2), dataBatch(3, 1))
    offsets.push((await reading.next()).value?.offset)
    grow(wrapper(1, 4, 3), dataBatch(7, 1))
    offsets.push((await reading.next()).value?.offset)
    expect(offsets).toEqual([0, 1, 3, 7])
    expect(told.map(({ offset, nextOffset }) => [offset, nextOffset])).toEqual([
      [2, 3],
      [4, 7],
    ])
    expect(sizeOf(head)).toBe(told[0]?.position)
    await reading.return?.()
  })
})
