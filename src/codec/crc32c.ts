import { createRequire } from 'node:module'
import crc32cPackage from 'crc-32/crc32c.js'

/** Below this a call into native code costs more than it saves; `npm run bench` has the row that says so. */
export const CRC_NATIVE_BYTES_MIN = 384

/** CRC-32C in JavaScript, unsigned. */
export function crc32cJavaScript(bytes: Uint8Array): number {
  return crc32cPackage.buf(bytes) >>> 0
}

/** CRC-32C by the processor's own instruction; undefined where the optional package has no build for the machine. */
export const crc32cNative: ((bytes: Uint8Array) => number) | undefined = loadNative()

/** CRC-32C (Castagnoli) of `bytes`, unsigned. */
export function crc32c(bytes: Uint8Array): number {
  if (crc32cNative !== undefined && bytes.length >= CRC_NATIVE_BYTES_MIN) return crc32cNative(bytes)
  return crc32cJavaScript(bytes)
}

function loadNative(): ((bytes: Uint8Array) => number) | undefined {
  try {
    const native = createRequire(import.meta.url)('@node-rs/crc32') as { crc32c(bytes: Uint8Array): number }
    return native.crc32c
  } catch {
    return undefined // optional: without it every checksum is the JavaScript one, slower and equal
  }
}
