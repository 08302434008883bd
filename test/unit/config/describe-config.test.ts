import { describe, expect, it } from 'vitest'
import { describeConfigKeys } from '../../../src/config/index.ts'

const describeKey = (name: string) => describeConfigKeys().find((key) => key.name === name)

describe('the description of a key', () => {
  it('says all there is to know about it', () => {
    expect(describeKey('retention.ms')).toEqual({
      name: 'retention.ms',
      scope: 'topic',
      kind: 'long',
      unit: 'ms',
      default: '604800000',
      defaultReadable: '7d',
      valid: 'at least -1',
      synonyms: [
        { name: 'log.retention.ms', unit: 'ms' },
        { name: 'log.retention.minutes', unit: 'minutes' },
        { name: 'log.retention.hours', unit: 'hours' },
      ],
      status: 'active',
      meaning: expect.stringMatching(/older than this is deleted/),
    })
  })

  it('has no default where there is nothing unless it is set, and an empty one for an empty list', () => {
    expect(describeKey('internal.segment.bytes')?.default).toBeUndefined()
    expect(describeKey('cordoned.log.dirs')?.default).toBe('')
    expect(describeKey('flush.ms')?.default).toBe('9223372036854775807')
    expect(describeKey('preallocate')).toMatchObject({
      default: 'false',
      defaultReadable: undefined,
      synonyms: [{}],
    })
  })

  it('exists for every key once, topic-level ones first', () => {
    const keys = describeConfigKeys()
    expect(new Set(keys.map((key) => key.name)).size).toBe(keys.length)
    expect(keys.findIndex((key) => key.scope === 'broker')).toBe(
      keys.filter((key) => key.scope === 'topic').length,
    )
    expect(new Set(keys.map((key) => key.status))).toEqual(new Set(['active', 'store', 'inert']))
  })
})
