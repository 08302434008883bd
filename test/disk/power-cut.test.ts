/*
 * File systems of their own are stopped in the middle of writing, as if the power had gone, and mounted again. What was
 * acknowledged at `disk` is there; of what was acknowledged at `os` a suffix may be gone; the log goes on. A process
 * that lives on while its file system fails is told so at every append. And a control: with a file system that lies
 * about syncs the same method must find records lost, or it would not find anything.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Durability, type LogOptions, openLog } from '../../src/index.ts'
import { SeededRandom } from '../../src/testing/index.ts'
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
import { keepCopy } from './kept-directory.ts'
import { Ledger, type LifeCounts } from './ledger.ts'
import { IMAGE_TOOLS, type ImageKind, MountedImage, sweepImages } from './mounted-image.ts'
import { leaveOutIf, whyNoMounts } from './requirements.ts'
import { StormProcess, useStormProcesses } from './storm-process.ts'
import type { Order } from './workload.ts'

const DELAY_MS_MAX = 60
/** Lives under a lying file system before it is said that the method sees nothing. */
const CONTROL_LIVES_MAX = 5
const reason = whyNoMounts(IMAGE_TOOLS)
const random = new SeededRandom(seed)
const totals = {
  cuts: 0,
  livedOn: 0,
  poisoned: 0,
  refused: 0,
  disk: 0,
  os: 0,
  osLost: 0,
  torn: 0,
  zeros: 0,
  control: 0,
}

const options: LogOptions = {
  config: {
    'internal.segment.bytes': 16 * 1024,
    'index.interval.bytes': 512,
    'retention.ms': -1,
    'retention.bytes': 48 * 1024,
    'file.delete.delay.ms': 5,
  },
}

let image: MountedImage | undefined

useStormProcesses()
beforeAll(() => {
  if (reason === undefined) sweepImages()
})
beforeEach((context) => leaveOutIf(reason, context))
afterEach(({ task }) => {
  if (image === undefined) return
  const isOver = image
  image = undefined
  if (task.result?.state === 'fail') {
    try {
      keepCopy(isOver.mountPoint, task.file.name)
    } catch (error) {
      console.error(`nothing could be kept: ${String(error)}`) // it may be stopped, or not mounted
    }
  }
  isOver.dispose()
})
afterAll(() => {
  if (reason !== undefined) return
  const { cuts, livedOn, poisoned, refused, disk, os, osLost, torn, zeros, control } = totals
  console.info(
    `${cuts} power cuts: ${disk} records acknowledged at disk, none lost; ${os} at os, ${osLost} of them lost; ` +
      `${torn} torn tails, ${zeros} of them zeros; ${livedOn} processes lived on and had ${refused} appends ` +
      `refused, ${poisoned} of their logs were poisoned; ` +
      `with syncs that lie ${control} records lost that were acknowledged at disk`,
  )
})

/**
 * Cuts the power at a moment drawn by chance, with the process at work, which is killed then or lives on until it gives
 * up. Gives back what it said last.
 */
async function cutSomewhen(
  child: StormProcess,
  order: Order,
  { ledger, livesOn }: { ledger: Ledger; livesOn: boolean },
): Promise<string[]> {
  const delayMs = random.below(DELAY_MS_MAX * 1000) / 1000
  image!.arm()
  const lines: [line: string, at: number][] = []
  child.start(order, (line, at) => void lines.push([line, at]))
  expect(await child.said((line) => line.startsWith('T'))).toBe(true)
  await new Promise<void>((resolve) => setTimeout(() => resolve(), delayMs))
  const cutAt = await image!.cutPower()
  if (livesOn) await child.end()
  await child.kill()
  for (const [line, at] of lines) ledger.hear(line, { isLate: at >= cutAt })
  image!.unmount()
  totals.cuts++
  return lines.slice(-2).map(([line]) => line)
}

/** Looks at the log after the file system has been mounted again, and has it go on. */
async function lookAfterCut(directory: string, ledger: Ledger, prints: ReturnType<typeof segmentPrints>) {
  const wreck = lookAtWreck(directory)
  if (wreck.tornBytes > 0) totals.torn++
  if (wreck.hasZeros) totals.zeros++
  const log = await reopen(directory, options, wreck)
  const found = await lookAtLog(log)
  const counts = ledger.settle(found, { survives: 'disk' })
  expectOnlyGrown(directory, prints)
  await expectRecoveredForGood(log, options)
  const after = segmentPrints(directory)
  await appendNext(log, ledger, random)
  await log.close()
  totals.disk += counts.acknowledged.disk
  totals.os += counts.acknowledged.os
  totals.osLost += counts.lost
  return { counts, prints: after }
}

/**
 * A process whose file system was stopped under it: everybody was told, nothing was acknowledged behind a refusal (the
 * ledger looks for that), and closing ended. A log whose writes fail is not poisoned until a sync fails; that, or what
 * else can't be done, closing says then.
 */
function expectRefusals({ refused }: LifeCounts, lastWords: readonly string[]): void {
  expect(refused.length).toBeGreaterThan(0)
  for (const { code } of refused) expect(code).toMatch(/^(?:LOG_POISONED|IO_FAILED)$/)
  expect(lastWords.join(', ')).toMatch(
    /^X poisoned, Z -$|^X open, Z (?:IO_FAILED -|LOG_POISONED (?:unknown|not-written))$/,
  )
  totals.livedOn++
  totals.refused += refused.length
  if (lastWords[0] === 'X poisoned') totals.poisoned++
}

const plans: readonly [kind: ImageKind, cuts: number][] = [
  ['ext4, 4 KiB blocks', 10],
  ['ext4, 1 KiB blocks', 10],
  ['xfs', 10],
]
const LEVELS: readonly (readonly Durability[])[] = [['disk'], ['os', 'disk'], ['os', 'os', 'os', 'disk']]

describe.each(plans)('a log on %s', (kind, cuts) => {
  it('has lost nothing that was on disk, after any of several power cuts', async () => {
    image = new MountedImage(kind)
    const directory = join(image.mountPoint, 'log')
    const ledger = new Ledger()
    let prints: ReturnType<typeof segmentPrints> = new Map()
    let child = new StormProcess()
    for (let count = 0; count < cuts; count++) {
      const successor = new StormProcess()
      const order: Order = {
        directory,
        options: perhapsFilled(options, random),
        seed: random.below(2 ** 31),
        levels: LEVELS[random.below(LEVELS.length)]!,
        largeOneIn: 8,
        valueBytesMax: 1000,
        madeAhead: 0,
        hasUpkeep: true,
      }
      const livesOn = random.below(2) === 0
      const lastWords = await cutSomewhen(child, order, { ledger, livesOn })
      image.mount()
      const looked = await lookAfterCut(directory, ledger, prints)
      if (livesOn) expectRefusals(looked.counts, lastWords)
      prints = looked.prints
      child = successor
    }
    await child.end()
  })
})

describe.each<[ImageKind]>([['ext4, 4 KiB blocks'], ['xfs']])('the method, on %s', (kind) => {
  it('sees that records are lost when the file system lies about syncs', async () => {
    image = new MountedImage(kind)
    let lost = 0
    for (let count = 0; lost === 0 && count < CONTROL_LIVES_MAX; count++) {
      const directory = join(image.mountPoint, `log-${count}`)
      mkdirSync(directory)
      const ledger = new Ledger()
      const child = new StormProcess()
      const order: Order = {
        directory,
        options,
        seed: random.below(2 ** 31),
        levels: ['disk'],
        largeOneIn: 8,
        valueBytesMax: 1000,
        madeAhead: 0,
        hasUpkeep: false,
        lies: true,
      }
      await cutSomewhen(child, order, { ledger, livesOn: false })
      image.mount()
      lost += ledger.acknowledgedAbove(await endOf(directory), 'disk')
    }
    totals.control += lost
    expect(lost).toBeGreaterThan(0)
  })
})

/** Where the log ends; a log that is damaged or gone, which no honest one may be here, has lost everything. */
async function endOf(directory: string): Promise<number> {
  try {
    const log = await openLog(directory, { ...options, cleanup: false })
    const { endOffset } = log
    await log.close()
    return endOffset
  } catch (error) {
    console.info(`with syncs that lie, the log does not open: ${String(error)}`)
    return 0
  }
}
