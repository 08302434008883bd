import type { Watermark } from '../layout/index.ts'
import type { WalkStop } from './followed-tail.ts'
import type { SegmentFile } from './log-directory.ts'
import type { OpenDamage } from './recovery-report.ts'
import { missingHead } from './sealed-segments.ts'

/** What the first half of a look found. */
export interface Sighting {
  readonly mark: Watermark | undefined
  readonly hasWriter: boolean
  readonly files: readonly SegmentFile[]
  /** Place in `files` of the last segment that has something to read. */
  readonly tailSlot: number
  /** How many bytes of that segment readers may look at. */
  readonly tailBytes: number
  readonly endOffset: number
  /** The writer may have truncated the log down to here since the last look. */
  readonly cutTo: number | undefined
  readonly stored: { readonly startOffset: number; readonly recoveryPoint: number }
  readonly stop: WalkStop | undefined
}

/** What the stored offsets say is lost; a log with a writer was looked at by the writer. */
export function damageSeen(
  { hasWriter, files, tailSlot, endOffset, stored, stop }: Sighting,
  { dense }: { readonly dense: boolean },
): OpenDamage[] {
  if (hasWriter) return []
  const { startOffset, recoveryPoint } = stored
  const damage: OpenDamage[] = []
  const first = files[0]!
  if (dense && first.baseOffset > startOffset) damage.push(missingHead(first, startOffset))
  const isBehind = stop === undefined && tailSlot < files.length - 1 // what is lost was in the empty last segment
  const { path, sizeBytes } = isBehind ? files.at(-1)! : files[tailSlot]!
  const durableEnd = Math.max(startOffset, recoveryPoint)
  const place = { path, position: stop?.position ?? sizeBytes }
  const message = `${stop?.message ?? 'the file ends'}, but everything below offset ${durableEnd} was on disk`
  if (stop !== undefined && stop.offset < recoveryPoint) {
    const { offset: firstLostOffset, nextGoodOffset, isUnsupported } = stop
    const kind = nextGoodOffset === undefined ? 'missing-tail' : 'damaged'
    damage.push({ ...place, kind, firstLostOffset, nextGoodOffset, message, isUnsupported })
  } else if (endOffset < durableEnd) {
    const lost = { firstLostOffset: endOffset, nextGoodOffset: undefined }
    damage.push({ ...place, ...lost, kind: 'missing-tail', message })
  }
  return damage
}
