import { describe, expect, it } from 'vitest'
import { forEachBounded } from '../../../src/core/index.ts'
import { type Deferred, deferred } from '../../helpers/deferred.ts'

/** Tasks that are begun and end when they are told to. */
function setUp() {
  const begun: number[] = []
  const running = new Map<number, Deferred<void>>()
  const task = async (item: number): Promise<void> => {
    begun.push(item)
    const end = deferred()
    running.set(item, end)
    await end.promise.finally(() => running.delete(item))
  }
  return { begun, running, task }
}

/** Lets everything run that waits for nothing but its turn. */
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

describe('a task for each of many', () => {
  it('is begun in their order, so many at a time, the next one as soon as one has ended', async () => {
    const { begun, running, task } = setUp()
    const all = forEachBounded([0, 1, 2, 3, 4], 2, task)
    expect(begun).toEqual([0, 1])
    running.get(1)!.resolve()
    await settle()
    expect(begun).toEqual([0, 1, 2])
    for (let left = 0; left < 4; left++) {
      running.get(Math.min(...running.keys()))!.resolve()
      await settle()
      expect(running.size).toBeLessThanOrEqual(2)
    }
    await all
    expect(begun).toEqual([0, 1, 2, 3, 4])
  })

  it('is all done at once where there are fewer, and nothing where there are none', async () => {
    const { begun, running, task } = setUp()
    const all = forEachBounded([0, 1], 8, task)
    expect(begun).toEqual([0, 1])
    for (const end of running.values()) end.resolve()
    await all
    await forEachBounded([], 8, task)
    expect(begun).toHaveLength(2)
  })

  it('is begun no more after the first failure, which is told when those under way have ended', async () => {
    const { begun, running, task } = setUp()
    const all = forEachBounded([0, 1, 2, 3], 2, task)
    let isOver = false
    const failed = all.catch((error: unknown) => {
      isOver = true
      return error
    })
    running.get(0)!.reject(new TypeError('the first'))
    await settle()
    expect([begun, isOver]).toEqual([[0, 1], false])
    running.get(1)!.reject(new TypeError('the second'))
    expect(await failed).toEqual(new TypeError('the first'))
    expect(begun).toEqual([0, 1])
  })
})
