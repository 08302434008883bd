import { crc32 as zlibCrc32 } from 'node:zlib'

/** CRC-32 (IEEE) of `bytes`, unsigned; only Kafka's formats before version 2 have it. */
export function crc32(bytes: Uint8Array): number {
  return zlibCrc32(bytes)
}
