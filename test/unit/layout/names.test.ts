import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  classifyEntry,
  FILE_NAMES,
  parseSegmentFileName,
  SIDECARS,
  segmentFileName,
  sidecarFileName,
} from '../../../src/layout/index.ts'
import { seed } from '../../helpers/seed.ts'

const base = '00000000000000081920'
const codeUnit = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit))

describe('segment names', () => {
  it('are 20 digits and .log', () => {
    expect(segmentFileName(0)).toBe('00000000000000000000.log')
    expect(segmentFileName(81_920)).toBe(`${base}.log`)
    expect(segmentFileName(Number.MAX_SAFE_INTEGER)).toBe('00009007199254740991.log')
  })

  it('come back as the base offset they were made of', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (baseOffset) => {
        expect(parseSegmentFileName(segmentFileName(baseOffset))).toBe(baseOffset)
      }),
      { seed },
    )
  })

  it('sort as their offsets do', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        expect(Math.sign(a - b)).toBe(segmentFileName(a) < segmentFileName(b) ? -1 : a === b ? 0 : 1)
      }),
      { seed },
    )
  })

  it.each([Number.NaN, -1, 1.5, 2 ** 53, Number.POSITIVE_INFINITY])('can not be made of %s', (baseOffset) => {
    expect(() => segmentFileName(baseOffset)).toThrow('seglog bug')
    expect(() => sidecarFileName(baseOffset, 'index')).toThrow('seglog bug')
  })

  it.each([
    '1.log',
    '0000000000000000000.log', // 19 digits
    '000000000000000000000.log', // 21
    '+0000000000000000001.log',
    '-0000000000000000001.log',
    '00000000000000000000.LOG',
    '00000000000000000000.log ',
    '00000000000000000000.log\n',
    '00000000000000000000log',
    '00000000000000000000.log.bak',
    '٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠.log',
    '00009007199254740992.log', // 2^53
    '09223372036854775808.log', // 2^63
    '99999999999999999999.log',
    `x${base}.log`,
    '',
    '.log',
  ])('are not %j', (name) => {
    expect(parseSegmentFileName(name)).toBeUndefined()
    expect(classifyEntry(name)).toEqual({ kind: 'unknown' })
  })
})

describe('classifyEntry', () => {
  it('tells a segment from the states a rewrite or a removal leaves it in', () => {
    expect(classifyEntry(`${base}.log`)).toEqual({ kind: 'segment', baseOffset: 81_920 })
    for (const kind of ['deleted', 'cleaned', 'swap'] as const) {
      expect(classifyEntry(`${base}.log.${kind}`)).toEqual({ kind, baseOffset: 81_920, of: 'log' })
    }
  })

  it("knows Kafka's files beside a segment, in every state", () => {
    for (const of of SIDECARS) {
      expect(classifyEntry(`${base}.${of}`)).toEqual({ kind: 'sidecar', baseOffset: 81_920, of })
      expect(sidecarFileName(81_920, of)).toBe(`${base}.${of}`)
      for (const kind of ['deleted', 'cleaned', 'swap'] as const) {
        expect(classifyEntry(`${base}.${of}.${kind}`)).toEqual({ kind, baseOffset: 81_920, of })
      }
    }
  })

  it('knows our own files by their exact names', () => {
    for (const name of Object.values(FILE_NAMES)) {
      expect(classifyEntry(name)).toEqual({ kind: 'own', name })
      expect(classifyEntry(` ${name}`)).toEqual({ kind: 'unknown' })
      expect(classifyEntry(`${name}~`)).toEqual({ kind: 'unknown' })
    }
  })

  it('calls temporary only what a replacement or a repair of ours can leave', () => {
    const temporary = Object.values(FILE_NAMES).filter(
      (name) => classifyEntry(`${name}.tmp`).kind === 'temporary',
    )
    expect(temporary.sort()).toEqual([
      '.kafka_cleanshutdown',
      'FAILED',
      'cleaner-offset-checkpoint',
      'leader-epoch-checkpoint',
      'log-start-offset-checkpoint',
      'meta.properties',
      'partition.metadata',
      'recovery-point-offset-checkpoint',
      'replication-offset-checkpoint',
      'topic.properties',
    ])
    expect(classifyEntry(`${base}.log.tmp`)).toEqual({ kind: 'temporary' })
    for (const name of [
      'mine.tmp',
      '.tmp',
      'FAILED.tmp.tmp',
      `${base}.index.tmp`,
      `${base}.log.swap.tmp`,
      '.lock.tmp',
    ]) {
      expect(classifyEntry(name)).toEqual({ kind: 'unknown' })
    }
  })

  it("leaves everybody else's files unknown", () => {
    for (const name of [
      '.DS_Store',
      'notes.txt',
      `${base}.log~`,
      `${base}.log.deleted.deleted`,
      '__proto__',
      'orders-0',
    ]) {
      expect(classifyEntry(name)).toEqual({ kind: 'unknown' })
    }
  })

  it('gives one answer for any name at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: codeUnit, maxLength: 60 }), (name) => {
        expect(classifyEntry(name).kind).toMatch(
          /^(segment|deleted|cleaned|swap|sidecar|own|temporary|unknown)$/,
        )
      }),
      { seed },
    )
  })
})
