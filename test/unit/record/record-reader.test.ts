import { describe, expect, it } from 'vitest'
import { batchAround, decode, errorOf, rawRecords, resealed, threeRecords } from './batches.ts'

/** Hex of a record with these parts after its length; the length is right unless given. */
function record(body: string, length = body.length / 2): string {
  const zigzag = length < 0 ? -2 * length - 1 : 2 * length
  let hex = ''
  let rest = zigzag
  for (; rest > 0x7f; rest = Math.floor(rest / 128))
    hex += ((rest & 0x7f) | 0x80).toString(16).padStart(2, '0')
  return hex + rest.toString(16).padStart(2, '0') + body
}

/** attributes, timestamp delta 0, offset delta 0 */
const START = '000000'
const NULL_KEY_VALUE = '0101'
const plain = record(`${START}${NULL_KEY_VALUE}00`)

function recordAt(offsetDelta: string): string {
  return record(`0000${offsetDelta}${NULL_KEY_VALUE}00`)
}

function messageOf(recordsHex: string): string {
  const error = errorOf(() => rawRecords(batchAround(recordsHex)))
  expect(error.code).toBe('BATCH_CORRUPT')
  expect(error.offset).toBe(100)
  return error.message
}

describe('a record', () => {
  it('of seven bytes is the smallest there is', () => {
    expect(plain).toHaveLength(14)
    expect(rawRecords(batchAround(plain))).toEqual([
      { offset: 100, timestamp: -1, key: null, value: null, headers: [] },
    ])
  })

  it('tells null from empty, in key, value and header value', () => {
    const [read] = rawRecords(batchAround(record(`${START}00000400000001`)))
    expect(read).toMatchObject({ key: Buffer.alloc(0), value: Buffer.alloc(0) })
    expect(read!.headers).toEqual([
      ['', Buffer.alloc(0)],
      ['', null],
    ])
  })

  it('takes any negative length of a key, a value or a header value for null', () => {
    const [read] = rawRecords(batchAround(record(`${START}0305020261ff01`)))
    expect(read).toMatchObject({ key: null, value: null, headers: [['a', null]] })
  })

  it('may have any attributes, which mean nothing', () => {
    expect(rawRecords(batchAround(record(`ff0000${NULL_KEY_VALUE}00`)))).toHaveLength(1)
  })

  it('may use longer integers than it needs', () => {
    expect(rawRecords(batchAround(record('00800080800081800081008000')))).toEqual(
      rawRecords(batchAround(plain)),
    )
  })
})

describe('a record that lies about', () => {
  it('its own length is damage, longer or shorter', () => {
    const body = `${START}0261026200`
    expect(rawRecords(batchAround(record(body)))).toHaveLength(1)
    const right = body.length / 2
    expect(messageOf(record(body, right + 1))).toContain(
      `a record length of ${right + 1} where ${right} bytes are left`,
    )
    expect(messageOf(record(body, right - 1))).toContain('an integer expected where 0 are left')
    expect(messageOf(record(`${body}00`))).toContain('bytes left over in a record')
  })

  it('a length that is negative, or none, is damage', () => {
    expect(messageOf(record(`${START}010100`, -1))).toContain('a record length of -1')
    expect(messageOf(record('', 0))).toContain('1 bytes expected where 0 are left')
    expect(messageOf(record('', 10))).toContain('a record length of 10 where 0 bytes are left')
  })

  it('two GiB is damage before it is memory', () => {
    const before = process.memoryUsage().arrayBuffers
    expect(messageOf(record(`${START}010100`, 2 ** 31 - 1))).toContain('a record length of 2147483647')
    expect(messageOf(record(`${START}feffffff0f0100`))).toContain(
      '2147483647 bytes expected where 2 are left',
    )
    expect(messageOf(record(`${START}0101feffffff0f`))).toContain('2147483647 headers in 0 bytes')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20)
  })

  it.each([
    ['key', 'd201'],
    ['value', '01d201'],
    ['header key', '010102d201'],
    ['header value', '01010200d201'],
  ])('its %s length, 105 of a 100-byte body, is damage', (_name, lengths) => {
    const body = START + lengths
    expect(messageOf(record(body + '00'.repeat(100 - body.length / 2)))).toContain('105 bytes expected where')
  })

  it('its headers is damage: a negative count, more than there is room for, no key', () => {
    expect(messageOf(record(`${START}010101`))).toContain('-1 headers in 0 bytes')
    expect(messageOf(record(`${START}0101c80100`))).toContain('100 headers in 1 bytes')
    expect(messageOf(record(`${START}01010201`))).toContain('a header without a key')
  })

  it('the number of its headers, by one either way, is damage', () => {
    expect(rawRecords(batchAround(record(`${START}01010400010001`)))[0]!.headers).toHaveLength(2)
    expect(messageOf(record(`${START}01010600010001`))).toContain('an integer expected where 0 are left')
    expect(messageOf(record(`${START}01010200010001`))).toContain('bytes left over in a record')
  })
})

describe('a record that breaks off', () => {
  const body = '00e1bf2200026102620202630264'

  it('at any byte is damage', () => {
    const whole = record(body)
    expect(rawRecords(batchAround(whole))).toHaveLength(1)
    for (let length = 0; length < whole.length; length += 2) messageOf(whole.slice(0, length))
  })

  it('in its body at any byte is damage, though its length knows', () => {
    for (let length = 0; length < body.length; length += 2) messageOf(record(body.slice(0, length)))
  })

  it('after its attributes is damage', () => {
    expect(messageOf(record('00'))).toContain('an integer expected where 0 are left')
  })

  it('inside its timestamp delta is damage, and so is a delta too long or too large', () => {
    expect(messageOf(record(`00${'80'.repeat(4)}`))).toContain('an integer expected where 0 are left')
    expect(messageOf(record(`00${'ff'.repeat(9)}02000101${'00'}`))).toContain('an integer passes 64 bits')
    expect(messageOf(record(`00${'80'.repeat(10)}00000101`))).toContain('an integer of more than 10 bytes')
  })
})

describe('offset deltas', () => {
  it('may leave holes, up to the last offset of the batch', () => {
    const bytes = batchAround(recordAt('02') + recordAt('08'), { recordCount: 2, lastOffsetDelta: 4 })
    expect(rawRecords(bytes).map(({ offset }) => offset)).toEqual([101, 104])
  })

  it.each([
    ['twice the same', recordAt('02') + recordAt('02')],
    ['falling', recordAt('04') + recordAt('02')],
    ['negative', recordAt('01') + recordAt('02')],
    ['above the last offset', recordAt('02') + recordAt('0a')],
  ])('%s are damage', (_name, recordsHex) => {
    const bytes = batchAround(recordsHex, { recordCount: 2, lastOffsetDelta: 4 })
    expect(errorOf(() => rawRecords(bytes)).message).toContain('an offset delta of')
  })
})

describe('the count of a batch', () => {
  it.each([
    [2, 'bytes left over behind the last record'],
    [4, 'an integer expected where 0 are left'],
    [2 ** 31 - 1, 'an integer expected where 0 are left'],
    [0, 'bytes left over behind the last record'],
  ])('as %d, for three records, is damage', (recordCount, message) => {
    const bytes = resealed(threeRecords(), (copy) => void copy.writeInt32BE(recordCount, 57))
    const error = errorOf(() => rawRecords(bytes))
    expect(error.code).toBe('BATCH_CORRUPT')
    expect(error.message).toContain(message)
  })

  it('does not stop the good records before the damage', () => {
    const bytes = resealed(threeRecords(), (copy) => void copy.writeInt32BE(4, 57))
    const records = decode(bytes)[Symbol.iterator]()
    for (let slot = 0; slot < 3; slot++) expect(records.next().value!.offset).toBe(slot)
    expect(errorOf(() => records.next()).code).toBe('BATCH_CORRUPT')
  })
})

describe('after damage', () => {
  it('a reader gives nothing more, however often it is asked', () => {
    const bytes = batchAround(record(`${START}0101fe`, 7) + plain + plain, { recordCount: 3 })
    const records = decode(bytes)[Symbol.iterator]()
    for (let attempt = 0; attempt < 3; attempt++)
      expect(errorOf(() => records.next()).code).toBe('BATCH_CORRUPT')
  })

  it('the error says where, and shows no contents', () => {
    const secret = Buffer.from('secret').toString('hex')
    const error = errorOf(() => rawRecords(batchAround(record(`${START}010c${secret}c801`))))
    expect(error.message).toBe('100 headers in 0 bytes: byte 75 of the batch, batch at offset 100')
    expect(JSON.stringify(error)).not.toContain('secret')
  })
})
