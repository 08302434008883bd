/*
 * What the disk holds of one file while the cache holds more: the bytes that are surely there, and the changes since
 * that no sync has covered. A crash decides about each of those changes.
 *
 * After a failed sync the range it was to save is doomed: the disk has zeros there, the cache calls it clean, and
 * neither another sync nor writing the same place again brings it back. Only a cut below it, synced, frees the place.
 */
import type { Random } from '../core/index.ts'
import { FileBytes } from './file-bytes.ts'
import { UnsyncedChanges } from './unsynced-changes.ts'

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
  #changes = new UnsyncedChanges<FileChange>()
  #doomed: Range[] = []

  constructor(durable = new FileBytes()) {
    this.#durable = durable
  }

  copy(): UnsyncedFile {
    const copy = new UnsyncedFile(this.#durable.copy())
    copy.#changes = this.#changes.copy()
    copy.#doomed = [...this.#doomed]
    return copy
  }

  /** True when a power loss can change nothing. */
  get isSynced(): boolean {
    return this.#changes.all.length === 0 && this.#doomed.length === 0
  }

  change(change: FileChange): void {
    this.#changes.add(change)
  }

  beginSync(sync: number): void {
    this.#changes.beginSync(sync)
  }

  /** True of a sync that can't end well any more. */
  isFailing(sync: number): boolean {
    return this.#changes.isFailing(sync)
  }

  endSync(sync: number): void {
    for (const change of this.#changes.endSync(sync)) this.#apply(change)
  }

  /** What the sync was to save is lost; the file on disk has its size, or the one before, with `keepsSize` or without. */
  failSync(sync: number, { keepsSize }: { keepsSize: boolean }): void {
    for (const change of this.#changes.failSync(sync)) {
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
    if (fate === 'lost' || this.#changes.all.length === 0) return this.#durable.copy()
    const rest = this.copy()
    for (const change of this.#changes.all) rest.#survive(change, fate, random)
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
