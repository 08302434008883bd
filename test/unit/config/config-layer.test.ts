import { describe, expect, it } from 'vitest'
import { readLayer } from '../../../src/config/config-layer.ts'
import { ConfigProblems } from '../../../src/config/config-problems.ts'

function read(layer: unknown) {
  const problems = new ConfigProblems()
  const result = readLayer(layer, problems)
  return { ...result, message: problems.toError().message }
}

const valueOf = (layer: Record<string, unknown>, key: string) =>
  new Map<string, unknown>(read(layer).values).get(key)

describe('the keys of one layer', () => {
  it('are taken by rank, whatever their order: the topic-level key, then ms, minutes, hours', () => {
    const all = {
      'log.retention.hours': 1,
      'log.retention.minutes': 2,
      'log.retention.ms': 3,
      'retention.ms': 4,
    }
    expect(valueOf(all, 'retention.ms')).toBe(4)
    expect(valueOf({ ...all, 'retention.ms': null }, 'retention.ms')).toBe(3)
    expect(valueOf({ 'log.retention.hours': 1, 'log.retention.minutes': 2 }, 'retention.ms')).toBe(120_000)
    expect(valueOf({ 'log.retention.hours': 1 }, 'retention.ms')).toBe(3_600_000)
  })

  it.each([
    ['log.roll.ms', 'log.roll.hours', 'segment.ms'],
    ['log.roll.jitter.ms', 'log.roll.jitter.hours', 'segment.jitter.ms'],
  ])('%s comes before %s', (ms, hours, key) => {
    expect(valueOf({ [hours]: 2, [ms]: 5 }, key)).toBe(5)
    expect(valueOf({ [hours]: 2 }, key)).toBe(7_200_000)
  })

  it('log.flush.interval.ms comes before log.flush.scheduler.interval.ms', () => {
    expect(valueOf({ 'log.flush.scheduler.interval.ms': 5, 'log.flush.interval.ms': 6 }, 'flush.ms')).toBe(6)
    expect(valueOf({ 'log.flush.scheduler.interval.ms': 5 }, 'flush.ms')).toBe(5)
  })

  it('log.dirs comes before log.dir', () => {
    expect(valueOf({ 'log.dir': '/a', 'log.dirs': '/b,/c' }, 'log.dirs')).toEqual(['/b', '/c'])
    expect(valueOf({ 'log.dir': '/a' }, 'log.dirs')).toEqual(['/a'])
  })

  it('take durations where a synonym is in ms, and plain numbers where it is in hours', () => {
    expect(valueOf({ 'log.roll.ms': '2h' }, 'segment.ms')).toBe(7_200_000)
    expect(read({ 'log.roll.hours': '2h' }).message).toContain('log.roll.hours: found')
  })
})

describe('a broker’s retention', () => {
  it.each([
    ['log.retention.ms', -5],
    ['log.retention.minutes', -1],
    ['log.retention.hours', '-168'],
  ])('of %s below zero means -1', (name, value) => {
    expect(valueOf({ [name]: value }, 'retention.ms')).toBe(-1)
  })

  it.each(['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'])(
    'of %s zero is refused',
    (name) => {
      expect(read({ [name]: 0 }).message).toBe(
        `invalid configuration\n  ${name}: found 0, expected -1 for no limit, or at least 1`,
      )
    },
  )

  it('of zero is refused where it would take effect among the broker’s own keys, and only there', () => {
    const clean = new ConfigProblems().toError().message
    expect(read({ 'log.retention.hours': 0, 'log.retention.ms': 5 }).message).toBe(clean)
    expect(read({ 'log.retention.ms': 0, 'log.retention.hours': 5 }).message).not.toBe(clean)
    expect(read({ 'log.retention.ms': 0, 'retention.ms': 5 }).message).not.toBe(clean)
  })

  it('may be zero as a topic’s', () => {
    expect(valueOf({ 'retention.ms': 0 }, 'retention.ms')).toBe(0)
  })
})

describe('null in a layer', () => {
  it('resets the key under any of its names, unless another of them has a value', () => {
    expect([...read({ 'retention.ms': null }).resets]).toEqual(['retention.ms'])
    expect([...read({ 'log.retention.hours': null }).resets]).toEqual(['retention.ms'])
    expect([...read({ 'retention.ms': null, 'log.retention.hours': 1 }).resets]).toEqual([])
    expect([...read({ 'retention.ms': undefined }).resets]).toEqual([])
    expect([...read({ listeners: null }).resets]).toEqual(['listeners'])
  })
})

describe('a name that is no key', () => {
  it.each([
    ['retention.mss', "unknown key; did you mean 'retention.ms'?"],
    ['Retention.Ms', "unknown key; did you mean 'retention.ms'?"],
    ['segment.byte', "unknown key; did you mean 'segment.bytes'?"],
    ['log.retention.hour', "unknown key; did you mean 'log.retention.hours'?"],
    ['listener', "unknown key; did you mean 'listeners'?"],
    ['fsync.every.now.and.then.please', 'unknown key'],
    ['', 'unknown key'],
    ['message.format.version', 'Kafka 4.0 removed it; batches are always of format 2'],
    [
      'log.message.timestamp.difference.max.ms',
      "Kafka 4.0 removed it; use 'message.timestamp.before.max.ms' and 'message.timestamp.after.max.ms'",
    ],
  ])('%j: %s', (name, expected) => {
    expect(read({ [name]: 1 }).message).toBe(`invalid configuration\n  ${name}: ${expected}`)
  })

  it('of a megabyte is cut in the message and compared with nothing', () => {
    const { message } = read({ ['retention.ms'.repeat(90_000)]: 1 })
    expect(message.length).toBeLessThan(150)
    expect(message).toMatch(/…: unknown key$/)
  })
})
