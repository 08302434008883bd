import { describe, expect, it } from 'vitest'
import type { BatchSource } from '../../../src/log/batch-reader.ts'
import { BatchIterator, RecordIterator } from '../../../src/log/iterators.ts'
import type { Damage } from '../../../src/log/read-options.ts'
import { decodeBatch, type LogRecord, type RecordBatch } from '../../../src/record/index.ts'
import { deferred } from '../../helpers/deferred.ts'
import { compressedBatch, dataBatch, marker, resealed } from '../../helpers/hand-made.ts'

const place = { path: '/0.log', position: 77 }
const decode = (bytes: Buffer): RecordBatch => decodeBatch(bytes, { decompressedBytesMax: 1 << 20, place })

/** Batches in memory; waits where there is a promise. */
class FakeSource implements BatchSource {
  readonly from: number
  readonly #batches: (RecordBatch | Promise<unknown> | Error)[]
  closed = 0
  calls = 0
  #ended = (): void => {}
  readonly #end = new Promise<void>((resolve) => (this.#ended = resolve))

  constructor(batches: (RecordBatch | Promise<unknown> | Error)[], from = 0) {
    this.#batches = batches
    this.from = from
  }

  async next(): Promise<RecordBatch | undefined> {
    this.calls++
    if (this.closed > 0) return undefined
    const next = this.#batches.shift()
    if (next instanceof Promise) {
      await Promise.race([next, this.#end])
      return this.next()
    }
    if (next instanceof Error) throw next
    return next
  }

  isGone(): boolean {
    return false
  }

  close(): void {
    this.closed++
    this.#ended()
  }
}

const never = (): Promise<never> => new Promise(() => {})

function recordsOf(
  source: BatchSource,
  options: { until?: number; signal?: AbortSignal; onDamage?: (damage: Damage) => void } = {},
): RecordIterator {
  const { until = Infinity, signal, onDamage } = options
  return new RecordIterator(async () => source, { until, signal, onDamage })
}

async function offsets(iterator: AsyncIterable<LogRecord>): Promise<number[]> {
  const result: number[] = []
  for await (const { offset } of iterator) result.push(offset)
  return result
}

const done = { done: true, value: undefined }

describe('records', () => {
  it('come one by one, from the first wanted to before the last, over batches and without control records', async () => {
    const batches = [dataBatch(0, 5), marker(5, 7, 'COMMIT'), dataBatch(6, 4)].map(decode)
    expect(await offsets(recordsOf(new FakeSource([...batches], 3)))).toEqual([3, 4, 6, 7, 8, 9])
    expect(await offsets(recordsOf(new FakeSource([...batches], 3), { until: 8 }))).toEqual([3, 4, 6, 7])
    expect(await offsets(recordsOf(new FakeSource([...batches], 3), { until: 3 }))).toEqual([])
    expect(await offsets(recordsOf(new FakeSource([])))).toEqual([])
  })

  it('end for good, and let go of the source at once when `until` is in the middle of a batch', async () => {
    const source = new FakeSource([decode(dataBatch(0, 5)), decode(dataBatch(5, 5))])
    const iterator = recordsOf(source, { until: 2 })
    expect(await offsets(iterator)).toEqual([0, 1])
    expect([source.closed, source.calls]).toEqual([1, 1])
    expect(await iterator.next()).toEqual(done)
    expect(await offsets(iterator)).toEqual([])
  })

  it('are asked of the source only when they are asked for', async () => {
    let opened = 0
    const source = new FakeSource([decode(dataBatch(0, 2)), decode(dataBatch(2, 2))])
    const iterator = new RecordIterator(async () => (opened++, source), {
      until: Infinity,
      signal: undefined,
      onDamage: undefined,
    })
    expect([opened, source.calls]).toEqual([0, 0])
    await iterator.next()
    await iterator.next()
    expect([opened, source.calls]).toEqual([1, 1])
    await iterator.next()
    expect([opened, source.calls]).toEqual([1, 2])
    await iterator.return()
  })
})

describe('calls of next() that overlap', () => {
  it('are answered in their order, also when one answer sets off another call', async () => {
    const batches = Array.from({ length: 30 }, (_, slot) => decode(dataBatch(2 * slot, 2)))
    const iterator = recordsOf(new FakeSource(batches))
    const answers: Promise<IteratorResult<LogRecord>>[] = []
    const ask = (): Promise<IteratorResult<LogRecord>> => {
      const answer = iterator.next()
      answers.push(answer)
      return answer
    }
    const first = ask()
    ask()
    ask()
    await first.then(ask) // asked while the two before it are waiting
    await answers[1]!.then(ask).then(ask)
    while (answers.length < 70) await (answers.length % 3 === 0 ? ask() : Promise.all([ask(), ask()]))
    const results = await Promise.all(answers)
    expect(results.slice(0, 60).map(({ value }) => value?.offset)).toEqual(
      Array.from({ length: 60 }, (_, offset) => offset),
    )
    expect(results.slice(60).every(({ done: isDone }) => isDone)).toBe(true)
  })

  it('never make calls of the source overlap', async () => {
    let underWay = 0
    let most = 0
    const source = new FakeSource(Array.from({ length: 20 }, (_, slot) => decode(dataBatch(slot, 1))))
    const slow: BatchSource = {
      from: 0,
      isGone: () => false,
      close: () => source.close(),
      async next() {
        most = Math.max(most, ++underWay)
        await new Promise((resolve) => setImmediate(resolve))
        underWay--
        return source.next()
      },
    }
    const iterator = recordsOf(slow)
    const results = await Promise.all(Array.from({ length: 25 }, () => iterator.next()))
    expect(
      results.filter(({ done: isDone }) => isDone !== true).map(({ value }) => value.offset),
    ).toHaveLength(20)
    expect(most).toBe(1)
  })

  it('are all answered with the end once one has failed', async () => {
    const source = new FakeSource([decode(dataBatch(0, 1)), new RangeError('broken')])
    const iterator = recordsOf(source)
    const answers = await Promise.allSettled([iterator.next(), iterator.next(), iterator.next()])
    expect(answers).toMatchObject([
      { value: { value: { offset: 0 } } },
      { reason: { message: 'broken' } },
      { value: done },
    ])
    expect(source.closed).toBe(1)
  })
})

describe('the end', () => {
  it.each(['return', 'asyncDispose', 'throw'] as const)(
    'by %s answers who waits, and closes the source',
    async (way) => {
      const source = new FakeSource([decode(dataBatch(0, 1)), never()])
      const iterator = recordsOf(source)
      await iterator.next()
      const waiting = [iterator.next(), iterator.next()]
      await new Promise((resolve) => setImmediate(resolve))
      if (way === 'return') expect(await iterator.return()).toEqual(done)
      else if (way === 'throw') await expect(iterator.throw(new Error('mine'))).rejects.toThrow('mine')
      else expect(await iterator[Symbol.asyncDispose]()).toBeUndefined()
      expect(await Promise.all(waiting)).toEqual([done, done])
      expect(source.closed).toBe(1)
      expect(await iterator.return()).toEqual(done)
      expect(await iterator.next()).toEqual(done)
      expect(source.closed).toBe(1)
    },
  )

  it('before the first call opens nothing', async () => {
    let opened = 0
    const iterator = new BatchIterator(async () => (opened++, new FakeSource([])), { signal: undefined })
    await iterator.return()
    expect(await iterator.next()).toEqual(done)
    expect(opened).toBe(0)
  })

  it('while the source is being opened closes it', async () => {
    const source = new FakeSource([decode(dataBatch(0, 1))])
    const { promise: opening, resolve: open } = deferred<BatchSource>()
    const late = new RecordIterator(() => opening, {
      until: Infinity,
      signal: undefined,
      onDamage: undefined,
    })
    const first = late.next()
    await late.return()
    open(source)
    expect(await first).toEqual(done)
    expect(source.closed).toBe(1)
  })

  it('while the source fails to open, or to read, says nothing of it', async () => {
    const { promise: opening, reject: fail } = deferred<BatchSource>()
    const late = new BatchIterator(() => opening, { signal: undefined })
    const first = late.next()
    await late.return()
    fail(new Error('too late'))
    expect(await first).toEqual(done)
  })

  it('comes when a loop is left, and when its body throws', async () => {
    const [left, thrown] = [0, 1].map(() => new FakeSource([decode(dataBatch(0, 5)), never()]))
    for await (const { offset } of recordsOf(left!)) if (offset === 2) break
    const loop = async (): Promise<void> => {
      for await (const _ of recordsOf(thrown!)) throw new Error('mine')
    }
    await expect(loop()).rejects.toThrow('mine')
    expect([left!.closed, thrown!.closed]).toEqual([1, 1])
  })

  it('comes with an error of the source, once', async () => {
    const source = new FakeSource([new RangeError('broken')])
    const iterator = recordsOf(source)
    await expect(iterator.next()).rejects.toThrow('broken')
    expect(await iterator.next()).toEqual(done)
    expect(source.closed).toBe(1)
    const unopened = new RecordIterator(() => Promise.reject(new RangeError('no way')), {
      until: Infinity,
      signal: undefined,
      onDamage: undefined,
    })
    await expect(unopened.next()).rejects.toThrow('no way')
    expect(await unopened.next()).toEqual(done)
  })

  it('comes with an abort, in the middle of a batch as well', async () => {
    const controller = new AbortController()
    const source = new FakeSource([decode(dataBatch(0, 100))])
    const iterator = recordsOf(source, { signal: controller.signal })
    await iterator.next()
    controller.abort(new Error('enough'))
    await expect(iterator.next()).rejects.toThrow('enough')
    expect(await iterator.next()).toEqual(done)
    expect(source.closed).toBe(1)
  })

  it('comes with an abort that was there before', async () => {
    let opened = 0
    const iterator = new BatchIterator(async () => (opened++, new FakeSource([])), {
      signal: AbortSignal.abort('never'),
    })
    await expect(iterator.next()).rejects.toBe('never')
    expect(opened).toBe(0)
  })
})

describe('a batch whose records are not what its checksum promises', () => {
  const broken = resealed(dataBatch(10, 5), (copy) => void (copy[copy.length - 1] = 0x7e))
  const counting = resealed(dataBatch(10, 5), (copy) => void copy.writeInt32BE(4, 57))
  const unpacked = resealed(
    compressedBatch(dataBatch(10, 5), 1),
    (copy) => void (copy[copy.length - 6]! ^= 0xff),
  )

  it('ends the reading with the error, by rejection, and closes the source', async () => {
    for (const bytes of [broken, counting, unpacked]) {
      const source = new FakeSource([decode(dataBatch(9, 1)), decode(bytes), decode(dataBatch(15, 1))])
      const iterator = recordsOf(source)
      await iterator.next()
      const rest = async (): Promise<void> => {
        for (;;) {
          const answer = iterator.next()
          expect(answer).toBeInstanceOf(Promise)
          if ((await answer).done === true) return
        }
      }
      await expect(rest()).rejects.toMatchObject({ code: 'BATCH_CORRUPT', path: '/0.log', position: 77 })
      expect(source.closed).toBe(1)
      expect(await iterator.next()).toEqual(done)
    }
  })

  it('is told of where that is wanted, with the first offset that is lost, and reading goes on', async () => {
    const cases = [
      [broken, [10, 11, 12, 13], 14],
      [counting, [10, 11, 12, 13], 14],
      [unpacked, [], 10],
    ] as const
    for (const [bytes, good, lost] of cases) {
      const damages: Damage[] = []
      const source = new FakeSource([decode(bytes), decode(dataBatch(15, 2))])
      const iterator = recordsOf(source, { onDamage: (damage) => damages.push(damage) })
      expect(await offsets(iterator)).toEqual([...good, 15, 16])
      const sizeBytes = bytes.length
      const reason = expect.any(String)
      expect(damages).toEqual([
        { path: '/0.log', position: 77, offset: lost, nextOffset: 15, sizeBytes, reason },
      ])
    }
  })

  it('is an error all the same when it is no damage: a codec that is not there', async () => {
    const source = new FakeSource([decode(compressedBatch(dataBatch(10, 5), 3))])
    const iterator = recordsOf(source, { onDamage: () => expect.unreachable() })
    await expect(iterator.next()).rejects.toMatchObject({ code: 'COMPRESSION_UNSUPPORTED', found: 'lz4' })
    expect(source.closed).toBe(1)
  })

  it('is an error when who is told throws', async () => {
    const source = new FakeSource([decode(unpacked)])
    const iterator = recordsOf(source, {
      onDamage: () => {
        throw new Error('mine')
      },
    })
    await expect(iterator.next()).rejects.toThrow('mine')
    expect(source.closed).toBe(1)
  })
})

it('batches come as they are', async () => {
  const batches = [decode(dataBatch(0, 5)), decode(compressedBatch(dataBatch(5, 2), 2))]
  const source = new FakeSource([...batches])
  const seen: RecordBatch[] = []
  for await (const batch of new BatchIterator(async () => source, { signal: undefined })) seen.push(batch)
  expect(seen.every((batch, slot) => batch === batches[slot])).toBe(true)
  expect(seen).toHaveLength(2)
  expect(source.closed).toBe(1)
})
