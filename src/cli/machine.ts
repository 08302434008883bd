import type { Readable, Writable } from 'node:stream'
import { type Clock, systemClock } from '../core/index.ts'
import { type FileSystem, nodeFileSystem } from '../fs/index.ts'
import { SIGNAL_EXIT } from './failures.ts'

/** A stream that may be a terminal. */
export type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/**
 * Keeps errors of a stream from ending the process: whoever writes to it hears of them from the write.
 *
 * Shape:  for good, because a stream reports an error once more after the write has.
 */
export function quietErrors(screen: Screen): void {
  if (!screen.listeners('error').includes(ignore)) screen.on('error', ignore)
}

const ignore = (): void => {}

/** A signal that ends a command in order. */
export type EndingSignal = keyof typeof SIGNAL_EXIT

/** Everything the command line has of the process it runs in; handed in, so that tests can run commands inside theirs. */
export interface Machine {
  readonly stdin: Readable
  readonly stdout: Screen
  readonly stderr: Screen
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly fileSystem: FileSystem
  /** Calls `listener` at every signal that asks the process to end, until the returned function is called. */
  onSignal(listener: (signal: EndingSignal) => void): () => void
  /** Ends the process at once. */
  exit(code: number): void
}

/** The process this code runs in. */
export function processMachine(): Machine {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    clock: systemClock,
    fileSystem: nodeFileSystem,
    onSignal(listener) {
      const signals = Object.keys(SIGNAL_EXIT) as EndingSignal[]
      for (const signal of signals) process.on(signal, listener)
      return () => {
        for (const signal of signals) process.removeListener(signal, listener)
      }
    },
    exit: (code) => process.exit(code),
  }
}
