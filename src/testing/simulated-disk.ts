/*
 * A disk under a cache: what programs see, what a power loss would leave, and every step between the two.
 *
 * It is moved by operations alone and copied cheaply, so that the state after any operation of a run can be had again by
 * applying the operations up to it. A kill leaves the cache; a power loss leaves what was synced and, of the rest,
 * whatever its fate says.
 */
import { basename, dirname } from 'node:path'
import { assert, type Random } from '../core/index.ts'
import type { DiskOperation } from './disk-operation.ts'
import { FileBytes } from './file-bytes.ts'
import { type BytesFate, UnsyncedFile } from './unsynced-file.ts'
import { apply, type NameChange, type NamesFate, UnsyncedNames } from './unsynced-names.ts'

/** What a power loss does to what no sync has covered. */
export interface Fate {
  readonly bytes: BytesFate
  readonly names: NamesFate
}

/** A file of a simulated disk, as programs see it. */
export interface CachedFile {
  readonly bytes: FileBytes
  readonly modifiedMs: number
}

interface DiskFile {
  readonly cached: FileBytes
  readonly unsynced: UnsyncedFile
  modifiedMs: number
}

interface DiskDirectory {
  readonly cached: Map<string, number>
  readonly unsynced: UnsyncedNames
}

const ROOT = 0

/** Files and directories by number, with their names; see the head of this file. */
export class SimulatedDisk {
  readonly #files = new Map<number, DiskFile>()
  readonly #directories = new Map<number, DiskDirectory>([
    [ROOT, { cached: new Map(), unsynced: new UnsyncedNames() }],
  ])
  #nextEntry = 1

  copy(): SimulatedDisk {
    const copy = new SimulatedDisk()
    for (const [entry, { cached, unsynced, modifiedMs }] of this.#files)
      copy.#files.set(entry, { cached: cached.copy(), unsynced: unsynced.copy(), modifiedMs })
    for (const [entry, { cached, unsynced }] of this.#directories)
      copy.#directories.set(entry, { cached: new Map(cached), unsynced: unsynced.copy() })
    copy.#nextEntry = this.#nextEntry
    return copy
  }

  /** The number the next file or directory gets. */
  get nextEntry(): number {
    return this.#nextEntry
  }

  /** The disk that a power loss leaves: everything on it is durable. */
  afterPowerLoss({ bytes, names }: Fate, random: Random): SimulatedDisk {
    const left = new SimulatedDisk()
    left.#nextEntry = this.#nextEntry
    const visit = (entry: number): void => {
      const directory = this.#directories.get(entry)
      const file = this.#files.get(entry)
      if (directory !== undefined) {
        const survivors = directory.unsynced.survivor(names, random)
        left.#directories.set(entry, { cached: survivors, unsynced: new UnsyncedNames(survivors) })
        for (const child of survivors.values()) visit(child)
      } else if (file !== undefined && !left.#files.has(entry)) {
        const cached = file.unsynced.survivor(bytes, random)
        const { modifiedMs } = file
        left.#files.set(entry, { cached, unsynced: new UnsyncedFile(cached.copy()), modifiedMs })
      }
    }
    visit(ROOT)
    return left
  }

  /** True when a power loss now would leave just what programs see. */
  get isSynced(): boolean {
    const all = [...this.#files.values(), ...this.#directories.values()]
    return all.every(({ unsynced }) => unsynced.isSynced)
  }

  /** True of a sync under way, given by its beginning, that was to save what another one has lost meanwhile. */
  isFailing(begun: DiskOperation): boolean {
    if (begun.kind === 'syncData') return this.#file(begun.inode).unsynced.isFailing(begun.sync)
    return begun.kind === 'syncDirectory' && this.#directory(begun.path).unsynced.isFailing(begun.sync)
  }

  /** Finds what `path` leads to. */
  find(path: string): { file: CachedFile; entry: number } | { directory: true; entry: number } | undefined {
    const entry = this.#entryAt(path)
    if (entry === undefined) return undefined
    const file = this.#files.get(entry)
    if (file !== undefined) return { file: toCached(file), entry }
    return { directory: true, entry }
  }

  /** The file with a number, whatever it is called now, if it is called anything. */
  fileOf(entry: number): CachedFile {
    return toCached(this.#file(entry))
  }

  /** Names in a directory, and whether each is a directory; undefined when `path` is none. */
  list(path: string): { name: string; isDirectory: boolean }[] | undefined {
    const directory = this.#directories.get(this.#entryAt(path) ?? -1)
    if (directory === undefined) return undefined
    return Array.from(directory.cached, ([name, entry]) => ({
      name,
      isDirectory: this.#directories.has(entry),
    }))
  }

  /** The paths of all files, in order. */
  get paths(): string[] {
    const found: string[] = []
    const visit = (path: string, entry: number): void => {
      const directory = this.#directories.get(entry)
      if (directory === undefined) found.push(path)
      else for (const [name, child] of directory.cached) visit(`${path}/${name}`, child)
    }
    visit('', ROOT)
    return found.sort()
  }

  /** Does what `operation` says, which has been found possible. */
  apply(operation: DiskOperation): void {
    switch (operation.kind) {
      case 'create': {
        const { path, inode, atMs } = operation
        this.#take(inode)
        this.#files.set(inode, { cached: new FileBytes(), unsynced: new UnsyncedFile(), modifiedMs: atMs })
        this.#rename(dirname(path), [[basename(path), inode]])
        break
      }
      case 'makeDirectory': {
        const entry = this.#nextEntry
        this.#take(entry)
        this.#directories.set(entry, { cached: new Map(), unsynced: new UnsyncedNames() })
        this.#rename(dirname(operation.path), [[basename(operation.path), entry]])
        break
      }
      case 'write': {
        const { inode, position, bytes, atMs } = operation
        const file = this.#file(inode)
        file.cached.write(position, bytes)
        file.modifiedMs = atMs
        file.unsynced.change({ kind: 'write', position, bytes })
        break
      }
      case 'truncate': {
        const { inode, sizeBytes, atMs } = operation
        const file = this.#file(inode)
        file.cached.resize(sizeBytes)
        file.modifiedMs = atMs
        file.unsynced.change({ kind: 'truncate', sizeBytes })
        break
      }
      case 'rename':
        this.#applyRename(operation.path, operation.to)
        break
      case 'remove':
        this.#rename(dirname(operation.path), [[basename(operation.path), undefined]])
        break
      case 'syncData': {
        const { inode, phase, sync, keepsSize = false } = operation
        const { unsynced } = this.#file(inode)
        if (phase === 'begin') unsynced.beginSync(sync)
        else if (phase === 'end') unsynced.endSync(sync)
        else unsynced.failSync(sync, { keepsSize })
        break
      }
      case 'syncDirectory': {
        const { unsynced } = this.#directory(operation.path)
        const { phase, sync } = operation
        if (phase === 'begin') unsynced.beginSync(sync)
        else if (phase === 'end') unsynced.endSync(sync)
        else unsynced.failSync(sync)
        break
      }
    }
  }

  #applyRename(from: string, to: string): void {
    const entry = this.#entryAt(from)
    assert(entry !== undefined, `rename of ${from}, which is not there`)
    if (dirname(from) === dirname(to)) {
      this.#rename(dirname(from), [
        [basename(from), undefined],
        [basename(to), entry],
      ])
      return
    }
    this.#rename(dirname(to), [[basename(to), entry]])
    this.#rename(dirname(from), [[basename(from), undefined]])
  }

  #rename(directory: string, change: NameChange): void {
    const { cached, unsynced } = this.#directory(directory)
    apply(cached, change)
    unsynced.change(change)
  }

  #take(entry: number): void {
    this.#nextEntry = Math.max(this.#nextEntry, entry + 1)
  }

  #file(entry: number): DiskFile {
    const file = this.#files.get(entry)
    assert(file !== undefined, `there is no file ${entry}`)
    return file
  }

  #directory(path: string): DiskDirectory {
    const directory = this.#directories.get(this.#entryAt(path) ?? -1)
    assert(directory !== undefined, `${path} is no directory`)
    return directory
  }

  #entryAt(path: string): number | undefined {
    let entry: number | undefined = ROOT
    for (const name of path.split('/')) {
      if (name === '') continue
      entry = entry === undefined ? undefined : this.#directories.get(entry)?.cached.get(name)
    }
    return entry
  }
}

function toCached({ cached, modifiedMs }: DiskFile): CachedFile {
  return { bytes: cached, modifiedMs }
}
