import { resolve } from 'node:path'
import { EXIT } from '../failures.ts'
import type { Notes } from '../notes.ts'

/** What a dump notes down for the end, in Kafka's words; `damage` says which of them make the exit code 1. */
const TITLES = {
  offsetMismatch: (path: string) => `Mismatches in :${path}`,
  offsetOutOfOrder: (path: string) => `Found out of order offsets in :${path}`,
  wrongTransaction: (path: string) => `Found wrong transactions in :${path}`,
  timestampMismatch: (path: string) => `Found timestamp mismatch in :${path}`,
  outOfOrder: (path: string) => `Found out of order timestamp in :${path}`,
  notFound: (path: string) => `The following indexed offsets are not found in :${path}`,
  notConsecutive: (path: string) => `Non-consecutive offsets in ${path}`,
} as const

type Finding = keyof typeof TITLES

/** Kept of one kind for one file; more of them say nothing new. */
const LINES_MAX = 1000

interface Noted {
  readonly lines: string[]
  count: number
}

/** What was found wrong, told at once or at the end, and what the process exits with for it. */
export class Findings {
  readonly #notes: Notes
  readonly #noted = new Map<Finding, Map<string, Noted>>()
  #isDamaged = false
  #isIncomplete = false

  constructor(notes: Notes) {
    this.#notes = notes
  }

  /** Tells of damage at once. */
  damage(code: string, message: string): void {
    this.#isDamaged = true
    this.#notes.problem(code, message)
  }

  /** Tells at once of something that is not broken, and yet could not be shown. */
  incomplete(code: string, message: string): void {
    this.#isIncomplete = true
    this.#notes.problem(code, message)
  }

  /** Notes a line for the end, after all files. */
  note(finding: Finding, path: string, line: string, options: { isDamage: boolean }): void {
    if (options.isDamage) this.#isDamaged = true
    const files = this.#noted.get(finding) ?? new Map<string, Noted>()
    this.#noted.set(finding, files)
    const noted = files.get(path) ?? { lines: [], count: 0 }
    files.set(path, noted)
    noted.count++
    if (noted.lines.length < LINES_MAX) noted.lines.push(line)
  }

  /** Tells what was noted; gives the exit code. */
  finish(): number {
    for (const finding of Object.keys(TITLES) as Finding[]) {
      for (const [path, { lines, count }] of this.#noted.get(finding) ?? []) {
        this.#notes.line(TITLES[finding](resolve(path)))
        const ordered = finding === 'offsetMismatch' ? lines.toReversed() : lines // Kafka's own order
        for (const line of ordered) this.#notes.line(line)
        if (count > lines.length) this.#notes.line(`  and ${count - lines.length} more`)
      }
    }
    if (this.#isDamaged) return EXIT.damage
    return this.#isIncomplete ? EXIT.failed : EXIT.ok
  }
}
