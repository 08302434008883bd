import { describe, expect, it } from 'vitest'
import { LimitedQueue } from '../../../src/core/index.ts'
import { deferred } from '../../helpers/deferred.ts'

describe('a limited queue', () => {
  it('runs so many tasks at a time, begun in their order, and gives what they give', async () => {
    const queue = new LimitedQueue(2)
    const gates = Array.from({ length: 4 }, () => deferred())
    const begun: number[] = []
    const results = gates.map((gate, slot) =>
      queue.run(async () => {
        begun.push(slot)
        await gate.promise
        return slot
      }),
    )
    expect(begun).toEqual([0, 1])
    gates[1]!.resolve()
    await results[1]
    expect(begun).toEqual([0, 1, 2])
    for (const gate of gates) gate.resolve()
    expect(await Promise.all(results)).toEqual([0, 1, 2, 3])
  })

  it('goes on after a task that fails or throws', async () => {
    const queue = new LimitedQueue(1)
    const failing = queue.run(() => Promise.reject(new RangeError('failed')))
    const throwing = queue.run(() => {
      throw new RangeError('threw')
    })
    const last = queue.run(async () => 'last')
    await expect(failing).rejects.toThrow('failed')
    await expect(throwing).rejects.toThrow('threw')
    expect(await last).toBe('last')
    expect(await queue.run(async () => 'later')).toBe('later')
  })
})
