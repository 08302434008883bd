import { afterEach, describe, expect, it } from 'vitest'
import type { AppendLimits } from '../../../src/log/append-queue.ts'
import { type EncodableRecord, type RecordLike, RecordReader } from '../../../src/log/record-input.ts'

const NOW = 1_700_000_000_000
const limits: AppendLimits = {
  batchBytesMax: 1 << 20,
  segmentBytes: 1 << 30,
  bufferedBytesMax: 1 << 26,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: 3_600_000,
  keyRequired: false,
  partitionLeaderEpoch: 0,
}

class InheritedValue {
  get value(): string {
    return 'x'
  }
}

function read(input: unknown, changed: Partial<AppendLimits> = {}, index = 0): EncodableRecord {
  const reader = new RecordReader()
  return { ...reader.read(input as RecordLike, { index, nowMs: NOW, limits: { ...limits, ...changed } }) }
}

const wrong = (name: 'TypeError' | 'RangeError', message: RegExp) =>
  expect.objectContaining({ name, code: 'ARGUMENT_INVALID', message: expect.stringMatching(message) })
const refused = (code: string, message = /./) =>
  expect.objectContaining({ code, outcome: 'not-written', message: expect.stringMatching(message) })

describe('RecordReader', () => {
  afterEach(() => {
    for (const name of ['value', 'key', 'headers', 'timestamp'])
      delete (Object.prototype as Record<string, unknown>)[name]
  })

  it('takes bytes or a string alone for a value, at the time of the call', () => {
    const bytes = new Uint8Array([1, 2])
    expect(read('text')).toEqual({ value: 'text', key: null, headers: [], timestamp: NOW })
    expect(read(bytes).value).toBe(bytes)
    expect(read('').value).toBe('')
    expect(read(new Uint8Array()).value).toHaveLength(0)
  })

  it('takes fields, and null or nothing for those that are not there', () => {
    expect(read({ value: 'v', key: 'k', headers: { a: 'b' }, timestamp: 5 })).toEqual({
      value: 'v',
      key: 'k',
      headers: [['a', 'b']],
      timestamp: 5,
    })
    const nothing = { value: null, key: null, headers: [], timestamp: NOW }
    expect(read({})).toEqual(nothing)
    expect(read(Object.create(null))).toEqual(nothing)
    expect(read({ value: undefined, key: null, headers: undefined, timestamp: undefined })).toEqual(nothing)
  })

  it('takes the fields of an object of any class, if it has some of its own', () => {
    class Event {
      value = 'v'
      key = 'k'
    }
    expect(read(new Event())).toMatchObject({ value: 'v', key: 'k' })
  })

  it.each([
    ['undefined', () => undefined],
    ['null', () => null],
    ['a number', () => 5],
    ['a BigInt', () => 5n],
    ['a boolean', () => true],
    ['a function', () => () => 'x'],
    ['a symbol', () => Symbol('x')],
    ['a list', () => ['x']],
    ['a promise that was not awaited', () => Promise.resolve('x')],
    ['an ArrayBuffer', () => new ArrayBuffer(4)],
    ['a SharedArrayBuffer', () => new SharedArrayBuffer(4)],
    ['a DataView', () => new DataView(new ArrayBuffer(4))],
    ['a Uint16Array', () => new Uint16Array(4)],
    ['a Map', () => new Map([['value', () => 'x']])],
    ['a Date', () => new Date(0)],
    ['a proxy of bytes', () => new Proxy(new Uint8Array(4), {})],
    ['an object whose fields are all on its class', () => new InheritedValue()],
  ])('refuses %s for a record, and never stores an empty one instead', (_, make) => {
    expect(() => read(make(), {}, 3)).toThrow(wrong('TypeError', /record 3 must be/))
  })

  it.each([
    ['a number', () => 5],
    ['a BigInt', () => 5n],
    ['a boolean', () => true],
    ['an object', () => ({})],
    ['a list', () => []],
    ['an ArrayBuffer', () => new ArrayBuffer(4)],
    ['a DataView', () => new DataView(new ArrayBuffer(4))],
    ['a Uint16Array', () => new Uint16Array(1)],
    ['a proxy of bytes', () => new Proxy(new Uint8Array(1), {})],
  ])('refuses %s for a value, a key and a header value', (_, make) => {
    expect(() => read({ value: make() })).toThrow(wrong('TypeError', /^value of record 0 must be/))
    expect(() => read({ key: make() })).toThrow(wrong('TypeError', /^key of record 0 must be/))
    expect(() => read({ headers: { a: make() } })).toThrow(
      wrong('TypeError', /^a header value of record 0 must be/),
    )
  })

  it('refuses a view of memory that was handed to someone else', () => {
    const bytes = new Uint8Array(8)
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    expect(() => read(bytes)).toThrow(wrong('TypeError', /detached/))
    expect(() => read({ key: bytes })).toThrow(wrong('TypeError', /detached/))
  })

  it('refuses an unknown field and names the nearest one', () => {
    expect(() => read({ vlaue: 'x' })).toThrow(
      wrong('TypeError', /unknown field 'vlaue'; did you mean 'value'/),
    )
    expect(() => read({ value: 'x', partition: 1 })).toThrow(wrong('TypeError', /unknown field 'partition'$/))
    expect(() => read({ ['f'.repeat(9999)]: 1 })).toThrow(wrong('TypeError', /^.{1,140}$/))
    expect(() => read(new String('abc'))).toThrow(wrong('TypeError', /unknown field '0'/))
  })

  it('keeps headers in order, repeated names and all', () => {
    const headers = [
      ['b', '1'],
      ['a', null],
      ['b', new Uint8Array([2])],
      ['', ''],
    ]
    expect(read({ headers }).headers).toEqual(headers)
    expect(read({ headers: [] }).headers).toEqual([])
    expect(read({ headers: {} }).headers).toEqual([])
    expect(read({ headers: { b: '1', a: null } }).headers).toEqual([
      ['b', '1'],
      ['a', null],
    ])
  })

  it('takes __proto__, constructor and toString for header names like all others', () => {
    const headers = JSON.parse('{"__proto__":"1","constructor":"2","toString":"3"}') as object
    expect(read({ headers }).headers).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
      ['toString', '3'],
    ])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it.each([
    ['a string', 'a=b'],
    ['null', null],
    ['a number', 5],
    ['a Map', new Map([['a', 'b']])],
    ['bytes', new Uint8Array(2)],
    ['names without values', ['a', 'b']],
    ['a pair of one', [['a']]],
    ['a pair of three', [['a', 'b', 'c']]],
    ['a name that is no string', [[1, 'b']]],
    ['a value of undefined', [['a', undefined]]],
    ['a list with a hole', Object.assign([], { length: 2, 1: ['a', 'b'] })],
  ])('refuses %s for headers', (_, headers) => {
    expect(() => read({ headers })).toThrow(wrong('TypeError', /header/))
  })

  it('runs no code of a list of headers but that of its elements', () => {
    const headers = Object.assign([['a', 'b']], {
      map: () => 'nonsense',
      [Symbol.iterator]: () => {
        throw new Error('iterated')
      },
    })
    expect(read({ headers }).headers).toEqual([['a', 'b']])
  })

  it('passes over what is inherited', () => {
    Object.assign(Object.prototype, { value: 'polluted', key: 'polluted', timestamp: 1 })
    expect(read({})).toMatchObject({ value: null, key: null, timestamp: NOW })
    expect(
      read(Object.create({ value: 'inherited' }, { key: { value: 'own', enumerable: true } })),
    ).toMatchObject({
      value: null,
      key: 'own',
    })
  })

  it('reads each property once', () => {
    let reads = 0
    expect(
      read({
        get value() {
          return `read ${++reads}`
        },
      }).value,
    ).toBe('read 1')
    expect(reads).toBe(1)
  })

  it('lets what a getter throws through', () => {
    const error = new Error('no')
    expect(() =>
      read({
        get value(): string {
          throw error
        },
      }),
    ).toThrow(error)
  })

  it.each([Number.NaN, Infinity, -2, 1.5, 2 ** 53])('refuses %s for a timestamp', (timestamp) => {
    expect(() => read({ timestamp })).toThrow(
      wrong('RangeError', /^timestamp of record 0 must be a whole number/),
    )
  })

  it.each([5n, '5', null, new Date(5), {}])('refuses %s for a timestamp, type and all', (timestamp) => {
    expect(() => read({ timestamp })).toThrow(wrong('TypeError', /^timestamp of record 0 must be a number/))
  })

  it('says of nanoseconds that they are not ms', () => {
    expect(() => read({ timestamp: NOW * 1_000_000 })).toThrow(wrong('RangeError', /looks like a finer unit/))
    expect(() => read({ timestamp: NOW * 1000 })).toThrow(
      refused('TIMESTAMP_INVALID', /looks like a finer unit/),
    )
  })

  it('takes -1 for no time, and 0', () => {
    expect(read({ timestamp: -1 }, { timestampBeforeMaxMs: 0 }).timestamp).toBe(-1)
    expect(read({ timestamp: 0 }).timestamp).toBe(0)
    expect(Object.is(read({ timestamp: -0 }).timestamp, 0)).toBe(true)
  })

  it('holds CreateTime to both limits, strictly', () => {
    const narrow = { timestampBeforeMaxMs: 1000, timestampAfterMaxMs: 500 }
    expect(read({ timestamp: NOW - 1000 }, narrow).timestamp).toBe(NOW - 1000)
    expect(read({ timestamp: NOW + 500 }, narrow).timestamp).toBe(NOW + 500)
    expect(() => read({ timestamp: NOW - 1001 }, narrow)).toThrow(
      refused('TIMESTAMP_INVALID', /before\.max\.ms/),
    )
    expect(() => read({ timestamp: NOW + 501 }, narrow)).toThrow(
      refused('TIMESTAMP_INVALID', /after\.max\.ms/),
    )
  })

  it('lets the limits rest under LogAppendTime', () => {
    const narrow = {
      timestampType: 'LogAppendTime',
      timestampBeforeMaxMs: 0,
      timestampAfterMaxMs: 0,
    } as const
    expect(() => read({ timestamp: 5 }, narrow)).not.toThrow()
    expect(() => read({ timestamp: Number.NaN }, narrow)).toThrow(wrong('RangeError', /timestamp/))
  })

  it('asks for a key where the log is compacted', () => {
    expect(() => read('x', { keyRequired: true }, 2)).toThrow(
      refused('RECORD_INVALID', /^record 2 has no key/),
    )
    expect(() => read({ value: 'x', key: null }, { keyRequired: true })).toThrow(refused('RECORD_INVALID'))
    expect(read({ key: '' }, { keyRequired: true }).key).toBe('')
  })

  it('knows the largest timestamp of each call', () => {
    const reader = new RecordReader()
    const next = (timestamp: number, index: number) =>
      reader.read({ timestamp }, { index, nowMs: NOW, limits })
    for (const [index, timestamp] of [5, 9, 7].entries()) next(timestamp, index)
    expect(reader.takeMaxTimestamp()).toBe(9)
    next(3, 0)
    expect(reader.takeMaxTimestamp()).toBe(3)
    next(-1, 0)
    expect(reader.takeMaxTimestamp()).toBe(-1)
  })
})
