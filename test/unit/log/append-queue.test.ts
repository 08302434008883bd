import { describe, expect, it } from 'vitest'
import {
  type AppendLimits,
  AppendQueue,
  type PendingAppend,
  type TakenBatches,
} from '../../../src/log/append-queue.ts'
import type { Durability } from '../../../src/log/durability.ts'
import type { RecordLike } from '../../../src/log/record-input.ts'
import { readSegment } from '../../helpers/independent-reader.ts'

const NOW = 1_700_000_000_000
const KIB = 1024
const limits: AppendLimits = {
  batchBytesMax: 1 << 20,
  segmentBytes: 1 << 30,
  bufferedBytesMax: 1 << 26,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: 3_600_000,
  keyRequired: false,
  partitionLeaderEpoch: 3,
}

const unused = (): void => {}
const settle = (durability: Durability = 'os') => ({ resolve: unused, reject: unused, durability })

function append(
  queue: AppendQueue,
  records: readonly unknown[],
  changed: Partial<AppendLimits> & { durability?: Durability; nowMs?: number } = {},
): PendingAppend {
  const { durability, nowMs = NOW, ...limit } = changed
  return queue.append(records as RecordLike[], {
    limits: { ...limits, ...limit },
    nowMs,
    ...settle(durability),
  })
}

/** What the writer would write, as an independent reader sees it; every byte is accounted for. */
function written(taken: TakenBatches | undefined): { offsets: number[]; values: string[]; batches: number } {
  const bytes = taken === undefined ? Buffer.alloc(0) : taken.buffer.filled()
  const { batches, records, validBytes } = readSegment(Buffer.from(bytes))
  expect(validBytes).toBe(bytes.length)
  expect(batches.map(({ sizeBytes }) => sizeBytes)).toEqual(
    taken?.batches.map(({ sizeBytes }) => sizeBytes) ?? [],
  )
  return {
    offsets: records.map(({ offset }) => Number(offset)),
    values: records.map(({ value }) => value?.toString() ?? 'null'),
    batches: batches.length,
  }
}

const at = (timestamp: number) => ({ value: 'x', timestamp })
const tooLarge = (limit: RegExp) =>
  expect.objectContaining({
    code: 'RECORD_TOO_LARGE',
    outcome: 'not-written',
    message: expect.stringMatching(limit),
  })

describe('AppendQueue', () => {
  it('gives offsets in call order and lets small calls share a batch', () => {
    const queue = new AppendQueue(10)
    expect(append(queue, ['a'])).toMatchObject({ baseOffset: 10, lastOffset: 10, timestamp: NOW })
    expect(append(queue, ['b', 'c'])).toMatchObject({ baseOffset: 11, lastOffset: 12 })
    expect(queue.endOffset).toBe(13)
    const taken = queue.take()
    expect(written(taken)).toEqual({ offsets: [10, 11, 12], values: ['a', 'b', 'c'], batches: 1 })
    expect(taken?.batches[0]?.appends).toHaveLength(2)
  })

  it('has nothing to give when nothing was appended', () => {
    const queue = new AppendQueue(0)
    expect([queue.isEmpty, queue.take(), queue.bufferedBytes]).toEqual([true, undefined, 0])
  })

  it('ends a shared batch before it passes 64 KiB, and never splits a call', () => {
    const queue = new AppendQueue(0)
    for (let count = 0; count < 5; count++) append(queue, ['x'.repeat(20 * KIB), 'y'.repeat(10 * KIB)])
    const taken = queue.take()
    expect(taken?.batches.map(({ recordCount }) => recordCount)).toEqual([4, 4, 2])
    for (const { sizeBytes } of taken?.batches ?? []) expect(sizeBytes).toBeLessThanOrEqual(64 * KIB)
    expect(written(taken).offsets).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('does not begin to share with a call of many records that clearly finds no room', () => {
    const queue = new AppendQueue(0)
    append(queue, ['x'.repeat(40 * KIB)])
    append(
      queue,
      Array.from({ length: 100 }, () => 'y'.repeat(400)),
    )
    append(
      queue,
      Array.from({ length: 8 }, () => 'z'.repeat(400)),
    )
    const taken = queue.take()
    expect(taken?.batches.map(({ recordCount }) => recordCount)).toEqual([1, 108])
    expect(
      written(taken)
        .values.map((value) => value[0])
        .join(''),
    ).toBe(`x${'y'.repeat(100)}${'z'.repeat(8)}`)
  })

  it('gives a call over 64 KiB a batch of its own, which no later call joins', () => {
    const queue = new AppendQueue(0)
    append(queue, ['small'])
    append(queue, ['x'.repeat(100 * KIB)])
    append(queue, ['small'])
    expect(queue.take()?.batches.map(({ recordCount }) => recordCount)).toEqual([1, 1, 1])
  })

  it('remembers which batches somebody wants on disk', () => {
    const queue = new AppendQueue(0)
    append(queue, ['a'], { durability: 'memory' })
    append(queue, ['b'], { durability: 'disk' })
    queue.sealOpenBatch()
    append(queue, ['c'])
    expect(queue.take()?.batches.map(({ wantsDisk }) => wantsDisk)).toEqual([true, false])
  })

  it('refuses a call over a limit, names the limit, and has then changed nothing', () => {
    const queue = new AppendQueue(0)
    append(queue, ['kept'])
    const before = queue.bufferedBytes
    const big = ['a', 'x'.repeat(5000)]
    expect(() => append(queue, big, { batchBytesMax: 4096 })).toThrow(tooLarge(/max\.message\.bytes/))
    expect(() => append(queue, big, { segmentBytes: 4096 })).toThrow(tooLarge(/segment\.bytes/))
    expect(() => append(queue, big, { bufferedBytesMax: 4096 })).toThrow(tooLarge(/maxBufferedBytes/))
    expect([queue.endOffset, queue.bufferedBytes]).toEqual([1, before])
    append(queue, ['next'])
    expect(written(queue.take()).values).toEqual(['kept', 'next'])
  })

  it('takes a batch of exactly the limit, and not a byte more', () => {
    const probe = new AppendQueue(0)
    append(probe, ['x'.repeat(1000)])
    const size = probe.bufferedBytes
    expect(() => append(new AppendQueue(0), ['x'.repeat(1000)], { batchBytesMax: size })).not.toThrow()
    expect(() => append(new AppendQueue(0), ['x'.repeat(1001)], { batchBytesMax: size })).toThrow(
      /max.message.bytes/,
    )
  })

  it('refuses with BUFFER_FULL what would pass the bound, counting what the writer holds', () => {
    const queue = new AppendQueue(0)
    append(queue, ['x'.repeat(3000)], { bufferedBytesMax: 8192 })
    const taken = queue.take()
    append(queue, ['x'.repeat(3000)], { bufferedBytesMax: 8192 })
    const bufferFull = expect.objectContaining({
      code: 'BUFFER_FULL',
      retriable: true,
      outcome: 'not-written',
    })
    expect(() => append(queue, ['x'.repeat(3000)], { bufferedBytesMax: 8192 })).toThrow(bufferFull)
    expect(() => queue.checkRoom(5000, 8192)).toThrow(bufferFull)
    expect(queue.endOffset).toBe(2)
    queue.giveBack(taken!.buffer)
    expect(append(queue, ['x'.repeat(3000)], { bufferedBytesMax: 8192 }).baseOffset).toBe(2)
  })

  it('drops the whole call when any record of it is wrong', () => {
    const queue = new AppendQueue(0)
    append(queue, ['kept'])
    expect(() => append(queue, ['a', { value: 5 }])).toThrow(TypeError)
    expect(() => append(queue, ['a', { timestamp: NOW * 10 }])).toThrow(
      expect.objectContaining({ code: 'TIMESTAMP_INVALID' }),
    )
    expect(written(queue.take())).toEqual({ offsets: [0], values: ['kept'], batches: 1 })
    expect(() => append(queue, ['b', 5])).toThrow(TypeError) // the first of a batch this time
    expect([queue.isEmpty, queue.endOffset, queue.take()]).toEqual([true, 1, undefined])
  })

  it('refuses a call without records', () => {
    expect(() => append(new AppendQueue(0), [])).toThrow(
      expect.objectContaining({ name: 'RangeError', code: 'ARGUMENT_INVALID' }),
    )
  })

  it('has copied bytes by the time it returns', () => {
    const queue = new AppendQueue(0)
    const bytes = Buffer.from('before')
    append(queue, [bytes, { key: bytes, headers: [['h', bytes]] }])
    bytes.fill('x')
    expect(written(queue.take()).values).toEqual(['before', 'null'])
  })

  it('gives all records of a batch the time of its opening under LogAppendTime', () => {
    const queue = new AppendQueue(0)
    const type = { timestampType: 'LogAppendTime' } as const
    expect(append(queue, [{ value: 'a', timestamp: 5 }], type).timestamp).toBe(NOW)
    expect(append(queue, ['b'], { ...type, nowMs: NOW + 7 }).timestamp).toBe(NOW)
    const taken = queue.take()
    expect(taken?.batches[0]?.maxTimestamp).toBe(NOW)
    const { records } = readSegment(Buffer.from(taken!.buffer.filled()))
    expect(records.map(({ timestamp }) => timestamp)).toEqual([BigInt(NOW), BigInt(NOW)])
  })

  it('shares no batch with a call under another timestamp type', () => {
    const queue = new AppendQueue(0)
    append(queue, [at(5)])
    append(queue, [at(6)], { timestampType: 'LogAppendTime' })
    append(queue, [at(7)], { timestampType: 'LogAppendTime' })
    append(queue, [at(8)])
    const bytes = Buffer.from(queue.take()!.buffer.filled())
    const { batches, records } = readSegment(bytes)
    expect(batches.map(({ recordCount }) => recordCount)).toEqual([1, 2, 1])
    expect(records.map(({ timestamp }) => Number(timestamp))).toEqual([5, NOW, NOW, 8])
  })

  it('answers each call with the largest of its own timestamps', () => {
    const queue = new AppendQueue(0)
    expect(append(queue, [at(5), at(9), at(7)]).timestamp).toBe(9)
    expect(append(queue, [at(-1)]).timestamp).toBe(-1)
    expect(queue.take()?.batches[0]?.maxTimestamp).toBe(9)
  })

  it('stamps the leader epoch', () => {
    const queue = new AppendQueue(0)
    append(queue, ['a'])
    expect(readSegment(Buffer.from(queue.take()!.buffer.filled())).batches[0]?.leaderEpoch).toBe(3)
  })

  it('fills a second buffer while the writer has the first', () => {
    const queue = new AppendQueue(0)
    append(queue, ['a'])
    const first = queue.take()!
    append(queue, ['b'])
    const second = queue.take()!
    expect([written(first).values, written(second).values]).toEqual([['a'], ['b']])
    queue.giveBack(first.buffer)
    append(queue, ['c'])
    expect(written(queue.take()).values).toEqual(['c'])
  })

  it('takes everything back that was not taken, and goes on from the offset it is told', () => {
    const queue = new AppendQueue(0)
    append(queue, ['a'])
    queue.sealOpenBatch()
    append(queue, ['b'])
    expect(queue.dropAll(0).map(({ baseOffset }) => baseOffset)).toEqual([0, 1])
    expect([queue.isEmpty, queue.bufferedBytes, queue.endOffset]).toEqual([true, 0, 0])
    expect(append(queue, ['c']).baseOffset).toBe(0)
    expect(written(queue.take())).toEqual({ offsets: [0], values: ['c'], batches: 1 })
  })

  it('never gives an offset past 2^53 - 1', () => {
    const queue = new AppendQueue(Number.MAX_SAFE_INTEGER - 2)
    const noneLeft = expect.objectContaining({ code: 'OFFSET_OUT_OF_RANGE' })
    expect(() => append(queue, ['a', 'b', 'c'])).toThrow(noneLeft)
    append(queue, ['a', 'b'])
    expect(() => append(queue, ['c'])).toThrow(noneLeft)
    const { offsets } = written(queue.take())
    expect(offsets).toEqual([Number.MAX_SAFE_INTEGER - 2, Number.MAX_SAFE_INTEGER - 1])
  })
})

describe('AppendQueue, given records that are code', () => {
  it('refuses calls from inside a property of a record, and goes on with that record', () => {
    const queue = new AppendQueue(0)
    append(queue, ['first'])
    const inner: unknown[] = []
    const attempt = (call: () => unknown) => {
      try {
        call()
      } catch (error) {
        inner.push((error as { code?: unknown }).code)
      }
    }
    append(queue, [
      'second',
      {
        get value() {
          attempt(() => append(queue, ['nested']))
          attempt(() => queue.sealOpenBatch())
          attempt(() => queue.appendEncoded({} as never, Buffer.alloc(61), settle()))
          return 'third'
        },
      },
    ])
    expect(inner).toEqual(['ARGUMENT_INVALID', 'ARGUMENT_INVALID', 'ARGUMENT_INVALID'])
    expect(written(queue.take())).toEqual({
      offsets: [0, 1, 2],
      values: ['first', 'second', 'third'],
      batches: 1,
    })
  })

  it('takes as many records as there were when the call began', () => {
    const queue = new AppendQueue(0)
    const list: unknown[] = [
      'a',
      {
        get value() {
          list.push('d')
          return 'b'
        },
      },
      'c',
    ]
    expect(append(queue, list)).toMatchObject({ baseOffset: 0, lastOffset: 2 })
    expect(written(queue.take()).values).toEqual(['a', 'b', 'c'])
    const shrinking: unknown[] = [
      'a',
      {
        get value() {
          shrinking.length = 1
          return 'b'
        },
      },
      'c',
    ]
    expect(() => append(queue, shrinking)).toThrow(TypeError)
    expect([queue.endOffset, queue.isEmpty]).toEqual([3, true])
  })

  it('reads the length of a list once, and believes no nonsense', () => {
    const queue = new AppendQueue(0)
    let reads = 0
    const growing = new Proxy(['a', 'b'], {
      get: (target, name, receiver) =>
        name === 'length' ? ++reads : (Reflect.get(target, name, receiver) as unknown),
    })
    expect(append(queue, growing)).toMatchObject({ baseOffset: 0, lastOffset: 0 })
    expect(reads).toBe(1)
    for (const length of [0, -1, 0.5, Number.NaN, '2', undefined]) {
      const lying = new Proxy(['a'], {
        get: (target, name, receiver) =>
          name === 'length' ? length : (Reflect.get(target, name, receiver) as unknown),
      })
      expect(() => append(queue, lying)).toThrow(RangeError)
    }
    expect(queue.endOffset).toBe(1)
  })

  it('reads each property once, even of a call that found no room in the batch it tried', () => {
    const queue = new AppendQueue(0)
    append(queue, ['x'.repeat(60 * KIB)])
    const reads = [0, 0, 0]
    const call = reads.map((_, slot) => ({
      get value() {
        reads[slot]!++
        return slot === 2 ? 'y'.repeat(10 * KIB) : 'small'
      },
    }))
    append(queue, call)
    append(queue, [
      {
        get value() {
          reads.push(1)
          return 'z'.repeat(60 * KIB)
        },
      },
    ])
    expect(reads).toEqual([1, 1, 1, 1])
    const taken = queue.take()
    expect(taken?.batches.map(({ recordCount }) => recordCount)).toEqual([1, 3, 1])
    expect(written(taken).values.map(({ length }) => length)).toEqual([60 * KIB, 5, 5, 10 * KIB, 60 * KIB])
  })

  it('refuses a view that does not say how long it is', () => {
    const queue = new AppendQueue(0)
    append(queue, ['first'])
    for (const length of [0, 3, 400, 1e9, Number.NaN, -1, 'two']) {
      const bytes = Object.defineProperty(new Uint8Array(4), 'length', { value: length })
      expect(() => append(queue, ['before', bytes, 'after'])).toThrow(
        expect.objectContaining({ name: 'TypeError', code: 'ARGUMENT_INVALID' }),
      )
    }
    append(queue, ['last'])
    expect(written(queue.take())).toEqual({ offsets: [0, 1], values: ['first', 'last'], batches: 1 })
  })
})
