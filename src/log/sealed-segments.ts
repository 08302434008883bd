import { SeglogError } from '../core/index.ts'
import type { LogIndex } from '../offset-index/index.ts'
import { adoptFacts, rebuildFacts, type Segment, type SegmentFiles } from '../segment/index.ts'
import type { OpenDamage } from './recovery-report.ts'

/** What looking into sealed segments needs. */
export interface SealedOptions {
  readonly files: SegmentFiles
  readonly index: LogIndex
  readonly dense: boolean
  readonly batchBytesMax: number
  readonly indexIntervalBytes: number
}

/**
 * Compares what the index says of each sealed segment with the names of the files, and looks into those where the two
 * disagree; a segment the index does not know is left for later.
 *
 * Cost: none where they agree; one pass over the headers of each segment in doubt.
 */
export async function checkSealed(
  segments: readonly Segment[],
  options: SealedOptions,
): Promise<OpenDamage[]> {
  const damage: OpenDamage[] = []
  const known = options.index.allFacts()
  for (const [slot, segment] of segments.slice(0, -1).entries()) {
    const next = segments[slot + 1]!
    const facts = known.get(segment.baseOffset)
    const agrees =
      facts !== undefined &&
      facts.sizeBytes === segment.sizeBytes &&
      (options.dense ? facts.nextOffset === next.baseOffset : facts.nextOffset <= next.baseOffset)
    if (agrees) adoptFacts(segment, facts)
    else if (facts !== undefined || segment.sizeBytes === 0) {
      const found = await checkAgainstNext(segment, next, options)
      if (found !== undefined) damage.push(found)
    }
    segment.nextOffset = next.baseOffset
  }
  return damage
}

/** Looks into a sealed segment; says what is wrong with it, as seen from the one behind it. */
export async function checkAgainstNext(
  segment: Segment,
  next: Segment,
  options: SealedOptions,
): Promise<OpenDamage | undefined> {
  segment.nextOffset = segment.baseOffset
  const problem = await rebuildFacts(segment, options.files, options.index, options)
  const end = segment.nextOffset
  const fits = options.dense ? end === next.baseOffset : end <= next.baseOffset
  if (problem === undefined && fits) return undefined
  const overlap = end > next.baseOffset
  return {
    kind: problem !== undefined ? 'damaged' : 'gap',
    path: segment.path,
    position: problem?.position ?? segment.sizeBytes,
    firstLostOffset: Math.min(end, next.baseOffset),
    nextGoodOffset: next.baseOffset,
    message:
      problem?.message ??
      (overlap
        ? `the segment reaches to offset ${end}, into ${next.path}`
        : `the segment ends before offset ${end}, and ${next.path} is the next one`),
  }
}

/** The error of an opening that met damage it must not touch. */
export function logCorrupt(damage: OpenDamage): SeglogError {
  const { path, position, firstLostOffset, nextGoodOffset, message } = damage
  const next =
    nextGoodOffset === undefined ? 'nothing sound follows' : `offset ${nextGoodOffset} is the next good one`
  return new SeglogError(
    'LOG_CORRUPT',
    `${path} at position ${position}: ${message}; offset ${firstLostOffset} is lost, ${next}. ` +
      `Nothing was changed. onCorruption: 'readonly' opens what is left for reading`,
    { path, position, offset: firstLostOffset, found: nextGoodOffset },
  )
}
