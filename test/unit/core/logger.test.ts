import { describe, expect, it } from 'vitest'
import { type PinoLike, silentLogger } from '../../../src/core/index.ts'

describe('the silent logger', () => {
  it('takes every message and answers nothing', () => {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      expect(silentLogger[level]({ offset: 1 }, 'message')).toBeUndefined()
    }
  })

  it('can be replaced by the console', () => {
    const logger: PinoLike = console
    expect(
      Object.keys(silentLogger).every((level) => typeof logger[level as keyof PinoLike] === 'function'),
    ).toBe(true)
  })
})
