/*
 * Processes that append, roll, clean and move the start are killed at moments nobody chose, over several lives of the
 * same directory. What was acknowledged at `os` or `disk` is there, at its offset, byte for byte, once and in order;
 * behind it are whole calls of what was about to be written; recovering twice changes nothing; and the log goes on.
 * test/log/kill.test.ts is the small version.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Durability, LogOptions } from '../../src/index.ts'
import { SeededRandom } from '../../src/testing/index.ts'
import { deferred } from '../helpers/deferred.ts'
import { seed } from '../helpers/seed.ts'
import {
  appendNext,
  expectOnlyGrown,
  expectRecoveredForGood,
  lookAtLog,
  lookAtWreck,
  perhapsFilled,
  reopen,
  segmentPrints,
} from './after-a-stop.ts'
import { keptDirectory, memoryDirectory } from './kept-directory.ts'
import { Ledger } from './ledger.ts'
import { StormProcess, useStormProcesses } from './storm-process.ts'
import type { Order } from './workload.ts'

const DELAY_MS_MAX = 60
/** So long only, or there is more to read than the test has time for. */
const LARGE_DELAY_MS_MAX = 20
const RETENTION_BYTES = 96 * 1024
/**
 * What the moment goes by: the time since it was told to open the log, or since it began to append; how many lines it
 * has said. Twice what is to happen twice as often.
 */
const WAYS = ['opening', 'appending', 'appending', 'appending', 'lines', 'lines', 'lines'] as const
const random = new SeededRandom(seed)
const totals = { kills: 0, beforeOpen: 0, os: 0, disk: 0, memory: 0, torn: 0, recovered: 0 }

useStormProcesses()
afterAll(() => {
  const { kills, beforeOpen, os, disk, memory, torn, recovered } = totals
  console.info(
    `${kills} kills (${beforeOpen} before the log was open): ${os} records acknowledged at os, ${disk} at disk, ` +
      `${memory} at memory; ${recovered} records compared after recovery, ${torn} torn tails`,
  )
})

/** Tiny segments and little retention: rolls and deletions are always under way. */
const small: LogOptions = {
  config: {
    'internal.segment.bytes': 8192,
    'index.interval.bytes': 512,
    'retention.ms': -1,
    'retention.bytes': RETENTION_BYTES,
    'file.delete.delay.ms': 5,
  },
}

/** Values of up to a megabyte: a kill finds a write half done. */
const large: LogOptions = {
  config: {
    'internal.segment.bytes': 4 * 1024 * 1024,
    'max.message.bytes': 4 * 1024 * 1024,
    'retention.ms': -1,
    'retention.bytes': 2 * 1024 * 1024,
    'file.delete.delay.ms': 5,
  },
}

function isLarge({ valueBytesMax }: Pick<Order, 'valueBytesMax'>): boolean {
  return valueBytesMax > RETENTION_BYTES
}

/** Kills a process at a moment drawn by chance; see `WAYS`. */
async function killSomewhen(child: StormProcess, order: Order, ledger: Ledger): Promise<void> {
  const way = WAYS[random.below(WAYS.length)]!
  const delayMs = random.below((isLarge(order) ? LARGE_DELAY_MS_MAX : DELAY_MS_MAX) * 1000) / 1000
  let linesLeft = way === 'lines' ? 1 + random.below(isLarge(order) ? 60 : 800) : 1
  let isOpen = false
  const enough = deferred()
  child.start(order, (line) => {
    ledger.hear(line)
    if (line.startsWith('O')) isOpen = true
    if (!/^[TA]/.test(line) || --linesLeft !== 0) return
    if (way === 'appending') setTimeout(() => enough.resolve(), delayMs)
    else enough.resolve()
  })
  if (way === 'opening') setTimeout(() => enough.resolve(), delayMs)
  await enough.promise
  await child.kill()
  totals.kills++
  if (!isOpen) totals.beforeOpen++
}

interface Life {
  readonly directory: string
  readonly prints: ReturnType<typeof segmentPrints>
}

/**
 * Looks at what a killed process left, and gives back where the next one goes on: there, after it was recovered and
 * closed, or in a copy, at `copyPath`, that was taken before, so that the next process has to recover it.
 */
async function bury(
  life: Life,
  order: Order,
  { ledger, copyPath }: { ledger: Ledger; copyPath: string },
): Promise<Life> {
  const { directory } = life
  const wreck = lookAtWreck(directory)
  if (wreck.tornBytes > 0) totals.torn++
  cpSync(directory, copyPath, { recursive: true, preserveTimestamps: true })
  const log = await reopen(directory, order.options, wreck)
  const found = await lookAtLog(log)
  const retentionBytes = isLarge(order) ? 0 : RETENTION_BYTES
  const { acknowledged, refused } = ledger.settle(found, { survives: 'os', retentionBytes })
  expect(refused).toEqual([])
  expectOnlyGrown(directory, life.prints)
  const prints = segmentPrints(directory)
  await expectRecoveredForGood(log, order.options)
  for (const level of ['memory', 'os', 'disk'] as const) totals[level] += acknowledged[level]
  totals.recovered += found.hashes.length

  const isRecovered = random.below(2) === 0
  if (isRecovered) await appendNext(log, ledger, random)
  await log.close()
  rmSync(isRecovered ? copyPath : directory, { recursive: true })
  return { directory: isRecovered ? directory : copyPath, prints }
}

interface Plan {
  readonly at: string
  readonly levels: readonly Durability[]
  /** Lives of each directory. */
  readonly small: readonly number[]
  readonly large: number
}

const plans: readonly Plan[] = [
  { at: 'os', levels: ['os'], small: [14, 14, 14], large: 8 },
  { at: 'disk', levels: ['disk'], small: [14, 14, 14], large: 8 },
  { at: 'mixed levels', levels: ['memory', 'os', 'disk'], small: [14], large: 4 },
]

async function liveAndDie(lives: number, order: Omit<Order, 'directory' | 'seed'>): Promise<void> {
  const ledger = new Ledger()
  const home = keptDirectory(isLarge(order) ? memoryDirectory() : undefined)
  let life: Life = { directory: join(home, '0'), prints: new Map() }
  mkdirSync(life.directory)
  let child = new StormProcess()
  for (let count = 0; count < lives; count++) {
    const successor = new StormProcess()
    const options = perhapsFilled(order.options, random)
    const now = { ...order, options, directory: life.directory, seed: random.below(2 ** 31) }
    await killSomewhen(child, now, ledger)
    life = await bury(life, now, { ledger, copyPath: join(home, `${count + 1}`) })
    child = successor
  }
  await child.end()
}

describe.each(plans)(
  'a process that appends at $at and is killed',
  ({ levels, small: smallLives, large: largeLives }) => {
    it.each(smallLives)('has lost nothing that was acknowledged, in %i lives of a directory', (lives) =>
      liveAndDie(lives, {
        options: small,
        levels,
        largeOneIn: 8,
        valueBytesMax: 500,
        madeAhead: 0,
        hasUpkeep: true,
      }),
    )

    it('has lost nothing that was acknowledged, when its writes are large enough to be torn', () =>
      liveAndDie(largeLives, {
        options: large,
        levels,
        largeOneIn: 2,
        valueBytesMax: 300_000,
        madeAhead: 24,
        hasUpkeep: true,
      }))
  },
)
