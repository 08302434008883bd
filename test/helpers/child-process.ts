import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { LogOptions } from '../../src/index.ts'

const program = fileURLToPath(new URL('log-child.ts', import.meta.url))

/** A process at the log in a directory; see `log-child.ts`. It is killed, if it still runs, when the test ends. */
export class LogChild {
  readonly process: ChildProcess
  readonly #lines: AsyncIterator<string>
  /** Everything it has said, and that was taken notice of. */
  readonly said: unknown[] = []

  constructor(verb: string, directory: string, options: LogOptions = {}) {
    const args = ['--expose-gc', program, verb, directory, JSON.stringify(options)]
    this.process = spawn(process.execPath, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void this.process.kill('SIGKILL'))
    this.#lines = createInterface(this.process.stdout!)[Symbol.asyncIterator]()
  }

  /** The next thing it says; undefined when it has ended. */
  async next(): Promise<unknown> {
    const { done, value } = await this.#lines.next()
    if (done === true) return undefined
    const said: unknown = JSON.parse(value)
    this.said.push(said)
    return said
  }

  /** Has it do something, and gives back what came of it. */
  async tell(name: string, value = 0): Promise<unknown> {
    this.process.stdin!.write(`${JSON.stringify([name, value])}\n`)
    return this.next()
  }

  /** Ends it at once, and takes notice of what it had said by then. */
  async kill(): Promise<void> {
    const exited =
      this.process.exitCode === null && this.process.signalCode === null
        ? once(this.process, 'exit')
        : undefined
    this.process.kill('SIGKILL')
    await exited
    while ((await this.next()) !== undefined);
  }
}
