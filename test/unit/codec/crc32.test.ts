import { expect, it } from 'vitest'
import { crc32 } from '../../../src/codec/index.ts'

it('crc32 has the check value of its definition, and is unsigned', () => {
  expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926)
  expect(crc32(Buffer.alloc(0))).toBe(0)
})
