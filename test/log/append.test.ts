import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type AppendResult,
  type Durability,
  encodeBatch,
  type Log,
  type RecordLike,
} from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { readLogDirectory } from '../helpers/independent-reader.ts'
import { expectIndependentReaderAgrees, namesOf, openTempLog, readValues } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const KIB = 1024
const LEVELS: readonly Durability[] = ['memory', 'os', 'disk']

/** Everything in the segments, so that a test can show that nothing changed. */
const bytesOf = (log: Log) =>
  namesOf(log.directory, '.log').map((name) => readFileSync(join(log.directory, name)))
const batchesOf = (log: Log) => readLogDirectory(log.directory).flatMap(({ batches }) => batches)
const codeOf = (error: unknown) => (error as { code?: string }).code

/** Shows that a call is refused and that the log is then as it was before. */
async function expectNothingChanged(log: Log, call: () => Promise<unknown>): Promise<unknown> {
  await log.flush()
  const before = { ends: [log.endOffset, log.readableEndOffset, log.durableOffset], bytes: bytesOf(log) }
  const error = await call().then(
    () => 'it was not refused',
    (reason: unknown) => reason,
  )
  await log.flush()
  expect({ ends: [log.endOffset, log.readableEndOffset, log.durableOffset], bytes: bytesOf(log) }).toEqual(
    before,
  )
  return error
}

describe('append', () => {
  it('gives offsets in call order, whatever levels are asked for, and acknowledges them in that order', async () => {
    const log = await openTempLog({ cleanup: false })
    const acknowledged: number[] = []
    const calls = Array.from({ length: 60 }, (_, call) => {
      const records = Array.from({ length: 1 + (call % 4) }, (__, record) => `${call}.${record}`)
      const durability = LEVELS[(call * 7) % 3]!
      return log.append(records, { durability }).then((result) => {
        acknowledged.push(result.baseOffset)
        return { ...result, asked: durability }
      })
    })
    const ends = log.endOffset
    const results = await Promise.all(calls)
    expect(acknowledged).toEqual(acknowledged.toSorted((a, b) => a - b))
    let next = 0
    for (const [call, { baseOffset, lastOffset, durability, asked }] of results.entries()) {
      expect([baseOffset, lastOffset]).toEqual([next, next + (call % 4)])
      expect(LEVELS.indexOf(durability)).toBeGreaterThanOrEqual(LEVELS.indexOf(asked))
      next = lastOffset + 1
    }
    expect([ends, log.endOffset, log.readableEndOffset]).toEqual([next, next, next])
    await log.flush()
    await expectIndependentReaderAgrees(log)
  })

  it('takes a value, a record, or a list of either', async () => {
    const log = await openTempLog({ cleanup: false, clock: new ManualClock({ wallMs: 1000 }) })
    await log.append('text')
    await log.append(Buffer.from([0, 255]))
    await log.append({ key: 'k', value: null, headers: { h: 'v' }, timestamp: 5 })
    expect(await log.append(['a', { value: 'b', timestamp: 7 }, new Uint8Array([1])])).toEqual({
      baseOffset: 3,
      lastOffset: 5,
      timestamp: 1000,
      durability: 'disk',
    })
    expect((await log.get(2))?.headers).toEqual([['h', Buffer.from('v')]])
    await expectIndependentReaderAgrees(log)
  })

  it('tells endOffset at once and readableEndOffset when it is written', async () => {
    const log = await openTempLog({ cleanup: false })
    const call = log.append('x')
    expect([log.endOffset, log.readableEndOffset, log.durableOffset]).toEqual([1, 0, 0])
    await call
    expect([log.endOffset, log.readableEndOffset, log.durableOffset]).toEqual([1, 1, 1])
  })

  it('stores bytes as they were when it returned', async () => {
    const log = await openTempLog({ cleanup: false })
    const bytes = Buffer.from('before')
    const shared = new Uint8Array(new SharedArrayBuffer(6))
    shared.set(bytes)
    const call = log.append([bytes, shared, { key: bytes, value: bytes, headers: [['h', bytes]] }])
    bytes.fill('x')
    shared.fill(120)
    await call
    expect(await readValues(log)).toEqual(['before', 'before', 'before'])
    expect((await log.get(2))?.headers[0]?.[1]?.toString()).toBe('before')
  })

  it('rejects a call without records', async () => {
    const log = await openTempLog({ cleanup: false })
    const error = await expectNothingChanged(log, () => log.append([]))
    expect(error).toMatchObject({ name: 'RangeError', code: 'ARGUMENT_INVALID' })
  })

  it('survives a hundred thousand calls that nobody waits for', async () => {
    const log = await openTempLog({ cleanup: false, durability: 'os', index: 'memory' })
    const count = 100_000
    const last = { offset: -1, isInOrder: true }
    const calls: Promise<void>[] = []
    for (let call = 0; call < count; call++) {
      const note = ({ baseOffset }: AppendResult): void => {
        last.isInOrder &&= baseOffset === last.offset + 1
        last.offset = baseOffset
      }
      calls.push(log.append(`record ${call}`).then(note))
    }
    await Promise.all(calls)
    expect([last, log.readableEndOffset]).toEqual([{ offset: count - 1, isInOrder: true }, count])
    expect((await log.get(77_777))?.value?.toString()).toBe('record 77777')
    expect(log.stats()).toMatchObject({ appends: count, bufferedBytes: 0 })
  })
})

describe('batches in the file', () => {
  it('are shared by calls that wait together, up to 64 KiB', async () => {
    const log = await openTempLog({ cleanup: false, durability: 'os' })
    await Promise.all(Array.from({ length: 200 }, () => log.append('x'.repeat(KIB))))
    const batches = batchesOf(log)
    expect(batches.length).toBeLessThan(6)
    for (const { sizeBytes } of batches) expect(sizeBytes).toBeLessThanOrEqual(64 * KIB)
    await expectIndependentReaderAgrees(log)
  })

  it('are one a call where each call is awaited', async () => {
    const log = await openTempLog({ cleanup: false, durability: 'os' })
    for (let call = 0; call < 5; call++) await log.append(['a', 'b'])
    expect(batchesOf(log).map(({ recordCount }) => recordCount)).toEqual([2, 2, 2, 2, 2])
  })

  it('hold a call of any size whole', async () => {
    const log = await openTempLog({ cleanup: false, durability: 'os' })
    const big = Array.from({ length: 9 }, () => 'x'.repeat(100 * KIB))
    await Promise.all([log.append('before'), log.append(big), log.append('behind')])
    expect(batchesOf(log).map(({ recordCount }) => recordCount)).toEqual([1, 9, 1])
  })

  it('end where a flush was asked for', async () => {
    const log = await openTempLog({ cleanup: false, durability: 'os' })
    const calls = [log.append('a'), log.flush(), log.append('b'), log.append('c')]
    await Promise.all(calls)
    expect(batchesOf(log).map(({ recordCount }) => recordCount)).toEqual([1, 2])
  })
})

describe('expectedOffset', () => {
  it('lets a call through that gets the offset it expects', async () => {
    const log = await openTempLog({ cleanup: false })
    await log.append('a', { expectedOffset: 0 })
    const both = [log.append(['b', 'c'], { expectedOffset: 1 }), log.append('d', { expectedOffset: 3 })]
    expect((await Promise.all(both)).map(({ baseOffset }) => baseOffset)).toEqual([1, 3])
  })

  it('is compared inside the call, so that of two who expect the same one wins', async () => {
    const log = await openTempLog({ cleanup: false })
    const both = await Promise.allSettled([
      log.append('first', { expectedOffset: 0 }),
      log.append('second', { expectedOffset: 0 }),
    ])
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(both[1]).toMatchObject({ reason: { code: 'EXPECTED_OFFSET_MISMATCH', found: 1, expected: 0 } })
    expect(await readValues(log)).toEqual(['first'])
  })

  it('changes nothing when it is wrong, in either direction', async () => {
    const log = await openTempLog({ cleanup: false })
    await log.append(['a', 'b'])
    for (const expectedOffset of [0, 1, 3, Number.MAX_SAFE_INTEGER]) {
      const error = await expectNothingChanged(log, () => log.append('x', { expectedOffset }))
      expect(error).toMatchObject({
        code: 'EXPECTED_OFFSET_MISMATCH',
        found: 2,
        offset: 2,
        expected: expectedOffset,
        outcome: 'not-written',
      })
    }
  })
})

describe('limits', () => {
  it('refuse a call over max.message.bytes whole, and take the next one', async () => {
    const log = await openTempLog({ cleanup: false, config: { 'max.message.bytes': 2000 } })
    await log.append('x'.repeat(1900))
    const error = await expectNothingChanged(log, () => log.append(['a', 'x'.repeat(1990)]))
    expect(error).toMatchObject({ code: 'RECORD_TOO_LARGE', expected: 2000, outcome: 'not-written' })
    expect((await log.append('after')).baseOffset).toBe(1)
  })

  it('count the batch in the file, to the byte', async () => {
    const log = await openTempLog({ cleanup: false, config: { 'max.message.bytes': 1000 } })
    let size = 999 // of the value; far too much with its header
    while (codeOf(await log.append('x'.repeat(size)).catch((error: unknown) => error)) === 'RECORD_TOO_LARGE')
      size--
    expect(batchesOf(log).map(({ sizeBytes }) => sizeBytes)).toEqual([1000])
  })

  it('refuse a call that no segment could hold', async () => {
    const log = await openTempLog({ cleanup: false, config: { 'internal.segment.bytes': 4096 } })
    const error = await expectNothingChanged(log, () => log.append('x'.repeat(4096)))
    expect(error).toMatchObject({
      code: 'RECORD_TOO_LARGE',
      message: expect.stringMatching(/segment\.bytes/),
    })
  })

  it('refuse with BUFFER_FULL what would wait beyond maxBufferedBytes, and take it when there is room', async () => {
    const log = await openTempLog({ cleanup: false, durability: 'os', maxBufferedBytes: 100 * KIB })
    const calls = Array.from({ length: 20 }, (_, call) => log.append(`${call}`.padEnd(10 * KIB)))
    const ends = log.endOffset
    const results = await Promise.allSettled(calls)
    const accepted = results.filter(({ status }) => status === 'fulfilled')
    expect([accepted.length, ends]).toEqual([9, 9])
    for (const result of results.slice(9))
      expect(result).toMatchObject({
        reason: { code: 'BUFFER_FULL', retriable: true, outcome: 'not-written' },
      })
    expect((await log.append('again')).baseOffset).toBe(9)
    expect((await readValues(log)).map((value) => value?.trim())).toEqual([...'012345678', 'again'])
  })

  it('count towards maxBufferedBytes what is being synced', async () => {
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ cleanup: false, fileSystem, index: 'memory', maxBufferedBytes: 10 * KIB })
    const hold = fileSystem.hold('syncData', /\.log$/)
    const calls = [log.append('x'.repeat(4 * KIB))]
    await hold.reached
    const results: string[] = []
    for (let call = 0; call < 4; call++) calls.push(log.append('x'.repeat(4 * KIB)))
    for (const call of calls)
      void call.then(
        () => results.push('ok'),
        (error: unknown) => results.push(codeOf(error)!),
      )
    hold.release()
    await Promise.allSettled(calls)
    expect(results.filter((result) => result === 'BUFFER_FULL').length).toBeGreaterThan(0)
    expect(results.filter((result) => result === 'ok')).toHaveLength(log.endOffset)
  })
})

describe('a signal', () => {
  it('that is aborted already keeps a call from being accepted', async () => {
    const log = await openTempLog({ cleanup: false })
    const reason = new Error('changed my mind')
    const error = await expectNothingChanged(log, () =>
      log.append('x', { signal: AbortSignal.abort(reason) }),
    )
    expect(error).toBe(reason)
    expect(
      await expectNothingChanged(log, () => log.append('x', { signal: AbortSignal.abort() })),
    ).toMatchObject({
      name: 'AbortError',
    })
  })

  it('that is aborted after acceptance changes nothing', async () => {
    const log = await openTempLog({ cleanup: false })
    const controller = new AbortController()
    const call = log.append('x', { signal: controller.signal })
    controller.abort()
    expect(await call).toMatchObject({ baseOffset: 0, durability: 'disk' })
  })
})

describe('timestamps', () => {
  const NOW = Date.UTC(2026, 0, 1)

  it("are the clock's where a record has none, and the answer is the largest of the call", async () => {
    const log = await openTempLog({ cleanup: false, clock: new ManualClock({ wallMs: NOW }) })
    expect((await log.append([{ timestamp: 5 }, 'x', { timestamp: NOW + 9 }])).timestamp).toBe(NOW + 9)
    expect((await log.append({ value: 'x', timestamp: -1 })).timestamp).toBe(-1)
    await expectIndependentReaderAgrees(log)
  })

  it('are held to message.timestamp.before.max.ms and after.max.ms', async () => {
    const log = await openTempLog({
      cleanup: false,
      clock: new ManualClock({ wallMs: NOW }),
      config: { 'message.timestamp.before.max.ms': 1000, 'message.timestamp.after.max.ms': 500 },
    })
    await log.append([{ timestamp: NOW - 1000 }, { timestamp: NOW + 500 }, { timestamp: -1 }])
    for (const timestamp of [NOW - 1001, NOW + 501, 0]) {
      const error = await expectNothingChanged(log, () => log.append(['fine', { timestamp }]))
      expect(error).toMatchObject({ code: 'TIMESTAMP_INVALID', found: timestamp, outcome: 'not-written' })
    }
  })

  it('are the time of the append under LogAppendTime, and the limits rest', async () => {
    const log = await openTempLog({
      cleanup: false,
      clock: new ManualClock({ wallMs: NOW }),
      config: {
        'message.timestamp.type': 'LogAppendTime',
        'message.timestamp.before.max.ms': 0,
        'message.timestamp.after.max.ms': 0,
      },
    })
    const both = [log.append({ value: 'a', timestamp: 5 }), log.append('b')]
    expect((await Promise.all(both)).map(({ timestamp }) => timestamp)).toEqual([NOW, NOW])
    expect((await log.get(0))?.timestamp).toBe(NOW)
    expect(batchesOf(log).map(({ attributes, maxTimestamp }) => [attributes & 8, maxTimestamp])).toEqual([
      [8, BigInt(NOW)],
    ])
    await expectIndependentReaderAgrees(log)
  })
})

describe('a record whose properties are code', () => {
  it('may call the log only to be refused, and is stored itself', async () => {
    const log = await openTempLog({ cleanup: false })
    const inner: Promise<unknown>[] = []
    const call = log.append([
      'a',
      {
        get value() {
          const calls = [
            log.append('nested'),
            log.appendBatch(encodeBatch([{ value: 'x' }], {})),
            log.flush(),
            log.roll(),
          ]
          inner.push(Promise.allSettled(calls))
          return 'b'
        },
      },
      'c',
    ])
    expect(await call).toMatchObject({ baseOffset: 0, lastOffset: 2 })
    const refused = { status: 'rejected', reason: expect.objectContaining({ code: 'ARGUMENT_INVALID' }) }
    expect(await Promise.all(inner)).toEqual([[refused, refused, refused, refused]])
    await log.append('d')
    expect(await readValues(log)).toEqual(['a', 'b', 'c', 'd'])
    await expectIndependentReaderAgrees(log)
  })

  it('may close the log: the call was accepted before, and is written', async () => {
    const directory = temporaryDirectory()
    const log = await openTempLog({ cleanup: false }, directory)
    const closing: Promise<void>[] = []
    const value = {
      get value() {
        closing.push(log.close())
        return 'b'
      },
    }
    await log.append(['a', value])
    await Promise.all(closing)
    expect(await readValues(await openTempLog({ cleanup: false }, directory))).toEqual(['a', 'b'])
  })

  it('may change the list it is in, or throw, and offsets stay whole', async () => {
    const log = await openTempLog({ cleanup: false })
    const list: RecordLike[] = ['a']
    list.push({
      get value() {
        list.length = 1
        return 'b'
      },
    })
    list.push('c')
    const error = new Error('no')
    expect(await expectNothingChanged(log, () => log.append(list))).toMatchObject({
      code: 'ARGUMENT_INVALID',
    })
    const failing = {
      get value(): string {
        throw error
      },
    }
    expect(await expectNothingChanged(log, () => log.append(['x', failing]))).toBe(error)
    await log.append('first')
    await expectIndependentReaderAgrees(log)
    expect(log.endOffset).toBe(1)
  })
})
