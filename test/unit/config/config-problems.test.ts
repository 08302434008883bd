import { describe, expect, it } from 'vitest'
import { specOf } from '../../../src/config/config-keys.ts'
import { ConfigProblems } from '../../../src/config/config-problems.ts'

const unknown = (name: string) => ({ name, canonical: undefined })

describe('the problems of a configuration', () => {
  it('throw nothing while there are none', () => {
    expect(() => new ConfigProblems().throwIfAny()).not.toThrow()
  })

  it('throw one error, in the order they were found', () => {
    const problems = new ConfigProblems()
    problems.add(unknown('b'), () => 'first')
    problems.addValue(specOf('preallocate'), 'maybe')
    expect(() => problems.throwIfAny()).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message:
          "invalid configuration, 2 problems\n  b: first\n  preallocate: found 'maybe', expected true or false",
      }),
    )
  })

  it('are known by the key they concern, under any of its names', () => {
    const problems = new ConfigProblems()
    problems.addValue(specOf('log.roll.hours'), 0)
    expect(problems.has('segment.ms')).toBe(true)
    expect(problems.has('log.roll.hours')).toBe(false)
    expect(problems.has('segment.bytes')).toBe(false)
  })

  it('past a hundred are counted, and neither described nor worked out', () => {
    const problems = new ConfigProblems()
    let described = 0
    for (let index = 0; index < 100_000; index++) {
      problems.add(unknown(`key.${index}`), () => `problem ${described++}`)
    }
    const lines = problems.toError().message.split('\n')
    expect(lines[0]).toBe('invalid configuration, 100000 problems')
    expect(lines).toHaveLength(102)
    expect(lines.at(-1)).toBe('  and 99900 more')
    expect(described).toBe(100)
  })

  it('keep the name of a key on its line', () => {
    const problems = new ConfigProblems()
    problems.add(unknown('a\nb\u001b[31m'), () => 'unknown key')
    expect(problems.toError().message).toBe('invalid configuration\n  a\\u000ab\\u001b[31m: unknown key')
  })
})
