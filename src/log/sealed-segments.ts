import { SeglogError, yieldToEventLoop } from '../core/index.ts'
import type { LogIndex } from '../offset-index/index.ts'
import {
  adoptFacts,
  findNextBatch,
  rebuildFacts,
  scanBatches,
  type ScanRange,
  type Segment,
  type SegmentFiles,
} from '../segment/index.ts'
import type { OpenDamage } from './recovery-report.ts'
import { isLegacy } from './tail-scan.ts'

/** After so many that need no look into their files, others have a turn. */
const SEGMENTS_A_TURN = 2048

/** What looking into sealed segments needs. */
export interface SealedOptions {
  readonly files: SegmentFiles
  readonly index: LogIndex
  readonly dense: boolean
  readonly batchBytesMax: number
  readonly indexIntervalBytes: number
  /** What lies below it can't be read any more, so nothing is lost there. */
  readonly startOffset: number
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
    if (slot % SEGMENTS_A_TURN === SEGMENTS_A_TURN - 1) await yieldToEventLoop()
    const next = segments[slot + 1]!
    const facts = known.get(segment.baseOffset)
    const agrees =
      facts !== undefined &&
      facts.sizeBytes === segment.sizeBytes &&
      (options.dense ? facts.nextOffset === next.baseOffset : facts.nextOffset <= next.baseOffset)
    const isWanted = next.baseOffset > options.startOffset
    if (agrees) adoptFacts(segment, facts)
    else if (isWanted && (facts !== undefined || segment.sizeBytes === 0)) {
      const found = await checkAgainstNext(segment, next, options)
      if (found !== undefined) damage.push(found)
    }
    segment.nextOffset = next.baseOffset
  }
  return damage
}

/**
 * Reads sealed segments, `unproven` among `segments`, down to the last checksum: Kafka wrote them, and nobody knows whether
 * they reached the disk whole. Damage is told and never cut here: Kafka would cut there, and drop every later segment.
 * Messages of the formats before version 2 are no damage; they are passed by their heads.
 *
 * Cost: one pass over their bytes.
 */
export async function checkUnproven(
  segments: readonly Segment[],
  unproven: readonly Segment[],
  options: SealedOptions,
): Promise<OpenDamage[]> {
  const damage: OpenDamage[] = []
  const onLegacy = options.dense ? undefined : () => {}
  for (const segment of unproven) {
    const next = segments[segments.indexOf(segment) + 1]!
    const found = await checkAgainstNext(segment, next, { ...options, depth: 'checksums', onLegacy })
    if (found !== undefined) damage.push({ ...found, message: `${found.message} (${UNPROVEN})` })
    segment.nextOffset = next.baseOffset
  }
  return damage
}

const UNPROVEN = 'Kafka had not synced it yet: a broker that starts here cuts the log at this place'

/**
 * Looks into a sealed segment; says what is wrong with it, as seen from the one behind it. What the index knows is put
 * right only where nothing is: it has to tell of the same damage at the next opening.
 */
async function checkAgainstNext(
  segment: Segment,
  next: Segment,
  options: SealedOptions & Partial<Pick<ScanRange, 'depth' | 'onLegacy'>>,
): Promise<OpenDamage | undefined> {
  const { path, sizeBytes: end, baseOffset } = segment
  const { files, dense, batchBytesMax, onLegacy } = options
  const range = { from: 0, end, expectedOffset: baseOffset, dense, batchBytesMax, onLegacy }
  const scan = (depth: 'headers' | 'checksums') =>
    scanBatches(files.source(segment), { ...range, depth }, () => {})
  let found = await scan(options.depth ?? 'headers')
  if (found.problem !== undefined) found = await scan('checksums') // which may have met it earlier
  const { problem, nextOffset } = found
  const lost = { path, firstLostOffset: Math.min(nextOffset, next.baseOffset) }
  if (problem !== undefined) {
    const { position, message } = problem
    const rest = {
      from: position,
      end,
      offsetMin: nextOffset,
      offsetEnd: next.baseOffset,
      dense,
      batchBytesMax,
    }
    const good = nextOffset < next.baseOffset ? await findNextBatch(files.source(segment), rest) : undefined
    const nextGoodOffset = good?.baseOffset ?? next.baseOffset
    return {
      ...lost,
      kind: 'damaged',
      position,
      nextGoodOffset,
      message,
      isUnsupported: isLegacy(problem, dense),
    }
  }
  if (dense ? nextOffset !== next.baseOffset : nextOffset > next.baseOffset) {
    const message =
      nextOffset > next.baseOffset
        ? `the segment reaches to offset ${nextOffset}, into ${next.path}`
        : `the segment ends before offset ${nextOffset}, and ${next.path} is the next one`
    return { ...lost, kind: 'gap', position: end, nextGoodOffset: next.baseOffset, message }
  }
  await rebuildFacts(segment, files, options.index, options)
  return undefined
}

/** A log whose first segment starts past its start offset; retention stores that offset before the first file goes. */
export function missingHead(
  { path, baseOffset }: { path: string; baseOffset: number },
  startOffset: number,
): OpenDamage {
  const message = `this is the first segment, and the log starts at offset ${startOffset}`
  const lost = { firstLostOffset: startOffset, nextGoodOffset: baseOffset }
  return { kind: 'missing-head', path, position: 0, ...lost, message }
}

/** The error of an opening that met damage it must not touch. */
export function logCorrupt(damage: OpenDamage): SeglogError {
  const { path, position, firstLostOffset, nextGoodOffset, message, isUnsupported = false } = damage
  const next =
    nextGoodOffset === undefined ? 'nothing sound follows' : `offset ${nextGoodOffset} is the next good one`
  const lost = isUnsupported ? 'is not there to be read' : 'is lost'
  return new SeglogError(
    isUnsupported ? 'FORMAT_UNSUPPORTED' : 'LOG_CORRUPT',
    `${path} at position ${position}: ${message}; offset ${firstLostOffset} ${lost}, ${next}. ` +
      `Nothing was changed. onCorruption: 'readonly' opens what is left for reading`,
    { path, position, offset: firstLostOffset, found: nextGoodOffset },
  )
}
