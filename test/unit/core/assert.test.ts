import { describe, expect, it } from 'vitest'
import { assert, assertNever, isSeglogError } from '../../../src/core/index.ts'

describe('assert', () => {
  it('passes what is true and says of everything else that it is our bug', () => {
    assert(1, 'never seen')
    for (const value of [false, 0, '', null, undefined, Number.NaN]) {
      expect(() => assert(value, 'the reason')).toThrow('seglog bug: the reason')
    }
  })

  it('is no operating error: nobody is to handle it', () => {
    try {
      assert(false, 'x')
    } catch (error) {
      expect(isSeglogError(error)).toBe(false)
    }
    expect.assertions(1)
  })
})

describe('assertNever', () => {
  it('fails at run time on what the types ruled out', () => {
    expect(() => assertNever('new member' as never)).toThrow('seglog bug: unexpected new member')
    expect(() => assertNever(Symbol('x') as never)).toThrow('Symbol(x)')
  })
})
