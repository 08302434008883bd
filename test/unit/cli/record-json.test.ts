import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatJson } from '../../../src/cli/escape.ts'
import { parseJsonRecord, toJsonRecord } from '../../../src/cli/record-json.ts'
import type { LogRecord } from '../../../src/record/index.ts'
import { seed } from '../../helpers/seed.ts'

const toBytes = (field: unknown) => (field === null ? null : Buffer.from(field as Buffer))

const line = (record: LogRecord) => formatJson(toJsonRecord(record))

describe('a record in JSON', () => {
  it('has its fields in a fixed order, null as null, and says what is base64', () => {
    expect(
      line({
        offset: 7,
        timestamp: 1000,
        key: null,
        value: Buffer.from([0xff]),
        headers: [
          ['a', Buffer.from('x')],
          ['a', null],
          ['b', Buffer.from([0x80])],
        ],
      }),
    ).toBe(
      '{"offset":7,"timestamp":1000,"key":null,"value":"/w==","valueEncoding":"base64",' +
        '"headers":[["a","x"],["a",null],["b","gA==","base64"]]}',
    )
  })

  it('has a timestamp that no number can hold as the text of its digits', () => {
    const record = { offset: 0, timestamp: Number.MAX_SAFE_INTEGER, timestampExact: 2n ** 62n }
    expect(line({ ...record, key: null, value: null, headers: [] })).toContain(
      '"timestamp":"4611686018427387904"',
    )
  })

  it('reads back as what it was, but for the offset', () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 20 }).map((input) => Buffer.from(input)))
    const name = fc.string({ unit: 'grapheme', maxLength: 5 })
    fc.assert(
      fc.property(
        bytes,
        bytes,
        fc.array(fc.tuple(name, bytes), { maxLength: 3 }),
        fc.maxSafeInteger(),
        (key, value, headers, timestamp) => {
          const parsed = parseJsonRecord(line({ offset: 3, timestamp, key, value, headers }))
          expect({ ...parsed, key: toBytes(parsed.key), value: toBytes(parsed.value) }).toEqual({
            key,
            value,
            timestamp,
            headers: (parsed.headers as [string, unknown][]).map(([header, field]) => [header, field]),
          })
          expect(
            (parsed.headers as [string, unknown][]).map(([header, field]) => [header, toBytes(field)]),
          ).toEqual(headers)
        },
      ),
      { seed },
    )
  })
})

describe('parseJsonRecord', () => {
  it('takes what is left out for null, no headers, and the time of the append', () => {
    expect(parseJsonRecord('{"value":"v"}')).toEqual({ key: null, value: 'v' })
    expect(parseJsonRecord('{}')).toEqual({ key: null, value: null })
  })

  it.each([
    ['{', 'not JSON'],
    ['', 'not JSON'],
    ['"text"', 'JSON object'],
    ['[]', 'JSON object'],
    ['null', 'JSON object'],
    ['{"vaule":"v"}', 'unknown field "vaule", did you mean "value"?'],
    ['{"__proto__":{}}', 'unknown field "__proto__"'],
    ['{"value":5}', 'value must be a text or null'],
    ['{"key":{}}', 'key must be a text or null'],
    ['{"key":"%","keyEncoding":"base64"}', 'key is not base64'],
    ['{"value":"x","valueEncoding":"hex"}', 'valueEncoding must be "base64"'],
    ['{"timestamp":"4611686018427387904"}', 'whole number of ms'],
    ['{"timestamp":1.5}', 'whole number of ms'],
    ['{"headers":{}}', 'list of [name, value]'],
    ['{"headers":[["a"]]}', 'each header'],
    ['{"headers":[["a","b","base64","x"]]}', 'each header'],
    ['{"headers":[[1,"b"]]}', 'each header'],
    ['{"headers":["ab"]}', 'each header'],
    ['{"headers":[["a",1]]}', 'a header value must be a text or null'],
  ])('refuses %s', (text, message) => {
    expect(() => parseJsonRecord(text)).toThrow(TypeError)
    expect(() => parseJsonRecord(text)).toThrow(message)
  })

  it('says which partition a record is from where it is asked to, and passes over that when reading it', () => {
    const found = { offset: 3, timestamp: 5, key: null, value: Buffer.from('v'), headers: [] }
    const json = JSON.stringify(toJsonRecord(found, { topic: 'orders', partition: 2 }))
    expect(json).toBe(
      '{"topic":"orders","partition":2,"offset":3,"timestamp":5,"key":null,"value":"v","headers":[]}',
    )
    expect(parseJsonRecord(json)).toEqual({ key: null, value: 'v', timestamp: 5, headers: [] })
  })
})
