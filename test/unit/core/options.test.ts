import vm from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nearestName, readOptions } from '../../../src/core/index.ts'
import { seed } from '../../helpers/seed.ts'

interface Options {
  durability?: string
  create?: boolean
}
const spec = { what: 'openLog', known: ['durability', 'create'] as const }
const read = (options: unknown) => readOptions<Options>(options, spec)

describe('readOptions', () => {
  it('copies what it is given; nothing given is no options', () => {
    expect({ ...read({ durability: 'os', create: undefined }) }).toEqual({
      durability: 'os',
      create: undefined,
    })
    expect({ ...read({}) }).toEqual({})
    expect({ ...read(undefined) }).toEqual({})
  })

  it('names the nearest known option for one it does not know', () => {
    expect(() => read({ durabilty: 'os' })).toThrow(
      "unknown openLog option 'durabilty'; did you mean 'durability'?",
    )
    expect(() => read({ somethingElse: 1 })).toThrow(/^unknown openLog option 'somethingElse'$/)
    expect(() => read({ durabilty: 'os' })).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
  })

  it.each([
    [null, 'null'],
    ['disk', 'string'],
    [7, 'number'],
    [[], 'array'],
    [() => {}, 'function'],
    [new Map([['durability', 'os']]), 'Map'],
    [new Date(), 'Date'],
    [Promise.resolve({}), 'Promise'],
  ])('refuses %o: it would silently mean the defaults', (options, name) => {
    expect(() => read(options)).toThrow(`openLog options must be an object, found ${name}`)
    expect(() => read(options)).toThrow(TypeError)
  })

  it('takes an object without a prototype and one from another realm', () => {
    expect({ ...read(Object.assign(Object.create(null), { create: false })) }).toEqual({ create: false })
    expect({ ...read(vm.runInNewContext('({ create: false })')) }).toEqual({ create: false })
  })

  it('reads each option once, and none from a prototype', () => {
    let reads = 0
    const options = {
      get durability() {
        return reads++ === 0 ? 'os' : 'disk'
      },
    }
    const copy = read(options)
    expect([copy.durability, copy.durability, reads]).toEqual(['os', 'os', 1])
    const polluted = Object.prototype as { durability?: string }
    try {
      polluted.durability = 'memory'
      expect(read({}).durability).toBeUndefined()
    } finally {
      delete polluted.durability
    }
  })

  it('is not fooled by the names every object has', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(() => read(JSON.parse(`{"${name}":1}`))).toThrow(`unknown openLog option '${name}'`)
    }
    expect(Object.getPrototypeOf(read({}))).toBeNull()
  })
})

describe('nearestName', () => {
  const known = ['retention.ms', 'retention.bytes', 'segment.bytes']

  it.each([
    ['retention.ms', 'retention.ms'],
    ['RETENTION.MS', 'retention.ms'],
    ['retentoin.ms', 'retention.ms'],
    ['segments.bytes', 'segment.bytes'],
    ['xyz', undefined],
    ['', undefined],
    ['completely.other', undefined],
  ])('of %j is %j', (name, nearest) => {
    expect(nearestName(name, known)).toBe(nearest)
  })

  it('finds a name behind any one typing slip', () => {
    const slip = fc.record({
      slot: fc.nat(11),
      kind: fc.constantFrom('drop', 'double', 'replace'),
    })
    fc.assert(
      fc.property(fc.constantFrom(...known), slip, (name, { slot, kind }) => {
        const tail = name.slice(slot + 1)
        const middle = kind === 'drop' ? '' : kind === 'double' ? name.charAt(slot).repeat(2) : '#'
        expect(nearestName(name.slice(0, slot) + middle + tail, known)).toBe(name)
      }),
      { seed },
    )
  })

  it('gives up at once on a name that is far too long', () => {
    expect(nearestName('x'.repeat(10_000_000), known)).toBeUndefined()
  })
})
