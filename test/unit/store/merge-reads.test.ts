import { describe, expect, it } from 'vitest'
import { mergeReads } from '../../../src/store/merge-reads.ts'

/** A source whose values come when the test hands them in. */
class HandedSource implements AsyncIterableIterator<{ value: string }> {
  readonly #waiting: ((result: IteratorResult<{ value: string }>) => void)[] = []
  readonly #failing: ((error: Error) => void)[] = []
  asked = 0
  returned = 0

  next(): Promise<IteratorResult<{ value: string }>> {
    this.asked++
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve)
      this.#failing.push(reject)
    })
  }

  async return(): Promise<IteratorResult<{ value: string }>> {
    this.returned++
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  give(value: string): void {
    this.#waiting.shift()!({ done: false, value: { value } })
    this.#failing.shift()
  }

  end(): void {
    this.#waiting.shift()!({ done: true, value: undefined })
    this.#failing.shift()
  }

  fail(message: string): void {
    this.#waiting.shift()
    this.#failing.shift()!(new Error(message))
  }
}

function two() {
  const sources = [new HandedSource(), new HandedSource()]
  const merged = mergeReads(sources.map((values, partition) => ({ partition, values })))
  const next = async (): Promise<string | undefined> => {
    const { done, value } = await merged.next()
    return done === true ? undefined : `${value.partition}${value.value}`
  }
  return { a: sources[0]!, b: sources[1]!, merged, next }
}

describe('several sources read as one', () => {
  it('are handed on as they come, marked with where they are from', async () => {
    const { a, b, next } = two()
    const first = next()
    b.give('x')
    expect(await first).toBe('1x')
    const second = next()
    a.give('y')
    expect(await second).toBe('0y')
  })

  it('are asked for one value at a time each, and never for one that nobody wants', async () => {
    const { a, b, next } = two()
    const first = next()
    a.give('x')
    await first
    expect([a.asked, b.asked]).toEqual([1, 1])
    const second = next()
    await Promise.resolve()
    expect([a.asked, b.asked]).toEqual([2, 1])
    b.give('y')
    await second
  })

  it('end when all of them have ended, and go on with those that have not', async () => {
    const { a, b, next } = two()
    const first = next()
    a.end()
    b.give('x')
    expect(await first).toBe('1x')
    const second = next()
    b.end()
    expect(await second).toBeUndefined()
    expect(await next()).toBeUndefined()
  })

  it('end with the first failure, after what had come before it, and let go of all', async () => {
    const { a, b, next } = two()
    const first = next()
    a.give('x')
    b.fail('broken')
    expect(await first).toBe('0x')
    await expect(next()).rejects.toThrow('broken')
    expect([a.returned, b.returned]).toEqual([1, 1])
  })

  it('let go of all sources when they are left early', async () => {
    const { a, b, merged, next } = two()
    const first = next()
    a.give('x')
    await first
    await merged.return()
    expect([a.returned, b.returned]).toEqual([1, 1])
  })

  it('are nothing where there are none', async () => {
    expect(await mergeReads([]).next()).toEqual({ done: true, value: undefined })
  })
})
