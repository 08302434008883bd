import { formatBytes } from '../cleanup/index.ts'
import type { Clock } from '../core/index.ts'
import { escapeText } from './escape.ts'
import { describeFailure } from './failures.ts'
import { quietErrors, type Screen } from './machine.ts'
import { type Paint, paintFor } from './paint.ts'

const FIRST_DRAW_MS = 500
const REDRAW_MS = 100
const BAR_CELLS = 24
const CLEAR_LINE = '\r\u001b[2K'

/** How far a long piece of work has come. */
export interface Progress {
  readonly doneBytes: number
  /** Left out when nobody knows. */
  readonly totalBytes?: number
  readonly text?: string
}

/**
 * Standard error: everything that is not the data asked for, a line at a time; and on a terminal, while work is long, a
 * bar that shows how far it is. A broken standard error is nobody's concern.
 */
export class Notes {
  readonly paint: Paint
  readonly #stream: Screen
  readonly #clock: Clock
  readonly #drawsBar: boolean
  readonly #showsStacks: boolean
  readonly #startedMs: number
  #drawnMs: number
  #isDrawn = false

  constructor(options: {
    stream: Screen
    clock: Clock
    environment: Readonly<Record<string, string | undefined>>
    /** False when the output goes to the same screen. */
    allowsBar: boolean
  }) {
    const { stream, clock, environment } = options
    this.paint = paintFor(stream, environment)
    this.#stream = stream
    this.#clock = clock
    this.#drawsBar = options.allowsBar && stream.isTTY === true && environment['TERM'] !== 'dumb'
    this.#showsStacks = isSet(environment['SEGLOG_DEBUG'])
    this.#startedMs = clock.monotonic()
    this.#drawnMs = this.#startedMs + FIRST_DRAW_MS - REDRAW_MS
    quietErrors(stream)
  }

  /** Prints a line, as it is but for what a terminal would act on. */
  line(text: string): void {
    this.clearProgress()
    this.#stream.write(`${escapeText(text)}\n`)
  }

  /** Prints what went wrong: `seglog: CODE: message`. */
  failure(error: unknown): void {
    const { code, message } = describeFailure(error)
    this.problem(code, message)
    if (this.#showsStacks && error instanceof Error) this.line(error.stack ?? '')
  }

  /** Prints one thing that is wrong. */
  problem(code: string, message: string): void {
    this.clearProgress()
    this.#stream.write(`seglog: ${this.paint('red', code)}: ${escapeText(message)}\n`)
  }

  /** Draws the bar, if there is one and it is time to. */
  progress({ doneBytes, totalBytes, text = '' }: Progress): void {
    if (!this.#drawsBar) return
    const nowMs = this.#clock.monotonic()
    if (nowMs - this.#drawnMs < REDRAW_MS) return
    this.#drawnMs = nowMs
    this.#isDrawn = true
    const perSecond = doneBytes / Math.max(0.001, (nowMs - this.#startedMs) / 1000)
    const amount = `${formatBytes(doneBytes)}${totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`}`
    const bar = totalBytes === undefined ? '' : `${drawBar(doneBytes, totalBytes)} `
    const line = `${bar}${amount}, ${formatBytes(Math.round(perSecond))}/s ${text}`
    this.#stream.write(CLEAR_LINE + line.slice(0, (this.#stream.columns ?? 80) - 1))
  }

  clearProgress(): void {
    if (this.#isDrawn) this.#stream.write(CLEAR_LINE)
    this.#isDrawn = false
  }
}

function drawBar(done: number, total: number): string {
  const share = total <= 0 ? 1 : Math.min(1, done / total)
  const cells = Math.floor(share * BAR_CELLS)
  return `[${'='.repeat(cells)}${' '.repeat(BAR_CELLS - cells)}] ${String(Math.floor(share * 100)).padStart(3)} %`
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0'
}
