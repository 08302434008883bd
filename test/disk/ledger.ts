/*
 * What a log must hold, written down from what the processes that wrote it said while they lived: before each append
 * what it was about to write, and after it what had been acknowledged. Nothing in here asks the log.
 */
import { expect } from 'vitest'
import type { Durability } from '../../src/index.ts'

const RANK: Readonly<Record<Durability, number>> = { memory: 0, os: 1, disk: 2 }

interface Call {
  readonly base: number
  readonly end: number
  readonly level: Durability
}

/** What was found in a directory after its process had been stopped. */
export interface Found {
  readonly startOffset: number
  readonly endOffset: number
  /** Of the records from the start on. */
  readonly hashes: readonly string[]
  /** Of the segments that hold them. */
  readonly sizeBytes: number
}

/** What one life of the log came to. */
export interface LifeCounts {
  /** Records acknowledged at each level. */
  readonly acknowledged: Readonly<Record<Durability, number>>
  readonly refused: readonly { readonly code: string; readonly outcome: string }[]
  /** Acknowledged at a level that promised less than what happened, and gone. */
  readonly lost: number
}

/** The record book of one log over the lives of all the processes that write it. */
export class Ledger {
  /** By offset: what was found there at the end of the last life, and behind it what was tried in this one. */
  readonly #hashes: string[] = []
  #calls: Call[] = []
  #foundEnd = 0
  #ends: Record<Durability, number> = { memory: 0, os: 0, disk: 0 }
  #counts: Record<Durability, number> = { memory: 0, os: 0, disk: 0 }
  #refused: { code: string; outcome: string }[] = []
  /** Where the first refused call would have begun. */
  #refusedBase = Infinity
  /** Ends that records refused as not written must stay below. */
  #endMax = Infinity
  #acknowledgedEnd = 0
  #startMin = 0
  /** The highest offset below which records were ever to be deleted: further than that only cleaning goes. */
  #startTried = 0
  #cleaningCount = 0
  #troubles: string[] = []

  /**
   * Takes note of a line of `storm-child.ts`. What was said too late proves nothing (see `cutPower`): then only what
   * must not be said at all counts.
   */
  hear(line: string, { isLate = false } = {}): void {
    const [word = '', ...rest] = line.split(' ')
    if (word === 'T') this.#tried(rest)
    else if (word === 'A') this.#acknowledged(rest, { isLate })
    else if (word === 'E') this.#wasRefused(rest)
    else if (word === 'O') this.#opened(rest)
    else if (word === 'D') this.#startTried = Math.max(this.#startTried, Number(rest[0]))
    else if (word === 'C') this.#cleaningCount++
    else if (/^[fdc]$/.test(word)) {
      if (!isLate) this.#done(word, Number(rest[0]))
    } else if (!/^[FeRXZ]$/.test(word)) this.#troubles.push(`said ${JSON.stringify(line)}`)
  }

  /** Adds what this process appended itself, and saw acknowledged. */
  appended(hash: string): void {
    this.#hashes.push(hash)
    this.#foundEnd = this.#hashes.length
  }

  /**
   * Ends a life: compares what was found with what must be there at least, and takes it as what the next life starts
   * from. `survives` is the lowest level that promises to outlive the way in which this life ended; `retentionBytes` is
   * what cleaning must have left, where what was written can't have become less since.
   */
  settle(
    found: Found,
    { survives, retentionBytes = 0 }: { survives: Durability; retentionBytes?: number },
  ): LifeCounts {
    const troubles = this.#judge(found, { survives, retentionBytes })
    if (troubles.length > 0) expect.fail(troubles.join('\n')) // whole, however long
    return this.#turnPage(found)
  }

  /** Ends a life in which the file system lied, so that anything may have been lost; gives back how many were. */
  acknowledgedAbove(endOffset: number, level: Durability): number {
    return Math.max(0, this.#ends[level] - endOffset)
  }

  /** What is wrong with what was found. */
  #judge(
    { startOffset, endOffset, hashes, sizeBytes }: Found,
    { survives, retentionBytes }: { survives: Durability; retentionBytes: number },
  ): string[] {
    const troubles = [...this.#troubles]
    const check = (isRight: boolean, trouble: string): void => {
      if (!isRight) troubles.push(trouble)
    }
    const levels = (['memory', 'os', 'disk'] as const).filter((level) => RANK[level] >= RANK[survives])
    const promised = Math.max(this.#foundEnd, ...levels.map((level) => this.#ends[level]))
    check(endOffset >= promised, `the log ends at ${endOffset}, ${promised} was acknowledged`)
    check(endOffset <= this.#endMax, `the log ends at ${endOffset}, from ${this.#endMax} on all was refused`)
    const isCallEnd = endOffset === this.#foundEnd || this.#calls.some(({ end }) => end === endOffset)
    check(isCallEnd, `the log ends at ${endOffset}, inside a call`)
    check(
      startOffset >= this.#startMin,
      `the log starts at ${startOffset}, it had started at ${this.#startMin}`,
    )
    const startMax = this.#cleaningCount > 0 ? endOffset : Math.max(this.#startMin, this.#startTried)
    check(startOffset <= startMax, `the log starts at ${startOffset}, nobody asked for more than ${startMax}`)
    const isCleaned = startOffset > Math.max(0, this.#startTried)
    check(!isCleaned || sizeBytes >= retentionBytes, `cleaning left ${sizeBytes} of ${retentionBytes} bytes`)
    const expected = this.#hashes.slice(startOffset, endOffset)
    const differing = expected.findIndex((hash, slot) => hash !== hashes[slot])
    check(differing === -1, `the record at ${startOffset + differing} is not the one that was given`)
    check(hashes.length === expected.length, `${hashes.length} records, ${expected.length} were expected`)
    return troubles
  }

  #turnPage(found: Found): LifeCounts {
    const counts = {
      acknowledged: this.#counts,
      refused: this.#refused,
      lost: this.acknowledgedAbove(found.endOffset, 'os'),
    }
    this.#hashes.length = found.endOffset
    this.#foundEnd = found.endOffset
    this.#calls = []
    this.#ends = { memory: 0, os: 0, disk: 0 }
    this.#counts = { memory: 0, os: 0, disk: 0 }
    this.#refused = []
    this.#refusedBase = Infinity
    this.#endMax = Infinity
    this.#acknowledgedEnd = found.endOffset
    this.#startMin = found.startOffset
    this.#cleaningCount = 0
    return counts
  }

  #opened([start, end]: string[]): void {
    if (Number(end) !== this.#foundEnd || Number(start) !== this.#startMin)
      this.#troubles.push(`opened as ${start} to ${end}, ${this.#startMin} to ${this.#foundEnd} was left`)
  }

  #tried([level, ...hashes]: string[]): void {
    const base = this.#hashes.length
    this.#hashes.push(...hashes)
    this.#calls.push({ base, end: this.#hashes.length, level: level as Durability })
  }

  #acknowledged([number, base, last, level]: string[], { isLate }: { isLate: boolean }): void {
    const call = this.#calls[Number(number)]
    const reached = level as Durability
    if (call === undefined || Number(base) !== call.base || Number(last) !== call.end - 1)
      return void this.#troubles.push(
        `call ${number} acknowledged as ${base} to ${last}, it was ${call?.base} to ${call?.end}`,
      )
    if (RANK[reached] < RANK[call.level])
      this.#troubles.push(`call ${number} asked for ${call.level} and got ${reached}`)
    if (call.base < this.#acknowledgedEnd) this.#troubles.push(`call ${number} acknowledged out of order`)
    if (this.#refused.length > 0 && reached !== 'memory')
      this.#troubles.push(`call ${number} acknowledged behind a refused one`)
    if (isLate) return
    this.#acknowledgedEnd = call.end
    this.#ends[reached] = call.end
    this.#counts[reached] += call.end - call.base
  }

  #wasRefused([number, code = '', outcome = '']: string[]): void {
    this.#refused.push({ code, outcome })
    const { base } = this.#calls[Number(number)]!
    this.#refusedBase = Math.min(this.#refusedBase, base)
    if (outcome === 'not-written') this.#endMax = Math.min(this.#endMax, base)
  }

  #done(word: string, number: number): void {
    if (word === 'd') this.#startMin = Math.max(this.#startMin, number)
    else if (word === 'c') {
      this.#cleaningCount--
      this.#startMin = Math.max(this.#startMin, number)
    } else {
      // What had been refused by then was not there to be flushed.
      const end = Math.min(this.#calls[number - 1]?.end ?? 0, this.#refusedBase)
      this.#ends.disk = Math.max(this.#ends.disk, end)
    }
  }
}
