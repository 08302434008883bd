import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Garbage is collected early, so that what memory grows by is what is held on to. */
const SMALL_HEAP = ['--max-semi-space-size=4', '--max-old-space-size=256']

/** A process of the soak, which tells its parent one JSON array a line. */
export class SoakProcess<Report> {
  readonly #child: ChildProcess
  /** It is gone, and everything it told has been heard. */
  readonly ended: Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>

  constructor(program: string, args: readonly (string | number)[], onReport: (report: Report) => void) {
    const path = fileURLToPath(new URL(program, import.meta.url))
    this.#child = spawn(process.execPath, [...SMALL_HEAP, path, ...args.map(String)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, MALLOC_ARENA_MAX: '2' },
    })
    this.#child.stdin!.on('error', () => {}) // it may be gone before it was told
    const lines = createInterface(this.#child.stdout!)
    lines.on('line', (line) => {
      if (line.endsWith(']')) onReport(JSON.parse(line) as Report) // else it was killed in the middle of it
    })
    const exit = once(this.#child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    this.ended = Promise.all([exit, once(lines, 'close')]).then(([[exitCode, signal]]) => ({
      exitCode,
      signal,
    }))
  }

  get pid(): number {
    return this.#child.pid!
  }

  tell(line: string): void {
    this.#child.stdin!.write(`${line}\n`)
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
