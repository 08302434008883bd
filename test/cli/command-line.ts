import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The file that the command line starts from, as it is in the source. */
export const BIN = fileURLToPath(new URL('../../src/cli/seglog.js', import.meta.url))

/** What a process came to. */
export interface Ended {
  readonly exitCode: number | null
  readonly output: Buffer
  readonly errors: string
}

/** A command line that is running. */
export interface Running {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  /** What it has written so far. */
  output(): string
}

/** Starts the command line in a process of its own. */
export function start(
  args: readonly string[],
  options: {
    node?: string
    input?: Buffer | string
    environment?: Record<string, string>
    directory?: string
  } = {},
): Running {
  const { node = process.execPath, input, environment = {}, directory } = options
  const child = spawn(node, [BIN, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
    ...(directory === undefined ? {} : { cwd: directory }),
  })
  const output: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => void output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => void errors.push(chunk))
  child.stdin.on('error', () => {}) // a command may end before it has read everything
  if (input !== undefined) child.stdin.end(input)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode) => {
      resolve({ exitCode, output: Buffer.concat(output), errors: Buffer.concat(errors).toString() })
    })
  })
  return { process: child, ended, output: () => Buffer.concat(output).toString() }
}

/** Runs the command line in a process of its own, to its end. */
export function runProcess(args: readonly string[], input: Buffer | string = ''): Promise<Ended> {
  return start(args, { input }).ended
}
