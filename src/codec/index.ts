export { ByteCursor, type ReportDamage } from './byte-cursor.ts'
export { COMPRESSION_NAMES, type CompressionName, compressionName, decompress } from './compression.ts'
export { crc32 } from './crc32.ts'
export { CRC_NATIVE_BYTES_MIN, crc32c, crc32cJavaScript, crc32cNative } from './crc32c.ts'
export { isSafeInt64, readInexactInt64, readInt64, writeInt64 } from './int64.ts'
export { utf8Size, writeUtf8 } from './utf8.ts'
export {
  VARINT_BYTES_MAX,
  VARLONG_BYTES_MAX,
  varintSize,
  varlongSize,
  writeVarint,
  writeVarlong,
} from './varint.ts'
