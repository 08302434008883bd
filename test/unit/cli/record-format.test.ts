import { describe, expect, it } from 'vitest'
import { parseRecordFormat } from '../../../src/cli/record-format.ts'
import type { LogRecord } from '../../../src/record/index.ts'

const record: LogRecord = {
  offset: 42,
  timestamp: 1_700_000_000_000,
  key: Buffer.from('key'),
  value: Buffer.from([0xff, 0x00]),
  headers: [
    ['a', Buffer.from('1')],
    ['b', null],
    ['', Buffer.alloc(0)],
  ],
}
const empty: LogRecord = { offset: 0, timestamp: -1, key: null, value: null, headers: [] }

function format(text: string, printed = record, nullText = ''): Buffer {
  const pieces: Buffer[] = []
  const print = parseRecordFormat(text, { topic: 'orders', partition: 3, nullText })
  print(printed, (piece) => void pieces.push(Buffer.from(piece as Buffer)))
  return Buffer.concat(pieces)
}

describe('parseRecordFormat', () => {
  it.each([
    ['%o', '42'],
    ['%T', '1700000000000'],
    ['%k', 'key'],
    ['%K', '3'],
    ['%S', '2'],
    ['%h', 'a=1,b=NULL,='],
    ['%t-%p', 'orders-3'],
    ['%%%o%%', '%42%'],
    ['at %o:\\t%k\\n', 'at 42:\tkey\n'],
    ['\\x41\\\\', 'A\\'],
    ['', ''],
    ['é%o', 'é42'],
  ])('prints %j', (text, expected) => {
    expect(format(text).toString()).toBe(expected)
  })

  it('prints values as they are, and their length as an int32', () => {
    expect(format('%s')).toEqual(Buffer.from([0xff, 0x00]))
    expect(format('%R')).toEqual(Buffer.from([0, 0, 0, 2]))
    expect(format('%R', empty)).toEqual(Buffer.from([255, 255, 255, 255]))
  })

  it('prints null as nothing or as it is told, and its length as -1', () => {
    expect(format('[%k|%s|%K|%S|%h|%T]', empty).toString()).toBe('[||-1|-1||-1]')
    expect(format('[%k|%s]', empty, 'NULL').toString()).toBe('[NULL|NULL]')
  })

  it('prints a timestamp that no number can hold', () => {
    const far = { ...record, timestamp: Number.MAX_SAFE_INTEGER, timestampExact: 2n ** 62n }
    expect(format('%T', far).toString()).toBe(String(2n ** 62n))
  })

  it('refuses what is no token, naming those there are', () => {
    for (const text of ['%', '%x', 'a%', '%é', '%_', '%constructor']) {
      expect(() => format(text), text).toThrow('there are %o %T %k %K %s %S %R %h %t %p %%')
    }
  })

  it('refuses what is no escape', () => {
    for (const text of ['\\q', '\\', 'a\\x1']) expect(() => format(text), text).toThrow('\\xNN')
  })
})
