import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { DemoFailure } from './failure.ts'

/** A child process that reports one line at a time. */
export interface Child {
  readonly pid: number
  /** The next line it wrote; undefined once it has ended and all its lines were handed out. */
  nextLine(): Promise<string | undefined>
  /** Ends it with `signal` unless it has ended; resolves with what it ended by. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<string>
}

/** How long a child may keep silent: longer than the slowest machine takes to start it. */
const SILENCE_MS_MAX = 20_000

const kills = new Set<() => void>()

/**
 * Starts the program at `url` as a child process; it ends with this one, whose end closes its standard input.
 *
 * Shape:  `url` names the source file; where this file has been built, the built one is started.
 * Errors: `nextLine` fails the demo when the child says nothing for too long.
 */
export function startChild(url: URL, args: readonly string[]): Child {
  const path = fileURLToPath(url).replace(/\.ts$/, extname(import.meta.url))
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const kill = () => void child.kill('SIGKILL')
  kills.add(kill)
  const ended = once(child, 'exit').then(([code, signal]) => String(signal ?? code))
  ended.catch(() => {}) // a child that can't be started has no lines either, and `end` rejects
  void ended.finally(() => kills.delete(kill)).catch(() => {})
  return {
    pid: child.pid ?? -1,
    async nextLine() {
      const line = await beforeLong(lines.next(), `process ${child.pid} reported nothing`)
      return line.done === true ? undefined : line.value
    },
    end(signal) {
      child.kill(signal)
      return beforeLong(ended, `process ${child.pid} did not end by ${signal}`)
    },
  }
}

/** Kills every child process that is left, so that none outlives the demo. */
export function killChildren(): void {
  for (const kill of kills) kill()
}

/** In a child: ends this process when its parent does, however that ends. */
export function endWithParent(): void {
  process.stdin.resume().once('end', () => process.exit())
  process.stdout.once('error', () => process.exit())
}

/** In a child: reports one line to the parent. */
export function report(...words: readonly (string | number | bigint)[]): void {
  process.stdout.write(`${words.join(' ')}\n`)
}

async function beforeLong<Value>(wanted: Promise<Value>, otherwise: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const message = `check failed: ${otherwise} for ${SILENCE_MS_MAX / 1000} s`
    timer = setTimeout(() => reject(new DemoFailure(1, message)), SILENCE_MS_MAX)
  })
  try {
    return await Promise.race([wanted, late])
  } finally {
    clearTimeout(timer)
  }
}
