import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TwoGenerationCache } from '../../../src/core/index.ts'
import { seed } from '../../helpers/seed.ts'

interface Value {
  readonly name: string
  readonly weight: number
}
const cacheOf = (weightMax: number) =>
  new TwoGenerationCache<string, Value>({ weightMax, weigh: (value) => value.weight })
const value = (name: string, weight = 1): Value => ({ name, weight })

describe('TwoGenerationCache', () => {
  it('gives back the last value set, until it is deleted or everything is cleared', () => {
    const cache = cacheOf(100)
    const [first, second] = [value('first'), value('second')]
    cache.set('a', first)
    expect(cache.get('a')).toBe(first)
    cache.set('a', second)
    expect(cache.get('a')).toBe(second)
    expect(cache.get('b')).toBeUndefined()
    cache.delete('a')
    cache.delete('a')
    expect(cache.get('a')).toBeUndefined()
    cache.set('a', first)
    cache.clear()
    expect(cache.get('a')).toBeUndefined()
  })

  it('drops what was not asked for during a whole generation, and keeps what was', () => {
    const cache = cacheOf(8) // four to a generation
    for (const key of ['a', 'b', 'c', 'd', 'e']) cache.set(key, value(key)) // a to d grow old
    expect(cache.get('a')).toBeDefined() // and a is young again
    for (const key of ['f', 'g', 'h']) cache.set(key, value(key)) // the next generation begins
    expect(cache.get('b')).toBeUndefined()
    expect(cache.get('a')).toBeDefined()
  })

  it('never shows an older value of a key again', () => {
    const cache = cacheOf(4)
    cache.set('a', value('old'))
    cache.set('b', value('b'))
    cache.set('c', value('c')) // a grows old
    cache.set('a', value('new'))
    cache.set('a', value('too heavy', 3))
    expect(cache.get('a')).toBeUndefined()
  })

  it('keeps nothing heavier than half of its bound', () => {
    const cache = cacheOf(10)
    cache.set('small', value('small'))
    cache.set('large', value('large', 6))
    expect(cache.get('large')).toBeUndefined()
    expect(cache.get('small')).toBeDefined()
    cache.set('half', value('half', 5))
    expect(cache.get('half')).toBeDefined()
  })

  it('stays within its bound when values of the same key grow', () => {
    const cache = cacheOf(20)
    const keys = Array.from({ length: 10 }, (_, index) => `key ${index}`)
    for (const key of keys) cache.set(key, value(key))
    for (const key of keys) cache.set(key, value(key, 5))
    const weight = keys.reduce((sum, key) => sum + (cache.get(key)?.weight ?? 0), 0)
    expect(weight).toBeLessThanOrEqual(20)
  })

  it('agrees with a map on every value it has, whatever is done', () => {
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    const step = fc.record({
      verb: fc.constantFrom('set', 'set', 'set', 'get', 'delete'),
      key: fc.constantFrom(...keys),
      weight: fc.nat(12),
    })
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.array(step, { maxLength: 60 }), (weightMax, steps) => {
        const cache = cacheOf(weightMax)
        const model = new Map<string, Value>()
        for (const { verb, key, weight } of steps) {
          if (verb === 'set') {
            const next = value(key, weight)
            cache.set(key, next)
            model.set(key, next)
            expect(cache.get(key)).toBe(weight <= Math.floor(weightMax / 2) ? next : undefined)
          } else if (verb === 'get') {
            expect([undefined, model.get(key)]).toContain(cache.get(key))
          } else {
            cache.delete(key)
            model.delete(key)
          }
        }
        const held = keys.map((key) => cache.get(key)).filter((found) => found !== undefined)
        expect(held.every((found) => model.get(found.name) === found)).toBe(true)
      }),
      { seed },
    )
  })
})
