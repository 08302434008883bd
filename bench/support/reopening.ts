/*
 * Logs to be opened again: closed in order, or left as a kill leaves them. What a kill leaves is made by copying the
 * files of a log that is open: nothing in it was written for the occasion.
 */
import { cpSync, linkSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Log, RecoveryReport } from '../../src/index.ts'
import { loadEngine, tallyLog } from './engine.ts'
import { createBatches } from './payload.ts'
import { segmentPaths } from './segments.ts'
import { checkTally, type Tally, tallyOf } from './tally.ts'
import { time } from './timing.ts'

/** Records of a log: one batch, over and over. */
export interface Shape {
  readonly recordsPerBatch: number
  readonly valueBytes: number
}

/** What an opening came to. */
export interface Opening {
  readonly openMs: number
  readonly recovery: RecoveryReport
  readonly checked: Tally
}

/** Appends batches of this shape. */
export async function fill(log: Log, { batches, ...shape }: Shape & { batches: number }): Promise<void> {
  const [batch] = createBatches({ batchCount: 1, ...shape })
  for (let count = 0; count < batches; count++) await log.append(batch!)
}

/** Copies the files of a log that is open; one that is replaced meanwhile may be gone by its turn. */
export function copyOpenLog(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const name of readdirSync(from)) {
    try {
      cpSync(join(from, name), join(to, name), { recursive: true })
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ENOENT') throw error
    }
  }
}

/** Copies a log that no process has open. Recovery changes no segment but the last: the others get a second name. */
export function copyForOpening(from: string, to: string): void {
  const active = segmentPaths(from).at(-1)
  mkdirSync(to)
  for (const name of readdirSync(from)) {
    const path = join(from, name)
    if (name.endsWith('.log') && path !== active) linkSync(path, join(to, name))
    else cpSync(path, join(to, name), { recursive: true })
  }
}

/** Opens a log, the clock on the opening alone, and reads it to its end afterwards. */
export async function openAndCheck(path: string, expected: Shape & { records: number }): Promise<Opening> {
  const { openLog } = await loadEngine()
  let opened: Log | undefined
  const work = async (): Promise<void> => {
    opened = await openLog(path)
  }
  const timing = await time(work, { iterations: 1, warmupIterations: 0, isAsync: true })
  const log = opened!
  const batches = createBatches({ batchCount: 1, ...expected })
  const checked = checkTally(await tallyLog(log), tallyOf(batches, expected.records))
  const { recovery } = log
  await log.close()
  return { openMs: timing.meanMs, recovery, checked }
}
