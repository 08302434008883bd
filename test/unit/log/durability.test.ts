import { describe, expect, it } from 'vitest'
import { checkDurability } from '../../../src/log/durability.ts'

describe('checkDurability', () => {
  it.each(['memory', 'os', 'disk'])('takes %s', (level) => {
    expect(checkDurability(level)).toBe(level)
  })

  it.each([
    'Disk',
    'fsync',
    '',
    'toString',
    '__proto__',
    'constructor',
    undefined,
    null,
    1,
    true,
    ['disk'],
    {},
    Symbol('disk'),
    new String('disk'),
  ])('refuses %s', (level) => {
    expect(() => checkDurability(level)).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ARGUMENT_INVALID' }),
    )
  })

  it('does not repeat a long value', () => {
    expect(() => checkDurability('x'.repeat(10_000))).toThrow(/^.{1,120}$/)
  })
})
