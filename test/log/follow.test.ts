import { describe, expect, it } from 'vitest'
import type { Log, LogRecord } from '../../src/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { logReferences, partsOf } from '../helpers/log-parts.ts'
import { openTempLog } from '../helpers/temp-log.ts'

const small = { 'internal.segment.bytes': 4096 }
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
const done = { done: true, value: undefined }

/** What a follower has seen so far, and when it has ended, how. */
function follow(log: Log, options: Parameters<Log['read']>[0] = {}) {
  const seen: string[] = []
  const iterator = log.read({ follow: true, ...options })
  const ended = (async () => {
    for await (const { value } of iterator) seen.push(String(value))
    return 'end'
  })()
  ended.catch(() => {}) // looked at by the test
  return { seen, iterator, ended }
}

/** Waits until a follower has nothing to do but wait. */
async function idle(log: Log): Promise<void> {
  await expect.poll(() => partsOf(log).state.changed.waiterCount).toBeGreaterThan(0)
}

describe('following', () => {
  it('wakes on append, without polling: the clock never moves, and a follower sets no timer', async () => {
    const timers = await Promise.all(
      [false, true].map(async (isFollowed) => {
        const clock = new ManualClock()
        const log = await openTempLog({ durability: 'os', config: small, clock, cleanup: false })
        const follower = isFollowed ? follow(log) : undefined
        if (isFollowed) await idle(log)
        for (const durability of ['os', 'disk', 'memory', 'os'] as const) {
          await log.append(durability, { durability })
          if (follower !== undefined) await expect.poll(() => follower.seen.at(-1)).toBe(durability)
        }
        expect(clock.monotonic()).toBe(0)
        if (isFollowed) await idle(log)
        return clock.timers
      }),
    )
    expect(timers[1]).toEqual(timers[0])
  })

  it('sees a record before the next turn of the event loop after its append has resolved', async () => {
    const log = await openTempLog({ durability: 'os' })
    const { seen, iterator } = follow(log)
    await idle(log)
    for (let count = 0; count < 20; count++) {
      await log.append(`${count}`)
      await expect.poll(() => seen.length, { interval: 1 }).toBe(count + 1)
    }
    await iterator.return?.()
  })

  it('sees nothing that is not acknowledged', async () => {
    const log = await openTempLog({ durability: 'disk' })
    const { seen, iterator } = follow(log)
    let acknowledged = 0
    const appends = Array.from({ length: 200 }, async (_, slot) => {
      await log.append(`${slot}`)
      acknowledged++
    })
    while (seen.length < 200) {
      // Readers are told just before appenders are: both in one go, so only whole groups can be ahead.
      expect(seen.length).toBeLessThanOrEqual(log.readableEndOffset)
      await turn()
    }
    await Promise.all(appends)
    expect(acknowledged).toBe(200)
    expect(seen).toEqual(Array.from({ length: 200 }, (_, slot) => `${slot}`))
    await iterator.return?.()
  })

  it('goes over rolls, and lets go of what it has read', async () => {
    const log = await openTempLog({ durability: 'os', config: small })
    const { seen, iterator } = follow(log)
    for (let count = 0; count < 300; count++) await log.append(`${count}`.padEnd(100))
    await expect.poll(() => seen.length).toBe(300)
    await idle(log)
    expect(log.segments().length).toBeGreaterThan(5)
    expect(logReferences(log)).toBe(1)
    await log.roll()
    await log.append('after')
    await expect.poll(() => seen.at(-1)).toBe('after')
    expect(logReferences(log)).toBe(1)
    await iterator.return?.()
    expect(logReferences(log)).toBe(0)
  })

  it('begins at the end as it was at the call, or where it is told', async () => {
    const log = await openTempLog({ durability: 'os' })
    await log.append(['a', 'b', 'c'])
    const latest = log.read({ from: 'latest', follow: true })
    const last = log.read({ from: { last: 1 }, follow: true })
    const at = log.read({ from: 3, follow: true })
    await log.append('d')
    const values = await Promise.all(
      [latest, last, at].map(async (iterator) => String((await iterator.next()).value?.value)),
    )
    expect(values).toEqual(['d', 'c', 'd'])
    await Promise.all([latest, last, at].map((iterator) => iterator.return?.()))
    await expect(log.read({ from: 5, follow: true }).next()).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
    })
  })

  it('ends at `until`, also when that has not been written yet', async () => {
    const log = await openTempLog({ durability: 'os' })
    const { seen, ended } = follow(log, { until: 3 })
    await idle(log)
    await log.append(['a', 'b'])
    await log.append(['c', 'd'])
    expect(await ended).toBe('end')
    expect(seen).toEqual(['a', 'b', 'c'])
    expect(logReferences(log)).toBe(0)
    expect(await follow(log, { until: 0 }).ended).toBe('end')
  })

  it('of batches gives each as it comes', async () => {
    const log = await openTempLog({ durability: 'os' })
    const iterator = log.readBatches({ follow: true })
    const first = iterator.next()
    await log.append(['a', 'b'])
    expect((await first).value).toMatchObject({ baseOffset: 0, lastOffset: 1 })
    await iterator.return?.()
    expect(logReferences(log)).toBe(0)
  })

  it('keeps a hundred followers of one signal apart, and warns of nothing', async () => {
    const warnings: string[] = []
    const listen = (warning: Error): void => void warnings.push(String(warning))
    process.on('warning', listen)
    const log = await openTempLog({ durability: 'os' })
    const controller = new AbortController()
    const followers = Array.from({ length: 100 }, () => follow(log, { signal: controller.signal }))
    await idle(log)
    for (let count = 0; count < 5; count++) await log.append(`${count}`)
    await expect.poll(() => followers.every(({ seen }) => seen.length === 5)).toBe(true)
    controller.abort(new Error('enough'))
    const results = await Promise.allSettled(followers.map(({ ended }) => ended))
    expect(
      results.every((result) => result.status === 'rejected' && result.reason.message === 'enough'),
    ).toBe(true)
    expect(logReferences(log)).toBe(0)
    await turn()
    process.off('warning', listen)
    expect(warnings).toEqual([])
  })
})

describe('a follower that waits', () => {
  const endings: [
    string,
    (log: Log, iterator: AsyncIterableIterator<LogRecord>, abort: () => void) => unknown,
    unknown,
  ][] = [
    ['return()', (_, iterator) => iterator.return?.(), done],
    [
      'await using',
      (_, iterator) =>
        (iterator as AsyncIterableIterator<LogRecord> & AsyncDisposable)[Symbol.asyncDispose](),
      done,
    ],
    ['an abort', (_, __, abort) => abort(), new Error('enough')],
    ['close()', (log) => log.close(), expect.objectContaining({ code: 'LOG_CLOSED' })],
  ]

  it.each(endings)('is ended by %s, every call of it, and holds nothing', async (_, end, outcome) => {
    for (const isEmpty of [true, false]) {
      const log = await openTempLog({ durability: 'os' })
      if (!isEmpty) await log.append('a')
      const controller = new AbortController()
      const iterator = log.read({ follow: true, signal: controller.signal })
      if (!isEmpty) await iterator.next()
      const waiting = [iterator.next(), iterator.next(), iterator.next()]
      const settled = Promise.allSettled(waiting)
      await idle(log)
      const references = partsOf(log)
      await end(log, iterator, () => controller.abort(new Error('enough')))
      const [first, ...others] = await settled
      if (outcome === done) expect(first).toEqual({ status: 'fulfilled', value: done })
      else expect(first).toEqual({ status: 'rejected', reason: outcome })
      for (const other of others) expect(other).toEqual({ status: 'fulfilled', value: done })
      expect(references.state.segments.all.map((segment) => segment.references)).toEqual([0])
      expect(references.state.changed.waiterCount).toBe(0)
      expect(await iterator.next()).toEqual(done)
    }
  })

  it('does not keep the log from closing, nor from being deleted from', async () => {
    const log = await openTempLog({ durability: 'os', config: { ...small, 'file.delete.delay.ms': 0 } })
    for (let count = 0; count < 100; count++) await log.append(`${count}`.padEnd(100))
    const { ended, seen } = follow(log)
    await expect.poll(() => seen.length).toBe(100)
    await log.deleteRecordsBefore(100)
    await log.clean()
    await expect.poll(() => log.stats().waitingToBeRemoved).toBe(0)
    await log.close()
    await expect(ended).rejects.toMatchObject({ code: 'LOG_CLOSED' })
  })

  it('reads what was acknowledged before the close only if it asks before it', async () => {
    const log = await openTempLog({ durability: 'os' })
    const iterator = log.read({ follow: true })
    await log.append(['a', 'b', 'c'])
    await iterator.next()
    await log.close()
    expect((await iterator.next()).value).toMatchObject({ offset: 1 }) // it has been read: the batch is in memory
    expect((await iterator.next()).value).toMatchObject({ offset: 2 })
    await expect(iterator.next()).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    expect(await iterator.next()).toEqual(done)
    await expect(log.read().next()).rejects.toMatchObject({ code: 'LOG_CLOSED' })
  })

  it('is not hurt by one that throws, and its consumer is not either', async () => {
    const log = await openTempLog({ durability: 'os' })
    const { seen, iterator } = follow(log)
    const failing = (async () => {
      for await (const _ of log.read({ follow: true })) throw new Error('mine')
    })()
    failing.catch(() => {})
    await idle(log)
    await log.append('a')
    await expect(failing).rejects.toThrow('mine')
    await log.append('b')
    await expect.poll(() => seen).toEqual(['a', 'b'])
    await iterator.return?.()
    expect(logReferences(log)).toBe(0)
  })

  it('goes on in a log that takes no more appends, up to what is on disk', async () => {
    const log = await openTempLog()
    await log.append('a')
    await log.append('b', { durability: 'os' })
    const { seen, ended } = follow(log)
    partsOf(log).writer.poison(new Error('made to fail'))
    expect(log.state).toBe('poisoned')
    await expect.poll(() => seen).toEqual(['a'])
    await log.close().catch(() => {})
    await expect(ended).rejects.toMatchObject({ code: 'LOG_CLOSED' })
  })
})
