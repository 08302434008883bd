/*
 * The checksum that every stored row carries, over its key and all its values.
 *
 * SQLite notices a damaged page, not a damaged row: a flipped bit in a number gives another number. Offset and position
 * are checked against the log, the timestamp can't be; and a row that turns up under another segment's key would send
 * every look-up astray. So the key is hashed too, as the reader asked for it.
 *
 * `mix` is a bijection of the hash for a given word, and of the word for a given hash: two rows that differ within one
 * 32-bit word never have the same checksum. That is every flipped bit of a 64-bit integer, except those that make it
 * unsafe or negative, which the reader refuses. Any other difference goes unnoticed once in 2^32.
 */

/** Where a hash starts: one for each kind of row, so that no row passes for one of another table. */
export const CHECKSUM_SEED = { log: 0x6c6f_6731, segment: 0x7365_6731, entry: 0x656e_7431 } as const

/** Adds a whole number from -1 to 2^53 - 1 to a hash; the result is a signed 32-bit number, as any hash here. */
export function hashInteger(hash: number, value: number): number {
  return mix(mix(hash, value | 0), Math.floor(value / 0x1_0000_0000))
}

/** Adds a text to a hash, its length included. */
export function hashText(hash: number, text: string): number {
  let result = hashInteger(hash, text.length)
  for (let at = 0; at < text.length; at++) result = mix(result, text.charCodeAt(at))
  return result
}

/** MurmurHash3's 32-bit finalizer, each step of which can be undone. */
function mix(hash: number, word: number): number {
  let result = hash ^ word
  result = Math.imul(result ^ (result >>> 16), 0x85eb_ca6b)
  result = Math.imul(result ^ (result >>> 13), 0xc2b2_ae35)
  // The addition keeps a row of zeros from hashing to zero.
  return ((result ^ (result >>> 16)) + 0x9e37_79b9) | 0
}
