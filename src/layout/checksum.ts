const OFFSET_BASIS = 0x811c_9dc5
const PRIME = 0x0100_0193

/**
 * FNV-1a, 32 bits, for small files that are ours alone.
 *
 * Each step maps hashes one to one, so that any single changed byte changes the result; other damage passes once in 2^32.
 */
export function smallFileChecksum(bytes: Uint8Array): number {
  let hash = OFFSET_BASIS
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ bytes[at]!, PRIME)
  return hash >>> 0
}
