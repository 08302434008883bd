import { assert, INT32_MAX, isOffset } from '../core/index.ts'
import type { FileSystem } from '../fs/index.ts'
import {
  CHECKPOINT_BYTES_MAX,
  formatCheckpointText,
  type Parsed,
  parseCheckpointText,
  readSmallText,
} from './checkpoint-text.ts'
import { parseDecimal } from './topic-names.ts'

/** From `startOffset` on, batches carry this leader epoch, until the next entry's start. */
export interface EpochEntry {
  readonly epoch: number
  readonly startOffset: number
}

/** Formats `leader-epoch-checkpoint`: one line `<epoch> <startOffset>` an epoch, rising. */
export function formatEpochs(entries: readonly EpochEntry[]): string {
  for (const [slot, entry] of entries.entries())
    assert(follows(entries[slot - 1], entry), 'leader epochs out of order')
  return formatCheckpointText(entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`))
}

/** Parses `leader-epoch-checkpoint`; an epoch that doesn't rise, or an offset that falls, makes it a problem. */
export function parseEpochs(text: string): Parsed<EpochEntry[]> {
  const lines = parseCheckpointText(text)
  if (lines.problem !== undefined) return lines
  const entries: EpochEntry[] = []
  for (const [slot, line] of lines.value.entries()) {
    const [epochText = '', offsetText = '', ...rest] = line.split(' ')
    const epoch = parseDecimal(epochText)
    const startOffset = parseDecimal(offsetText)
    if (rest.length > 0 || epoch === undefined || startOffset === undefined) {
      return { problem: `has a line ${slot + 3} that is no <epoch> <startOffset>` }
    }
    const entry = { epoch, startOffset }
    if (!follows(entries.at(-1), entry)) return { problem: `has an epoch out of order in line ${slot + 3}` }
    entries.push(entry)
  }
  return { value: entries }
}

/** Reads the leader epochs at `path`; missing is empty, unbelievable is a problem to report and treat as empty. */
export function readEpochs(fileSystem: FileSystem, path: string): Parsed<EpochEntry[]> {
  return (
    readSmallText(fileSystem, path, { bytesMax: CHECKPOINT_BYTES_MAX, parse: parseEpochs }) ?? { value: [] }
  )
}

/** The epoch that new batches carry: the last one, or 0 for a log that has none. */
export function lastEpoch(entries: readonly EpochEntry[]): number {
  return entries.at(-1)?.epoch ?? 0
}

/** The epochs left when everything at and above `endOffset` is cut. */
export function truncateEpochsFromEnd(entries: readonly EpochEntry[], endOffset: number): EpochEntry[] {
  return entries.filter((entry) => entry.startOffset < endOffset)
}

/** The epochs left when everything below `startOffset` is gone: the first one kept then starts there. */
export function truncateEpochsFromStart(entries: readonly EpochEntry[], startOffset: number): EpochEntry[] {
  const later = entries.filter((entry) => entry.startOffset > startOffset)
  const current = entries.findLast((entry) => entry.startOffset <= startOffset)
  return current === undefined ? later : [{ epoch: current.epoch, startOffset }, ...later]
}

function follows(previous: EpochEntry | undefined, entry: EpochEntry): boolean {
  if (!isOffset(entry.epoch) || entry.epoch > INT32_MAX || !isOffset(entry.startOffset)) return false
  return previous === undefined || (entry.epoch > previous.epoch && entry.startOffset >= previous.startOffset)
}
