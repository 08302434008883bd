import { describe, expect, it } from 'vitest'
import {
  argumentRangeError,
  argumentTypeError,
  ERROR_TABLE,
  type ErrorCode,
  isSeglogError,
  SeglogError,
} from '../../../src/core/index.ts'

const codes = Object.keys(ERROR_TABLE) as ErrorCode[]

/** The same module once more, as a second installed copy of the package would load it. */
async function anotherCopy(): Promise<typeof import('../../../src/core/errors.ts')> {
  const url = new URL('../../../src/core/errors.ts?copy', import.meta.url)
  return (await import(url.href)) as typeof import('../../../src/core/errors.ts')
}

describe('SeglogError', () => {
  it('takes its traits from the row of its code', () => {
    for (const code of codes) {
      const error = new SeglogError(code, 'what happened')
      expect(error).toMatchObject({ code, message: 'what happened', ...ERROR_TABLE[code] })
      expect(error).toBeInstanceOf(Error)
      expect(error.name).toBe('SeglogError')
    }
  })

  it('keeps the place it is given, and has undefined for the rest', () => {
    const cause = new TypeError('below')
    const place = {
      path: '/a',
      position: 7,
      offset: 9,
      found: 'x',
      expected: 'y',
      outcome: 'unknown',
      cause,
    } as const
    expect(new SeglogError('BATCH_CORRUPT', 'm', place)).toMatchObject(place)
    const bare = new SeglogError('BATCH_CORRUPT', 'm')
    for (const field of ['path', 'position', 'offset', 'found', 'expected', 'outcome', 'cause'] as const) {
      expect(bare[field]).toBeUndefined()
    }
    expect('cause' in bare).toBe(false)
  })

  it('shows its class in a stack and hides its brand from a dump', () => {
    const error = new SeglogError('DISK_FULL', 'no room')
    expect(error.stack).toMatch(/^(SeglogError|Error): no room/)
    expect(String(error)).toBe('SeglogError: no room')
    expect(Object.keys(error)).not.toContain('name')
    expect(Object.getOwnPropertySymbols(error)).toEqual([])
  })
})

describe('isSeglogError', () => {
  it('knows an error of any code, and of one code only', () => {
    const error: unknown = new SeglogError('LOG_LOCKED', 'm')
    expect(isSeglogError(error)).toBe(true)
    expect(isSeglogError(error, 'LOG_LOCKED')).toBe(true)
    expect(isSeglogError(error, 'LOG_CLOSED')).toBe(false)
  })

  it('knows an error of another copy of the package', async () => {
    const copy = await anotherCopy()
    const error = new copy.SeglogError('LOG_LOCKED', 'm')
    expect(copy.SeglogError).not.toBe(SeglogError)
    expect(error).not.toBeInstanceOf(SeglogError)
    expect(isSeglogError(error, 'LOG_LOCKED')).toBe(true)
    expect(copy.isSeglogError(new SeglogError('LOG_LOCKED', 'm'), 'LOG_LOCKED')).toBe(true)
  })

  it('knows nothing else', () => {
    for (const other of [
      undefined,
      null,
      0,
      '',
      'LOG_LOCKED',
      {},
      [],
      new Error('x'),
      { code: 'LOG_LOCKED' },
      () => {},
    ]) {
      expect(isSeglogError(other)).toBe(false)
    }
  })
})

describe('the table of codes', () => {
  it('names each code in capitals and gives every row a kind and an exit code', () => {
    for (const code of codes) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)+$/)
      expect([1, 2, 3]).toContain(ERROR_TABLE[code].exitCode)
    }
  })

  it('exits with 1 for damage and for nothing else', () => {
    for (const code of codes)
      expect(ERROR_TABLE[code].exitCode === 1).toBe(ERROR_TABLE[code].kind === 'damage')
  })

  it('calls nothing retriable that poisons the log', () => {
    for (const code of codes) expect(ERROR_TABLE[code].retriable && ERROR_TABLE[code].poisons).toBe(false)
    expect(codes.filter((code) => ERROR_TABLE[code].retriable).sort()).toEqual([
      'BUFFER_FULL',
      'DISK_FULL',
      'LOG_LOCKED',
    ])
  })
})

describe('errors of wrong arguments', () => {
  it('are those of the language, with a code to match on', () => {
    expect(argumentTypeError('m')).toBeInstanceOf(TypeError)
    expect(argumentRangeError('m')).toBeInstanceOf(RangeError)
    for (const error of [argumentTypeError('m'), argumentRangeError('m')]) {
      expect(error).toMatchObject({ message: 'm', code: 'ARGUMENT_INVALID' })
      expect(isSeglogError(error)).toBe(false)
    }
  })
})
