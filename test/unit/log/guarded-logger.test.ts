import { describe, expect, it } from 'vitest'
import { guardLogger, labelLogger } from '../../../src/log/guarded-logger.ts'

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

  it("hands an error on under pino's name for it, and leaves the caller's details alone", () => {
    const said: object[] = []
    const say = (details: object): void => void said.push(details)
    const guarded = guardLogger({ debug: say, info: say, warn: say, error: say })
    const details = { error: new RangeError('no'), path: 'a' }
    guarded.warn(details, 'x')
    expect(said).toEqual([{ err: details.error, path: 'a' }])
    expect(Object.keys(details)).toEqual(['error', 'path'])
  })
})

describe('labelLogger', () => {
  it('says with every message whose it is; what the message says itself goes before it', () => {
    const said: unknown[] = []
    const say =
      (level: string) =>
      (details: object, message: string): void =>
        void said.push([level, details, message])
    const logger = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
    const labelled = labelLogger(logger, { topic: 'a', partition: 3 })
    labelled.debug({}, 'one')
    labelled.info({ offset: 1 }, 'two')
    labelled.warn({ topic: 'b' }, 'three')
    labelled.error({}, 'four')
    expect(said).toEqual([
      ['debug', { topic: 'a', partition: 3 }, 'one'],
      ['info', { topic: 'a', partition: 3, offset: 1 }, 'two'],
      ['warn', { topic: 'b', partition: 3 }, 'three'],
      ['error', { topic: 'a', partition: 3 }, 'four'],
    ])
  })
})
