/*
 * Variable-length integers as in Kafka records (and Protocol Buffers' sint32, sint64).
 *
 *   zigzag      0 -1 1 -2 2 …  becomes  0 1 2 3 4 …, so that small negative numbers stay short
 *   then        7 bits a byte, lowest first; the top bit says that another byte follows
 *
 * A varint holds 32 bits in 1 to 5 bytes, a varlong 64 in 1 to 10. For a value that fits 32 bits the two are the same.
 */

/** Longest encoding of a 32-bit value. */
export const VARINT_BYTES_MAX = 5

/** Longest encoding of a 64-bit value. */
export const VARLONG_BYTES_MAX = 10

/** Bytes that `writeVarint` takes for a signed 32-bit `value`. */
export function varintSize(value: number): number {
  return unsignedSize(((value << 1) ^ (value >> 31)) >>> 0)
}

/** Writes a signed 32-bit `value` at `at`; gives the position after it. */
export function writeVarint(bytes: Buffer, at: number, value: number): number {
  let position = at
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  while (zigzag > 0x7f) {
    bytes[position++] = (zigzag & 0x7f) | 0x80
    zigzag >>>= 7
  }
  bytes[position++] = zigzag
  return position
}

/** Bytes that `writeVarlong` takes for `value`: a whole number that a double holds exactly, or a signed 64-bit bigint. */
export function varlongSize(value: number | bigint): number {
  if (typeof value === 'number' && value === (value | 0)) return varintSize(value)
  const high = highHalf(value)
  const low = lowHalf(value)
  const zigzagHigh = ((high << 1) | (low >>> 31)) ^ (high >> 31)
  if (zigzagHigh === 0) return unsignedSize(((low << 1) ^ (high >> 31)) >>> 0)
  return Math.ceil((64 - Math.clz32(zigzagHigh)) / 7)
}

/** Writes `value`, as `varlongSize` takes it, at `at`; gives the position after it. */
export function writeVarlong(bytes: Buffer, at: number, value: number | bigint): number {
  if (typeof value === 'number' && value === (value | 0)) return writeVarint(bytes, at, value)
  const high = highHalf(value)
  const low = lowHalf(value)
  const sign = high >> 31
  let zigzagHigh = (((high << 1) | (low >>> 31)) ^ sign) >>> 0
  let zigzagLow = ((low << 1) ^ sign) >>> 0
  let position = at
  while (zigzagHigh !== 0 || zigzagLow > 0x7f) {
    bytes[position++] = (zigzagLow & 0x7f) | 0x80
    zigzagLow = ((zigzagLow >>> 7) | (zigzagHigh << 25)) >>> 0
    zigzagHigh >>>= 7
  }
  bytes[position++] = zigzagLow
  return position
}

function unsignedSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  return value < 0x1000_0000 ? 4 : 5
}

/** The upper 32 bits of a 64-bit value, signed. */
function highHalf(value: number | bigint): number {
  if (typeof value === 'bigint') return Number(BigInt.asIntN(32, value >> 32n))
  return Math.floor(value / 0x1_0000_0000)
}

/** The lower 32 bits of a 64-bit value, unsigned. */
function lowHalf(value: number | bigint): number {
  return typeof value === 'bigint' ? Number(BigInt.asUintN(32, value)) : value >>> 0
}
