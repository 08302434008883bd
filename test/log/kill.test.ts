/*
 * A process that appends is killed with SIGKILL at moments nobody chose. What it had been told is on disk, in order and
 * once; what comes behind that is whole batches of what it was about to be told.
 */
import { describe, expect, it } from 'vitest'
import type { Durability, LogOptions } from '../../src/index.ts'
import { SeededRandom } from '../../src/testing/index.ts'
import { LogChild } from '../helpers/child-process.ts'
import { numberedValue } from '../helpers/log-files.ts'
import { seed } from '../helpers/seed.ts'
import { expectIndependentReaderAgrees, openTempLog, readAll } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const CYCLES = 5
const random = new SeededRandom(seed)

/** Lets a child say so many things and then kills it; gives back the highest offset it had been told. */
async function runAndKill(directory: string, options: LogOptions): Promise<number> {
  const child = new LogChild('storm', directory, options)
  const ackCount = random.below(400)
  for (let heard = 0; heard <= ackCount; heard++) await child.next()
  await child.kill()
  const acknowledged = child.said.filter((said): said is number => typeof said === 'number')
  expect(acknowledged).toEqual(acknowledged.toSorted((a, b) => a - b))
  return acknowledged.at(-1) ?? -1
}

describe.each<[Durability, boolean]>([
  ['os', false],
  ['disk', false],
  ['os', true],
  ['disk', true],
])('a process that appends at %s and is killed (preallocate: %s)', (durability, preallocate) => {
  it('has lost nothing that was acknowledged, after every one of several lives', async () => {
    const directory = temporaryDirectory()
    const options: LogOptions = {
      durability,
      config: {
        'internal.segment.bytes': 8192,
        'index.interval.bytes': 512,
        'retention.ms': -1,
        preallocate,
      },
    }
    let acknowledged = -1
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const told = await runAndKill(directory, options)
      acknowledged = Math.max(acknowledged, told)
      const log = await openTempLog(options, directory)
      expect(log.recovery.damage).toEqual([])
      // One that was killed before its first write has left the marker of the close before.
      if (told >= 0) expect(log.recovery.clean).toBe(false)
      expect(log.endOffset).toBeGreaterThan(acknowledged)
      const records = await readAll(log)
      expect(records.map(({ offset }) => offset)).toEqual(
        Array.from({ length: log.endOffset }, (_, offset) => offset),
      )
      for (const { offset, value } of records) expect(value!.toString()).toBe(numberedValue(offset))
      await expectIndependentReaderAgrees(log)
      await log.close()
    }
    expect(acknowledged).toBeGreaterThan(0)
  })
})
