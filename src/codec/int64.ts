import { toSafeInteger } from '../core/index.ts'

const TWO_TO_32 = 0x1_0000_0000

/** The big-endian int64 at `at`, or the safe integer nearest to it. */
export function readInt64(bytes: Buffer, at: number): number {
  const high = bytes.readInt32BE(at)
  const low = bytes.readUInt32BE(at + 4)
  const value = high * TWO_TO_32 + low
  return Number.isSafeInteger(value) ? value : toSafeInteger(high, low).value
}

/** Says whether the big-endian int64 at `at` is a safe integer, so that `readInt64` gives exactly it. */
export function isSafeInt64(bytes: Buffer, at: number): boolean {
  return Number.isSafeInteger(bytes.readInt32BE(at) * TWO_TO_32 + bytes.readUInt32BE(at + 4))
}

/** The big-endian int64 at `at` when `nearest`, which `readInt64` gave for it, is not exactly it. */
export function readInexactInt64(bytes: Buffer, at: number, nearest: number): bigint | undefined {
  if (Math.abs(nearest) < Number.MAX_SAFE_INTEGER || isSafeInt64(bytes, at)) return undefined
  return bytes.readBigInt64BE(at)
}

/** Writes a whole number as a big-endian int64; a bigint is needed only outside the safe range. */
export function writeInt64(bytes: Buffer, at: number, value: number | bigint): void {
  if (typeof value === 'bigint') {
    bytes.writeBigInt64BE(value, at)
    return
  }
  const high = Math.floor(value / TWO_TO_32)
  bytes.writeInt32BE(high, at)
  bytes.writeUInt32BE(value - high * TWO_TO_32, at + 4)
}
