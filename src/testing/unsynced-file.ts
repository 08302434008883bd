/*
 * What the disk holds of one file while the cache holds more: the bytes that are surely there, and the changes since
 * that no sync has covered. A crash decides about each of those changes.
 *
 * After a failed sync the range it was to save is doomed: the disk has zeros there, the cache calls it clean, and
 * neither another sync nor writing the same place again brings it back. Only a cut below it, synced, frees the place.
 */
import { assert, type Random } from '../core/index.ts'
import { FileBytes } from './file-bytes.ts'

/** A change of a file that may or may not survive. */
export type FileChange =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly sizeBytes: number }

/**
 * What becomes of bytes that no sync has covered.
 * `kept` all of them survive · `lost` none · `zeros` the file has its size, and zeros where they were · `torn` each change
 * for itself is whole, gone, or there in some sectors of 512 bytes only, with or without the size it gave the file.
 */
export type BytesFate = 'kept' | 'lost' | 'zeros' | 'torn'

interface Range {
  readonly from: number
  readonly end: number
}

const SECTOR_BYTES = 512

/** One file, as the disk has it and as it may come to have it. */
export class UnsyncedFile {
  #durable: FileBytes
  #changes: FileChange[]
  #doomed: Range[]
  /** How many of the changes each sync under way is to cover. */
  readonly #covered: Map<number, number>
  /** Syncs under way that were to save what another one has lost. */
  readonly #failing: Set<number>

  constructor(durable = new FileBytes()) {
    this.#durable = durable
    this.#changes = []
    this.#doomed = []
    this.#covered = new Map()
    this.#failing = new Set()
  }

  copy(): UnsyncedFile {
    const copy = new UnsyncedFile(this.#durable.copy())
    copy.#changes = [...this.#changes]
    copy.#doomed = [...this.#doomed]
    for (const [sync, count] of this.#covered) copy.#covered.set(sync, count)
    for (const sync of this.#failing) copy.#failing.add(sync)
    return copy
  }

  /** True when a power loss can change nothing. */
  get isSynced(): boolean {
    return this.#changes.length === 0 && this.#doomed.length === 0
  }

  change(change: FileChange): void {
    this.#changes.push(change)
  }

  beginSync(sync: number): void {
    this.#covered.set(sync, this.#changes.length)
  }

  endSync(sync: number): void {
    for (const change of this.#takeCovered(sync)) this.#apply(change)
  }

  /** What the sync was to save is lost; the file on disk has its size, or the one before, with `keepsSize` or without. */
  failSync(sync: number, { keepsSize }: { keepsSize: boolean }): void {
    this.#tellOthers(sync)
    for (const change of this.#takeCovered(sync)) {
      if (change.kind === 'truncate') {
        this.#apply(change)
        continue
      }
      const { position: from, bytes } = change
      const end = from + bytes.length
      this.#doomed.push({ from, end })
      if (keepsSize && end > this.#durable.length) this.#durable.resize(end)
      this.#durable.zero(from, end)
    }
  }

  /** The bytes a crash leaves. */
  survivor(fate: BytesFate, random: Random): FileBytes {
    if (fate === 'lost' || this.#changes.length === 0) return this.#durable.copy()
    const rest = this.copy()
    for (const change of this.#changes) rest.#survive(change, fate, random)
    return rest.#durable
  }

  #survive(change: FileChange, fate: BytesFate, random: Random): void {
    if (fate === 'kept') return this.#apply(change)
    if (change.kind === 'truncate') {
      if (fate === 'zeros' || random.below(2) === 0) this.#apply(change)
      return
    }
    const { position, bytes } = change
    const end = position + bytes.length
    if (fate === 'zeros') return this.#apply({ kind: 'write', position, bytes: new Uint8Array(bytes.length) })
    switch (random.below(4)) {
      case 0:
        return this.#apply(change)
      case 1:
        return
      case 2: // the size got there, the bytes did not
        if (end > this.#durable.length) this.#durable.resize(end)
        return
      default:
        this.#tear(position, bytes, random)
    }
  }

  /** Some of the sectors that the write touches get there, each whole. */
  #tear(position: number, bytes: Uint8Array, random: Random): void {
    for (let from = position; from < position + bytes.length; ) {
      const end = Math.min(position + bytes.length, from - (from % SECTOR_BYTES) + SECTOR_BYTES)
      if (random.below(2) === 0)
        this.#apply({ kind: 'write', position: from, bytes: bytes.subarray(from - position, end - position) })
      from = end
    }
  }

  /** True of a sync that can't end well any more: kernels tell everyone who was waiting of the error. */
  isFailing(sync: number): boolean {
    return this.#failing.has(sync)
  }

  #tellOthers(failed: number): void {
    if (this.#covered.get(failed) === 0) return
    for (const [other, count] of this.#covered) if (other !== failed && count > 0) this.#failing.add(other)
  }

  #takeCovered(sync: number): FileChange[] {
    const count = this.#covered.get(sync)
    assert(count !== undefined, 'a sync ended that had not begun')
    this.#covered.delete(sync)
    this.#failing.delete(sync)
    for (const [other, left] of this.#covered) this.#covered.set(other, Math.max(0, left - count))
    return this.#changes.splice(0, count)
  }

  /** Brings a change to the disk; what lies in a doomed range stays as it is there. */
  #apply(change: FileChange): void {
    if (change.kind === 'truncate') {
      this.#durable.resize(change.sizeBytes)
      this.#doomed = this.#doomed
        .map(({ from, end }) => ({ from, end: Math.min(end, change.sizeBytes) }))
        .filter(({ from, end }) => from < end)
      return
    }
    this.#durable.write(change.position, change.bytes)
    for (const { from, end } of this.#doomed) {
      const first = Math.max(from, change.position)
      const last = Math.min(end, change.position + change.bytes.length)
      this.#durable.zero(first, last)
    }
  }
}
