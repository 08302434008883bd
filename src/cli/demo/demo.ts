import { relative } from 'node:path'
import type { Log } from '../../index.ts'
import type { Earthquake } from './earthquakes.ts'
import type { Page } from './page.ts'

/** What every chapter of the demo is handed. */
export interface Demo {
  readonly page: Page
  /** The log of the earthquakes, open for writing. */
  readonly log: Log
  /** The whole sample in order of time: the one at slot n gets offset n. */
  readonly earthquakes: readonly Earthquake[]
  /** How many earthquakes are appended at the start; the others come later. */
  readonly counts: { readonly oneByOne: number; readonly together: number; readonly live: number }
  /** Where the process that is killed keeps its log. */
  readonly crashDirectory: string
}

/** One part of the demo. */
export type Chapter = (demo: Demo) => Promise<void>

/** How much a segment of the demo holds; Kafka's default is 1 GiB, and its minimum for `segment.bytes` 1 MiB. */
export const SEGMENT_BYTES = 32 * 1024

/** A path as one would type it here. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') ? path : short
}
