import type { PieceResult } from './worker.ts'

/** Hashes kept to tell states apart; beyond that, states count as distinct within their own run only. */
const HASHES_MAX = 4_000_000
const BROKEN_SHOWN = 10

interface Row {
  runs: number
  states: number
  distinct: number
  inRecovery: number
  broken: number
}

/** Counts what pieces of work came to, and knows when it is enough. */
export class Tally {
  readonly rows = new Map<string, Row>()
  readonly broken: { at: string; complaints: readonly string[] }[] = []
  readonly seeds = new Set<number>()
  readonly #seen = new Set<string>()
  readonly #statesMin: number
  readonly #endsAt: number | undefined
  readonly #startedAt = performance.now()
  #distinct = 0
  #hasSweptFaults = 0
  #shownAt = 0

  constructor({ statesMin, endsAt }: { statesMin: number; endsAt: number | undefined }) {
    this.#statesMin = statesMin
    this.#endsAt = endsAt
  }

  get distinct(): number {
    return this.#distinct
  }

  get brokenCount(): number {
    return this.broken.length
  }

  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1000
  }

  /** Enough states and every sweep, or the time is up, or too much is broken to go on. */
  get isDone(): boolean {
    if (this.broken.length >= BROKEN_SHOWN) return true
    if (this.#endsAt !== undefined) return performance.now() >= this.#endsAt
    return this.#distinct >= this.#statesMin
  }

  add({ piece, states, runs, hashes, inRecovery, broken }: PieceResult): void {
    const name = piece.kind === 'crashes' ? piece.workload : `fault: ${piece.sweep}`
    const row = this.rows.get(name) ?? { runs: 0, states: 0, distinct: 0, inRecovery: 0, broken: 0 }
    this.rows.set(name, row)
    this.seeds.add(piece.seed)
    row.runs += runs
    row.states += states
    row.inRecovery += inRecovery
    row.broken += broken.length
    for (const hash of hashes) {
      if (this.#seen.has(hash)) continue
      if (this.#seen.size < HASHES_MAX) this.#seen.add(hash)
      row.distinct++
      this.#distinct++
    }
    if (piece.kind === 'faults') this.#hasSweptFaults++
    this.broken.push(...broken)
  }

  /** One line that is written over, on a terminal; a line every half a minute elsewhere. */
  showProgress(): void {
    const isTerminal = process.stderr.isTTY === true
    if (!isTerminal && performance.now() - this.#shownAt < 30_000) return
    this.#shownAt = performance.now()
    const text = `${this.#distinct} distinct states, ${this.#hasSweptFaults} fault sweeps, ${this.broken.length} broken, ${Math.round(this.seconds)} s`
    process.stderr.write(isTerminal ? `\r\x1b[K${text}` : `${text}\n`)
  }

  endProgress(): void {
    if (process.stderr.isTTY === true) process.stderr.write('\r\x1b[K')
  }
}

/** The table of a run, and what is broken. */
export function summaryTable(tally: Tally): string {
  const header = ['workload or fault', 'runs', 'states built', 'distinct', 'in recovery', 'broken']
  const rows = Array.from(tally.rows, ([name, { runs, states, distinct, inRecovery, broken }]) =>
    [name, runs, states, distinct, inRecovery, broken].map(String),
  )
  const widths = header.map((title, slot) => Math.max(title.length, ...rows.map((row) => row[slot]!.length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, slot) => (slot === 0 ? cell.padEnd(widths[slot]!) : cell.padStart(widths[slot]!)))
      .join('  ')
  const seeds = [...tally.seeds]
  const total = `${tally.distinct} distinct crash states in ${Math.round(tally.seconds)} s, ${seeds.length === 0 ? 'no run' : `seeds ${Math.min(...seeds)} to ${Math.max(...seeds)}`}, ${tally.brokenCount} broken`
  const broken = tally.broken
    .slice(0, BROKEN_SHOWN)
    .map(({ at, complaints }) => `\nBROKEN ${at}\n  ${complaints.slice(0, 12).join('\n  ')}`)
  return [line(header), ...rows.map((row) => line(row)), '', total, ...broken].join('\n')
}
