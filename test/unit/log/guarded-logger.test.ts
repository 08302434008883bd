import { describe, expect, it } from 'vitest'
import { guardLogger } from '../../../src/log/guarded-logger.ts'

const fail = (): never => {
  throw new Error('no disk for logs')
}

describe('guardLogger', () => {
  it('hands messages on, as methods of the logger', () => {
    class Logger {
      readonly said: unknown[] = []
      debug(details: object, message: string): void {
        this.said.push(['debug', details, message])
      }
      info(details: object, message: string): void {
        this.said.push(['info', details, message])
      }
      warn(details: object, message: string): void {
        this.said.push(['warn', details, message])
      }
      error(details: object, message: string): void {
        this.said.push(['error', details, message])
      }
    }
    const logger = new Logger()
    const guarded = guardLogger(logger)
    guarded.debug({ a: 1 }, 'one')
    guarded.info({}, 'two')
    guarded.warn({}, 'three')
    guarded.error({}, 'four')
    expect(logger.said).toEqual([
      ['debug', { a: 1 }, 'one'],
      ['info', {}, 'two'],
      ['warn', {}, 'three'],
      ['error', {}, 'four'],
    ])
  })

  it('swallows what a logger throws', () => {
    const guarded = guardLogger({ debug: fail, info: fail, warn: fail, error: fail })
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      expect(() => guarded[level]({}, 'x')).not.toThrow()
  })
})
