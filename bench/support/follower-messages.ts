import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ArrivalReport, SendingPlan } from './arrivals.ts'

/** What the other process is to follow. */
export interface FollowerJob {
  readonly kind: 'log' | 'file'
  readonly path: string
  readonly plan: SendingPlan
}

/** What it says. */
export type FollowerMessage =
  | { readonly kind: 'warm' }
  | { readonly kind: 'complete'; readonly report: ArrivalReport }

/** A follower, in this process or another. */
export interface Follower {
  /** Resolves when the records that don't count have come. */
  readonly warm: Promise<void>
  /** Resolves when all have. */
  readonly complete: Promise<ArrivalReport>
}

const PROGRAM = fileURLToPath(new URL('follower-process.ts', import.meta.url))

/** Starts a process that follows. Errors: both promises reject when it ends before it has everything. */
export function startFollower(job: FollowerJob): Follower {
  const child = fork(PROGRAM, [JSON.stringify(job)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const warm = Promise.withResolvers<void>()
  const complete = Promise.withResolvers<ArrivalReport>()
  const fail = (error: Error): void => {
    warm.reject(error)
    complete.reject(error)
  }
  let report: ArrivalReport | undefined
  let complaint = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  child.on('message', (message: FollowerMessage) => {
    if (message.kind === 'warm') warm.resolve()
    else report = message.report
  })
  child.once('error', fail)
  child.once('close', (code, signal) => {
    if (code === 0 && report !== undefined) complete.resolve(report)
    else fail(new Error(`the following process ended with ${signal ?? code}:\n${complaint.trim()}`))
  })
  return { warm: warm.promise, complete: complete.promise }
}
