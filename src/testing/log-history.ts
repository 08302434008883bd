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
  /** A truncation failed, and the log goes on as it was. */
  | { readonly kind: 'truncationRefused' }
  /** The log was opened again, and what was found is on disk. */
  | { readonly kind: 'opened'; readonly startOffset: number; readonly endOffset: number }
  /** The start may move up to `offset`, or has moved there for good. */
  | { readonly kind: 'startMoving' | 'startMoved'; readonly offset: number }
  | {
      readonly kind: 'configuring' | 'configured'
      readonly call: number
      readonly key: string
      readonly value: string | undefined
    }
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
  const outlook = new Outlook(kind)
  for (const note of notes) {
    if (note.step > step) break
    outlook.take(note)
  }
  return outlook.promises
}

/** What a crash may leave, as far as the notes have been taken. */
class Outlook {
  readonly #kind: CrashKind
  #candidates: Candidate[] = []
  #promisedEnd = 0
  #startMin = 0
  #startMax = 0
  /** Where a truncation under way, or one that failed half-way, cuts; nothing from there on is promised. */
  #truncatingTo = Infinity
  readonly #cuts = new Set<number>()
  readonly #config = new Map<string, { call: number | undefined; value: string | undefined }[]>()

  constructor(kind: CrashKind) {
    this.#kind = kind
  }

  get promises(): LogPromises {
    return {
      endMin: Math.min(this.#promisedEnd, this.#truncatingTo),
      candidates: this.#candidates,
      startMin: this.#startMin,
      startMax: this.#startMax,
      cuts: this.#cuts,
      config: new Map(Array.from(this.#config, ([key, values]) => [key, values.map(({ value }) => value)])),
    }
  }

  take(note: LogNote): void {
    switch (note.kind) {
      case 'tried':
        this.#candidates = this.#candidates.slice(0, note.baseOffset)
        for (const print of note.prints) this.#candidates.push({ print, call: note.call })
        break
      case 'acknowledged':
        if (survives(note.durability, this.#kind)) this.#promise(note.lastOffset + 1)
        break
      case 'refused': {
        const first = this.#candidates.findIndex(({ call }) => call === note.call)
        if (note.isWritten === 'no' && first !== -1) this.#candidates = this.#candidates.slice(0, first)
        break
      }
      case 'durable':
        this.#promise(note.offset)
        break
      case 'startMoving':
        this.#startMax = Math.max(this.#startMax, note.offset)
        break
      case 'startMoved':
        this.#startMin = Math.max(this.#startMin, note.offset)
        this.#startMax = Math.max(this.#startMax, note.offset)
        break
      case 'configuring':
      case 'configured':
        this.#takeConfig(note)
        break
      default:
        this.#takeCut(note)
    }
  }

  #takeCut(
    note: Extract<LogNote, { kind: 'truncating' | 'truncated' | 'truncationRefused' | 'opened' }>,
  ): void {
    if (note.kind === 'truncating') {
      this.#truncatingTo = Math.min(this.#truncatingTo, note.offset)
      this.#cuts.add(note.offset)
      return
    }
    this.#truncatingTo = Infinity
    this.#cuts.clear() // a call that was cut in two ends there now: what comes next is another call
    if (note.kind === 'truncationRefused') return
    const end = note.kind === 'opened' ? note.endOffset : note.offset
    this.#promisedEnd = note.kind === 'opened' ? end : Math.min(this.#promisedEnd, end)
    this.#candidates = this.#candidates.slice(0, end)
    if (note.kind === 'opened') this.take({ kind: 'startMoved', step: note.step, offset: note.startOffset })
  }

  /** Once an update was acknowledged earlier values are gone; later ones may have been stored meanwhile. */
  #takeConfig({ kind, key, call, value }: Extract<LogNote, { kind: 'configuring' | 'configured' }>): void {
    const values = this.#config.get(key) ?? [{ call: undefined, value: undefined }]
    if (kind === 'configuring') this.#config.set(key, [...values, { call, value }])
    else this.#config.set(key, values.slice(values.findIndex((other) => other.call === call)))
  }

  #promise(end: number): void {
    this.#promisedEnd = Math.max(this.#promisedEnd, end)
  }
}

function survives(durability: Durability, kind: CrashKind): boolean {
  return durability === 'disk' || (durability === 'os' && kind === 'kill')
}
