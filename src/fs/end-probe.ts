/*
 * Whether a file still ends where its writer left it, found by reading there.
 *
 * Every append asks, so it must cost little. A stat says it as well, and costs more than itself: Linux from 6.13 on gives
 * a file whose times were asked for new ones, to the nanosecond, at its next write, so that ext4 has its inode to journal
 * at every sync of a file filled ahead, which there is nothing to journal for otherwise (136 µs instead of 93).
 */
import { readSync } from 'node:fs'

const probe = new Uint8Array(2)

/** True for a file of `least` bytes or more and `most` bytes or less. */
export function isSizeBetween(descriptor: number, least: number, most: number): boolean {
  if (least > most) return false
  if (least === most && least > 0) return readSync(descriptor, probe, 0, 2, least - 1) === 1 // of two bytes, one is there
  const isLongEnough = least === 0 || readSync(descriptor, probe, 0, 1, least - 1) === 1
  return isLongEnough && readSync(descriptor, probe, 0, 1, most) === 0
}
