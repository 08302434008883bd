import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { COMPRESSION_NAMES, compressionName, decompress } from '../../../src/codec/index.ts'
import { isSeglogError, type SeglogError } from '../../../src/core/index.ts'

const GZIP = 1
const ZSTD = 4
const plain = Buffer.from('a commit log, '.repeat(20_000))
const LIMIT = plain.length

function errorOf(action: () => unknown): SeglogError {
  try {
    action()
  } catch (error) {
    if (isSeglogError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('the compression registry', () => {
  it("has Kafka's ids", () => {
    expect(COMPRESSION_NAMES).toEqual(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
    expect([0, 4, 5, 7].map(compressionName)).toEqual(['none', 'zstd', undefined, undefined])
  })

  it('gives uncompressed bytes back as they are', () => {
    expect(decompress(0, plain, 1)).toBe(plain)
  })

  it.each([
    [2, 'snappy'],
    [3, 'lz4'],
    [5, 'unknown codec 5'],
    [6, 'unknown codec 6'],
    [7, 'unknown codec 7'],
  ])('refuses id %d by name', (id, name) => {
    const error = errorOf(() => decompress(id, plain, LIMIT))
    expect(error.code).toBe('COMPRESSION_UNSUPPORTED')
    expect(error.message).toContain(name)
  })

  it.each([0, -1, 1.5, Number.NaN])('takes no limit of %d', (limit) => {
    expect(() => decompress(GZIP, gzipSync(plain), limit)).toThrow(RangeError)
  })
})

describe.each([
  ['gzip', GZIP, gzipSync],
  ['zstd', ZSTD, zstdCompressSync],
] as const)('%s', (name, id, compress) => {
  const packed = compress(plain)

  it('comes out as it went in', () => {
    expect(decompress(id, packed, LIMIT).equals(plain)).toBe(true)
    expect(decompress(id, compress(Buffer.alloc(0)), 1)).toHaveLength(0)
  })

  it('may fill its limit and no byte more', () => {
    const error = errorOf(() => decompress(id, packed, LIMIT - 1))
    expect(error.code).toBe('RECORD_TOO_LARGE')
    expect(error.message).toContain(`${LIMIT - 1} bytes`)
    expect(error.expected).toBe(LIMIT - 1)
  })

  it('that would be huge is stopped at the limit, not held', () => {
    const bomb = compress(Buffer.alloc(64 << 20))
    const before = process.memoryUsage().arrayBuffers
    expect(errorOf(() => decompress(id, bomb, 1 << 20)).code).toBe('RECORD_TOO_LARGE')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 << 20)
  })

  it('may come in several frames, within one limit', () => {
    const two = Buffer.concat([compress(Buffer.from('ab')), compress(Buffer.from('c'))])
    expect(decompress(id, two, 3).toString()).toBe('abc')
    expect(errorOf(() => decompress(id, two, 2)).code).toBe('RECORD_TOO_LARGE')
    expect(errorOf(() => decompress(id, two, 1)).code).toBe('RECORD_TOO_LARGE')
  })

  it('cut short is damage, at every length', () => {
    const short = compress(Buffer.from('a few bytes'))
    for (let length = 0; length < short.length; length++) {
      const error = errorOf(() => decompress(id, short.subarray(0, length), LIMIT))
      expect([length, error.code]).toEqual([length, 'BATCH_CORRUPT'])
      expect(error.message).toContain(name)
      expect(error.cause).toBeInstanceOf(Error)
    }
  })

  it('with anything behind it is damage', () => {
    for (const tail of ['00', '0000000000', '6a756e6b6a756e6b']) {
      const longer = Buffer.concat([packed, Buffer.from(tail, 'hex')])
      expect(errorOf(() => decompress(id, longer, LIMIT)).code).toBe('BATCH_CORRUPT')
    }
  })

  it('that never was is damage', () => {
    expect(errorOf(() => decompress(id, Buffer.from('no such stream'), LIMIT)).code).toBe('BATCH_CORRUPT')
  })
})

describe('frames without end', () => {
  it('are damage when there are more than any producer writes', () => {
    const frame = zstdCompressSync(Buffer.alloc(0))
    const many = (count: number) => Buffer.concat(Array.from({ length: count }, () => frame))
    expect(decompress(ZSTD, many(64), 1)).toHaveLength(0)
    const error = errorOf(() => decompress(ZSTD, many(65), 1))
    expect(error.code).toBe('BATCH_CORRUPT')
    expect(error.message).toContain('64 zstd frames')
  })
})
