import { relative } from 'node:path'
import { partitionForKey } from '../../store/index.ts'
import type { DemoStore } from './demo-store.ts'
import type { Earthquake } from './earthquakes.ts'
import type { Page } from './page.ts'

/** What every chapter of the demo is handed. */
export interface Demo {
  readonly page: Page
  /** The store of the earthquakes, open for writing; whoever closes it opens it again. */
  readonly home: DemoStore
  /** The whole sample in order of time. */
  readonly earthquakes: readonly Earthquake[]
  /** The same by the partitions that their keys lead to: the one at slot n of its partition gets offset n there. */
  readonly byPartition: readonly (readonly Earthquake[])[]
  /** How many earthquakes are appended at the start; the others come later. */
  readonly counts: { readonly oneByOne: number; readonly together: number; readonly live: number }
}

/** One part of the demo. */
export type Chapter = (demo: Demo) => Promise<void>

/** How many partitions the earthquakes are spread over. */
export const PARTITIONS = 3

/** How much a segment of the demo holds; Kafka's default is 1 GiB, and its minimum for `segment.bytes` 1 MiB. */
export const SEGMENT_BYTES = 32 * 1024

/** The partition that an earthquake's key leads to. */
export function partitionOf({ net }: Earthquake): number {
  return partitionForKey(Buffer.from(net), PARTITIONS)
}

/** Spreads earthquakes over partitions as their keys say, each in its order. */
export function spread(earthquakes: readonly Earthquake[]): Earthquake[][] {
  const byPartition = Array.from({ length: PARTITIONS }, (): Earthquake[] => [])
  for (const earthquake of earthquakes) byPartition[partitionOf(earthquake)]!.push(earthquake)
  return byPartition
}

/** A path as one would type it here. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') ? path : short
}
