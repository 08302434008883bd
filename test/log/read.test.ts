import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Log, LogRecord, RecordBatch } from '../../src/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { heldSegments, logReferences } from '../helpers/log-parts.ts'
import { seed } from '../helpers/seed.ts'
import { namesOf, openTempLog, readAll, readValues } from '../helpers/temp-log.ts'

const small = { 'internal.segment.bytes': 4096 }

/** A log of `count` records in batches of one to seven, over some segments. */
async function filled(count: number, config = {}): Promise<Log> {
  const log = await openTempLog({ durability: 'os', config: { ...small, ...config } })
  for (let offset = 0; offset < count; ) {
    const records = Array.from({ length: Math.min(1 + (offset % 7), count - offset) }, (_, slot) => ({
      key: `k${offset + slot}`,
      value: `v${offset + slot}`.padEnd(1 + ((offset * 37) % 90), '.'),
      timestamp: 1_700_000_000_000 + offset + slot,
    }))
    await log.append(records)
    offset += records.length
  }
  return log
}

async function offsets(log: Log, options: Parameters<Log['read']>[0] = {}): Promise<number[]> {
  return (await readAll(log, options)).map(({ offset }) => offset)
}

const range = (from: number, end: number): number[] =>
  Array.from({ length: Math.max(0, end - from) }, (_, at) => from + at)

describe('reading a log', () => {
  it('gives every record from every offset to every other, in order, once', async () => {
    const log = await filled(300)
    expect(log.segments().length).toBeGreaterThan(3)
    for (const from of [0, 1, 6, 7, 50, 151, 298, 299, 300]) {
      for (const until of [0, from, from + 1, from + 3, 299, 300, 301, 10_000])
        expect(await offsets(log, { from, until })).toEqual(range(from, Math.min(until, 300)))
    }
    const records = await readAll(log, { from: 120, until: 123 })
    expect(records.map(({ key, timestamp }) => [String(key), timestamp])).toEqual(
      range(120, 123).map((offset) => [`k${offset}`, 1_700_000_000_000 + offset]),
    )
  })

  it('gives the same whatever may be read ahead', async () => {
    const log = await filled(300)
    for (const maxBytes of [1, 4096, 10_000, 1 << 20, Number.MAX_SAFE_INTEGER])
      expect(await offsets(log, { from: 33, maxBytes })).toEqual(range(33, 300))
  })

  it('of nothing gives nothing, and of one record one', async () => {
    const log = await openTempLog({ durability: 'os' })
    for (const from of [0, 'earliest', 'latest', { last: 5 }, { timestamp: 0 }] as const)
      expect(await offsets(log, { from })).toEqual([])
    await expect(offsets(log, { from: 1 })).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      expected: [0, 0],
    })
    await log.append('one')
    for (const from of [0, 'earliest', { last: 1 }, { last: 5 }, { timestamp: 0 }] as const)
      expect(await offsets(log, { from })).toEqual([0])
    for (const from of [1, 'latest', { last: 0 }] as const) expect(await offsets(log, { from })).toEqual([])
  })

  it('begins at the start, wherever in a batch deleteRecordsBefore has put it', async () => {
    const log = await openTempLog({ durability: 'os', config: small })
    for (let batch = 0; batch < 30; batch++)
      await log.append(range(0, 10).map((slot) => `${batch}/${slot}`.padEnd(40)))
    for (const start of [1, 9, 10, 155, 299, 300]) {
      await log.deleteRecordsBefore(start)
      expect(log.startOffset).toBe(start)
      for (const from of ['earliest', { last: 1000 }, { timestamp: 0 }, start] as const)
        expect(await offsets(log, { from })).toEqual(range(start, 300))
      expect(await offsets(log, { from: { last: 3 } })).toEqual(range(Math.max(start, 297), 300))
      const below = { code: 'OFFSET_OUT_OF_RANGE', offset: start - 1, expected: [start, 300] }
      await expect(offsets(log, { from: start - 1 })).rejects.toMatchObject(below)
      await expect(log.get(start - 1)).rejects.toMatchObject(below)
      expect(() => log.getSync(start - 1)).toThrow(expect.objectContaining(below))
    }
    await expect(offsets(log, { from: 301 })).rejects.toMatchObject({ expected: [300, 300] })
  })

  it('begins and ends in the middle of batches; readBatches gives them whole', async () => {
    const log = await openTempLog({ durability: 'os' })
    for (let batch = 0; batch < 3; batch++) await log.append(range(0, 10).map(String))
    expect(await offsets(log, { from: 13, until: 27 })).toEqual(range(13, 27))
    const batches: RecordBatch[] = []
    for await (const batch of log.readBatches({ from: 13, until: 27 })) batches.push(batch)
    expect(
      batches.map(({ baseOffset, lastOffset, recordCount }) => [baseOffset, lastOffset, recordCount]),
    ).toEqual([
      [10, 19, 10],
      [20, 29, 10],
    ])
    expect([...batches[0]!].map(({ offset }) => offset)).toEqual(range(10, 20))
  })

  it('finds the records of many segments in one snapshot, and those that come meanwhile', async () => {
    const log = await filled(100)
    const iterator = log.read()
    await iterator.next()
    await log.append(range(0, 50).map((slot) => `more ${slot}`.padEnd(60)))
    let count = 1
    for await (const _ of iterator) count++
    expect(count).toBe(150) // reading without `follow` ends at the end as it is when it gets there
  })

  it('needs no clock', async () => {
    const clock = new ManualClock()
    const log = await openTempLog({ durability: 'os', config: small, clock })
    for (let offset = 0; offset < 100; offset++) await log.append(`v${offset}`.padEnd(100))
    expect(await readValues(log, { from: 97 })).toEqual(
      ['v97', 'v98', 'v99'].map((value) => value.padEnd(100)),
    )
  })
})

describe('batches larger than what is read ahead', () => {
  it('are read whole, between small ones', async () => {
    const log = await openTempLog({ durability: 'os', config: { 'internal.segment.bytes': 1 << 20 } })
    const sizes = [10, 5000, 10, 300_000, 20, 4096, 700_000, 1]
    for (const size of sizes) await log.append(Buffer.alloc(size, size % 251))
    const records = await readAll(log, { maxBytes: 1 })
    expect(records.map(({ value }) => [value?.length, value?.[0]])).toEqual(
      sizes.map((size) => [size, size % 251]),
    )
  })
})

describe('iterators', () => {
  it('let go of every segment at their end, however it comes', async () => {
    const log = await filled(200)
    const endings: [string, (log: Log) => Promise<unknown>][] = [
      ['to the end', (of) => readAll(of)],
      ['until', (of) => readAll(of, { until: 3 })],
      [
        'break',
        async (of) => {
          for await (const _ of of.read()) break
        },
      ],
      [
        'throw',
        async (of) => {
          for await (const _ of of.read()) throw new Error('mine')
        },
      ],
      [
        'return',
        async (of) => {
          const iterator = of.read()
          await iterator.next()
          await iterator.return?.()
        },
      ],
      ['return before the first', async (of) => void (await of.read().return?.())],
      [
        'abort',
        async (of) => {
          const controller = new AbortController()
          for await (const { offset } of of.read({ signal: controller.signal }))
            if (offset === 5) controller.abort()
        },
      ],
      ['out of range', (of) => readAll(of, { from: 999 })],
      [
        'batches',
        async (of) => {
          for await (const _ of of.readBatches()) break
        },
      ],
      [
        'committed',
        async (of) => {
          for await (const _ of of.read({ isolation: 'committed' })) break
        },
      ],
      [
        'await using',
        async (of) => {
          await using iterator = of.read() as AsyncIterableIterator<unknown> & AsyncDisposable
          await iterator.next()
          expect(logReferences(of)).toBeGreaterThan(0)
        },
      ],
    ]
    for (const [name, end] of endings) {
      await end(log).catch(() => {})
      expect([name, logReferences(log)]).toEqual([name, 0])
    }
    expect(log.stats().openFiles).toBeLessThanOrEqual(log.segments().length)
  })

  it('hold no more segments than they may still need', async () => {
    const log = await filled(200)
    const { length } = log.segments()
    const iterator = log.read()
    await iterator.next()
    expect(heldSegments(log)).toHaveLength(length)
    while (((await iterator.next()) as { value: { offset: number } }).value.offset < 150);
    expect(heldSegments(log).length).toBeLessThan(length / 2)
    await iterator.return?.()
  })

  it('answer concurrent calls in order', async () => {
    const log = await filled(100)
    const iterator = log.read({ from: 40, maxBytes: 1 })
    const answers = await Promise.all(Array.from({ length: 70 }, () => iterator.next()))
    expect(answers.slice(0, 60).map(({ value }) => (value as { offset: number }).offset)).toEqual(
      range(40, 100),
    )
    expect(answers.slice(60).every(({ done }) => done === true)).toBe(true)
  })

  it('are independent of each other', async () => {
    const log = await filled(200)
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, slot) => offsets(log, { from: slot * 7, maxBytes: 1 })),
    )
    for (const [slot, found] of all.entries()) expect(found).toEqual(range(slot * 7, 200))
    expect(logReferences(log)).toBe(0)
  })
})

describe('segments that go', () => {
  it('are read to their end by who began before, and by nobody else', async () => {
    const log = await filled(400, { 'file.delete.delay.ms': 0, 'retention.bytes': 4096 })
    const iterator = log.read()
    expect(((await iterator.next()) as { value: { offset: number } }).value.offset).toBe(0)
    await log.clean()
    const { startOffset } = log
    expect(startOffset).toBeGreaterThan(100)
    expect(namesOf(log.directory, '.deleted').length).toBeGreaterThan(0) // the reader is not done with them
    await expect(offsets(log, { from: 0 })).rejects.toMatchObject({ expected: [startOffset, 400] })
    expect(await offsets(log)).toEqual(range(startOffset, 400))
    const rest: number[] = []
    for await (const { offset } of iterator) rest.push(offset)
    expect(rest).toEqual(range(1, 400))
    await expect.poll(() => namesOf(log.directory, '.deleted')).toEqual([])
  })

  it('before a reader that lags gets to them are an error with the range, never a gap', async () => {
    const log = await filled(30, { 'file.delete.delay.ms': 0 })
    const iterator = log.read({ follow: true })
    await iterator.next()
    for (let offset = 30; offset < 400; offset++) await log.append(`v${offset}`.padEnd(100))
    await log.deleteRecordsBefore(390)
    await log.clean()
    const seen: number[] = []
    const rest = async (): Promise<void> => {
      for await (const { offset } of iterator) seen.push(offset)
    }
    await expect(rest()).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', expected: [390, 400] })
    expect(seen).toEqual(range(1, seen.length + 1))
    expect(logReferences(log)).toBe(0)
  })

  it('do not take their files along while a point read of them is under way', async () => {
    const log = await filled(200, { 'file.delete.delay.ms': 0, 'retention.bytes': 4096 })
    const reads = Promise.allSettled(range(0, 100).map((offset) => log.get(offset)))
    await log.clean()
    for (const [offset, result] of (await reads).entries())
      if (result.status === 'fulfilled') expect(result.value).toMatchObject({ offset })
      else expect(result.reason).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
  })
})

describe('truncation', () => {
  it('below a reader ends it, at or above its place does not', async () => {
    const log = await filled(200)
    const [below, at, above] = await Promise.all(
      [100, 50, 20].map(async (until) => {
        const iterator = log.read({ follow: true })
        for (let offset = 0; offset < until; offset++) await iterator.next()
        return iterator
      }),
    )
    await log.truncateTo(50)
    await log.append(range(0, 10).map((slot) => `new ${slot}`))
    // What a reader has of the batch it is in was read before: it goes on to the end of that.
    const drained = async (): Promise<void> => {
      for await (const _ of below!);
    }
    await expect(drained()).rejects.toMatchObject({ code: 'LOG_TRUNCATED' })
    const [{ value: next }] = [await at!.next()]
    expect(String((next as { value: Buffer }).value)).toBe('new 0')
    const seen: string[] = []
    for await (const { value, offset } of above!) {
      seen.push(String(value))
      if (offset === 59) break
    }
    expect(seen.slice(-10)).toEqual(range(0, 10).map((slot) => `new ${slot}`))
    await at!.return?.()
    expect(logReferences(log)).toBe(0)
  })

  it('in the middle of a batch leaves its head, and nothing of its tail, to every kind of reading', async () => {
    const log = await openTempLog({ durability: 'os', config: small })
    for (let batch = 0; batch < 20; batch++)
      await log.append(range(0, 10).map((slot) => `${batch}/${slot}`.padEnd(60)))
    for (const offset of range(0, 200)) log.getSync(offset) // all is remembered
    const follower = log.read({ from: 100, follow: true })
    await log.truncateTo(105)
    await log.append(range(0, 3).map((slot) => `new ${slot}`))
    const expected = [
      ...range(0, 105).map((offset) => `${Math.floor(offset / 10)}/${offset % 10}`.padEnd(60)),
      'new 0',
      'new 1',
      'new 2',
    ]
    expect(await readValues(log)).toEqual(expected)
    for (const [offset, value] of expected.entries()) {
      expect(String(log.getSync(offset)?.value)).toBe(value)
      expect(String((await log.get(offset))?.value)).toBe(value)
    }
    const seen: string[] = []
    for await (const { value, offset } of follower) {
      seen.push(String(value))
      if (offset === 107) break
    }
    expect(seen).toEqual(expected.slice(100))
  })

  it('meanwhile never makes a reader see half a batch or what is gone', async () => {
    const log = await openTempLog({ durability: 'os', config: { ...small, 'index.interval.bytes': 100 } })
    for (let round = 0; round < 15; round++) {
      const end = log.endOffset
      for (let batch = 0; batch < 12; batch++)
        await log.append(range(0, 10).map((slot) => `${round}/${slot}`.padEnd(60)))
      const cut = end + 37 + round
      const readers = range(0, 4).map(async (slot) => {
        const seen: [number, string][] = []
        try {
          for await (const { offset, value } of log.read({ from: end + slot, maxBytes: 1 }))
            seen.push([offset, String(value).trim()])
        } catch (error) {
          expect(error).toMatchObject({ code: 'LOG_TRUNCATED' })
        }
        expect(seen).toEqual(seen.map((_, at) => [end + slot + at, `${round}/${(slot + at) % 10}`]))
      })
      const points = range(end, cut).map(async (offset) =>
        expect(await log.get(offset)).toMatchObject({ offset }),
      )
      await Promise.all([log.truncateTo(cut), ...readers, ...points])
      for (const offset of range(end, cut)) expect(log.getSync(offset)).toMatchObject({ offset })
      const filler = 10 - (log.endOffset % 10)
      await log.append(range(0, filler).map(() => 'filler'))
    }
    expect(logReferences(log)).toBe(0)
  })
})

describe('reading while others append, roll, delete and clean', () => {
  const action = fc.oneof(
    { weight: 6, arbitrary: fc.record({ append: fc.integer({ min: 1, max: 12 }), size: fc.nat(300) }) },
    { weight: 4, arbitrary: fc.record({ read: fc.integer({ min: 1, max: 25 }) }) },
    { weight: 1, arbitrary: fc.constantFrom('roll' as const, 'flush' as const, 'clean' as const) },
  )

  it('sees every acknowledged batch whole, in order, once (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 5, maxLength: 40 }),
        fc.constantFrom(1, 8192),
        async (actions, maxBytes) => {
          const config = { ...small, 'file.delete.delay.ms': 0, 'retention.bytes': 3000 }
          const log = await openTempLog({ durability: 'os', config, cleanup: false })
          let reader = log.read({ follow: true, maxBytes })
          const pending: Promise<unknown>[] = []
          let [seen, appended] = [0, 0]
          for (const step of actions) {
            if (typeof step === 'string') pending.push(log[step]())
            else if ('append' in step) {
              const records = range(0, step.append).map((slot) => `${appended + slot}`.padEnd(step.size))
              appended += step.append
              pending.push(log.append(records, { durability: step.size % 5 === 0 ? 'disk' : 'os' }))
            } else {
              for (let count = Math.min(step.read, appended - seen); count > 0 && seen < appended; count--) {
                const answer = await reader.next().catch((error: unknown) => error)
                if (answer instanceof Error) {
                  expect(answer).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', offset: seen }) // deleted before it got there
                  expect(log.startOffset).toBeGreaterThan(seen)
                  seen = log.startOffset
                  reader = log.read({ from: seen, follow: true, maxBytes })
                } else {
                  const { offset, value } = (answer as IteratorYieldResult<LogRecord>).value
                  expect([offset, String(value).trim()]).toEqual([seen, `${seen}`])
                  seen++
                }
              }
            }
          }
          await Promise.all(pending)
          await reader.return?.()
          expect(logReferences(log)).toBe(0)
          expect(await offsets(log)).toEqual(range(log.startOffset, appended))
          await log.close()
        },
      ),
      { seed, numRuns: 25 },
    )
  })
})

describe('memory', () => {
  it('stays flat over ten times the data for who keeps nothing', async () => {
    const child = fork(fileURLToPath(new URL('../helpers/scan-memory.ts', import.meta.url)), {
      execArgv: ['--expose-gc'],
    })
    const [{ small: before, large }] = (await once(child, 'message')) as [{ small: number; large: number }]
    await once(child, 'exit')
    expect(large).toBeLessThan(before + 24 * 1024 * 1024)
  })

  it('of an iterator that nobody has any more is given back, and its segments are let go of', async () => {
    const log = await filled(200)
    const { setFlagsFromString } = await import('node:v8')
    const { runInNewContext } = await import('node:vm')
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    await (async (): Promise<void> => {
      for (let count = 0; count < 5; count++) await log.read().next()
    })()
    expect(logReferences(log)).toBeGreaterThan(0)
    for (let turns = 0; turns < 50 && logReferences(log) > 0; turns++) {
      collect()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(logReferences(log)).toBe(0)
  })
})
