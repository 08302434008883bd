import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import type { Order } from './workload.ts'

const program = fileURLToPath(new URL('storm-child.ts', import.meta.url))
const compileCache = mkdtempSync(join(tmpdir(), 'seglog-cache-'))
const running = new Set<StormProcess>()

/** Processes of a test file that uses this one; call it at the file's top. */
export function useStormProcesses(): void {
  // A process that is killed leaves no compiled code behind; one that ends leaves it for all the others.
  beforeAll(() => new StormProcess().end())
  afterAll(async () => {
    for (const child of running) await child.kill()
    rmSync(compileCache, { recursive: true, force: true })
  })
}

/** A process running `storm-child.ts`: started ahead of time, so that it is warm when it is wanted. */
export class StormProcess {
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #drained: Promise<unknown>
  #rest = ''
  #isOver = false
  #hear: (line: string, at: number) => void = () => {}
  #waiting: { isIt: (line: string) => boolean; resolve: (came: boolean) => void }[] = []

  constructor() {
    this.#process = spawn(process.execPath, [program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
    })
    running.add(this)
    const stdout = this.#process.stdout!
    stdout.setEncoding('latin1').on('data', (text: string) => this.#read(text))
    this.#process.stdin!.on('error', () => {}) // it was killed before it had read
    this.#exited = once(this.#process, 'exit')
    this.#drained = once(stdout, 'end').then(() => this.#end())
  }

  /** Has it begin; `hear` is called with every line that it says whole, and the moment at which it did, in ns. */
  start(order: Order, hear: (line: string, at: number) => void): void {
    this.#hear = hear
    this.#process.stdin!.end(JSON.stringify(order))
  }

  /** Waits for a line; false when it ended without having said it. */
  said(isIt: (line: string) => boolean): Promise<boolean> {
    if (this.#isOver) return Promise.resolve(false)
    return new Promise((resolve) => this.#waiting.push({ isIt, resolve }))
  }

  /** Waits until it has ended of its own accord, and everything it said has been heard. */
  async end(): Promise<void> {
    this.#process.stdin!.end()
    await Promise.all([this.#exited, this.#drained])
  }

  /** Ends it at once, and waits until everything it had said has been heard. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await Promise.all([this.#exited, this.#drained])
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()! // the start of a line that was cut off by the end is no line
    for (const said of lines) {
      const space = said.indexOf(' ')
      const line = said.slice(space + 1)
      this.#hear(line, Number(said.slice(0, space)))
      this.#waiting = this.#waiting.filter(({ isIt, resolve }) => {
        if (!isIt(line)) return true
        resolve(true)
        return false
      })
    }
  }

  #end(): void {
    this.#isOver = true
    running.delete(this)
    for (const { resolve } of this.#waiting.splice(0)) resolve(false)
  }
}
