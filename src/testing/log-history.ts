/*
 * What a log was asked and what it answered, and what follows from it for a crash at any step.
 *
 * Each note carries the step at which it was made: how many operations the file system had done. A crash at a step is
 * judged by the notes up to it. What was acknowledged at a level that survives such a crash must be there, what was
 * tried may be there, what was refused as not written must not.
 */
import type { Durability } from '../log/index.ts'

/** A record as the oracle knows it: enough to tell it from every other. */
export type RecordPrint = string

/** One thing that happened; see the head of this file. */
export type LogNote = { readonly step: number } & (
  | {
      readonly kind: 'tried'
      readonly call: number
      readonly baseOffset: number
      readonly prints: readonly RecordPrint[]
    }
  | {
      readonly kind: 'acknowledged'
      readonly call: number
      readonly lastOffset: number
      readonly durability: Durability
    }
  | { readonly kind: 'refused'; readonly call: number; readonly isWritten: 'no' | 'unknown' }
  /** Everything below `offset` was said to be on disk. */
  | { readonly kind: 'durable'; readonly offset: number }
  | { readonly kind: 'truncating' | 'truncated'; readonly offset: number }
  /** The start may move up to `offset`, or has moved there for good. */
  | { readonly kind: 'startMoving' | 'startMoved'; readonly offset: number }
  | { readonly kind: 'configuring' | 'configured'; readonly key: string; readonly value: string | undefined }
)

/** How a log ended: a killed process leaves the cache, a power loss does not. */
export type CrashKind = 'kill' | 'power loss'

interface Candidate {
  readonly print: RecordPrint
  readonly call: number
}

/** What must, may and must not be found after a crash. */
export interface LogPromises {
  /** Every record below it must be there, from the start on. */
  readonly endMin: number
  /** What may be there, by offset; none at and above its length. */
  readonly candidates: readonly Candidate[]
  readonly startMin: number
  readonly startMax: number
  /** Offsets at which the log may end, besides those between two calls. */
  readonly cuts: ReadonlySet<number>
  /** What each updated key may be; one value once the update was acknowledged. */
  readonly config: ReadonlyMap<string, readonly (string | undefined)[]>
}

/** Works out what a crash of `kind` after the notes up to `step` may leave. */
export function promisesAt(
  notes: readonly LogNote[],
  { step, kind }: { step: number; kind: CrashKind },
): LogPromises {
  let candidates: Candidate[] = []
  let endMin = 0
  let startMin = 0
  let startMax = 0
  let truncatingTo = Infinity
  const cuts = new Set<number>()
  const config = new Map<string, readonly (string | undefined)[]>()
  for (const note of notes) {
    if (note.step > step) break
    switch (note.kind) {
      case 'tried':
        candidates = candidates.slice(0, note.baseOffset)
        for (const print of note.prints) candidates.push({ print, call: note.call })
        break
      case 'acknowledged':
        if (survives(note.durability, kind))
          endMin = Math.min(truncatingTo, Math.max(endMin, note.lastOffset + 1))
        break
      case 'refused': {
        const first = candidates.findIndex(({ call }) => call === note.call)
        if (note.isWritten === 'no' && first !== -1) candidates = candidates.slice(0, first)
        break
      }
      case 'durable':
        endMin = Math.min(truncatingTo, Math.max(endMin, note.offset))
        break
      case 'truncating':
        truncatingTo = note.offset
        endMin = Math.min(endMin, note.offset)
        cuts.add(note.offset)
        break
      case 'truncated':
        truncatingTo = Infinity
        candidates = candidates.slice(0, note.offset)
        break
      case 'startMoving':
        startMax = Math.max(startMax, note.offset)
        break
      case 'startMoved':
        startMin = Math.max(startMin, note.offset)
        startMax = Math.max(startMax, note.offset)
        break
      case 'configuring':
        config.set(note.key, [...(config.get(note.key) ?? [undefined]), note.value])
        break
      case 'configured':
        config.set(note.key, [note.value])
        break
    }
  }
  return { endMin, candidates, startMin, startMax, cuts, config }
}

function survives(durability: Durability, kind: CrashKind): boolean {
  return durability === 'disk' || (durability === 'os' && kind === 'kill')
}
