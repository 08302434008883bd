import { Readable, Writable } from 'node:stream'
import { systemClock } from '../../../src/core/index.ts'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import type { EndingSignal, Machine, Screen } from '../../../src/cli/machine.ts'
import { runCommandLine } from '../../../src/cli/program.ts'
import { ManualClock } from '../../../src/testing/index.ts'

/** A stream that keeps what is written to it. */
export class CapturedScreen extends Writable {
  readonly isTTY: boolean
  readonly columns = 100
  readonly chunks: Buffer[] = []
  /** When set, writes fail with it. */
  failure: Error | undefined

  constructor(options: { isTerminal?: boolean } = {}) {
    super()
    this.isTTY = options.isTerminal ?? false
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.failure === undefined) this.chunks.push(Buffer.from(chunk))
    done(this.failure)
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get text(): string {
    return this.bytes.toString()
  }
}

/** A machine for commands that run inside a test. */
export class FakeMachine implements Machine {
  readonly stdin: Readable
  readonly stdout: CapturedScreen & Screen
  readonly stderr: CapturedScreen & Screen
  readonly environment: Record<string, string>
  readonly clock = new ManualClock({ wallMs: Date.UTC(2026, 0, 31, 12) })
  readonly fileSystem = nodeFileSystem
  readonly exits: number[] = []
  readonly #listeners = new Set<(signal: EndingSignal) => void>()

  constructor(
    options: {
      input?: Iterable<Buffer | string> | Readable
      isTerminal?: boolean
      isErrorTerminal?: boolean
      environment?: Record<string, string>
    } = {},
  ) {
    const { input = [], isTerminal = false, isErrorTerminal = false, environment = {} } = options
    this.stdin =
      input instanceof Readable ? input : Readable.from(Array.from(input, (chunk) => Buffer.from(chunk)))
    this.stdout = new CapturedScreen({ isTerminal })
    this.stderr = new CapturedScreen({ isTerminal: isErrorTerminal })
    this.environment = environment
  }

  onSignal(listener: (signal: EndingSignal) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  exit(code: number): void {
    this.exits.push(code)
  }

  /** What the process would be told. */
  signal(signal: EndingSignal): void {
    for (const listener of this.#listeners) listener(signal)
  }

  get listenerCount(): number {
    return this.#listeners.size
  }
}

/** What one run of the command line came to. */
export interface RunResult {
  readonly exitCode: number
  readonly output: string
  readonly errors: string
  readonly machine: FakeMachine
}

/** Runs the command line inside this process. */
export async function run(
  args: readonly string[],
  options: ConstructorParameters<typeof FakeMachine>[0] = {},
): Promise<RunResult> {
  const machine = new FakeMachine(options)
  const exitCode = await runCommandLine(args, machine)
  return { exitCode, output: machine.stdout.text, errors: machine.stderr.text, machine }
}

/** A machine on which time passes by itself: following needs that. */
export function withRealClock(machine: FakeMachine): Machine {
  const { stdin, stdout, stderr, environment, fileSystem } = machine
  return {
    stdin,
    stdout,
    stderr,
    environment,
    fileSystem,
    clock: systemClock,
    onSignal: (listener) => machine.onSignal(listener),
    exit: (code) => machine.exit(code),
  }
}
