import { describe, expect, it } from 'vitest'
import { CleanupScheduler } from '../../../src/cleanup/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { DAY, HOUR, log, MemoryTarget, NOW, segmentsOf } from './fixtures.ts'

/** A scheduler of one log, and the level and text of all it says. */
function setUp(input: Parameters<typeof log>) {
  const said: string[] = []
  const say = (level: string) => (_: object, message: string) => void said.push(`${level}: ${message}`)
  const clock = new ManualClock({ wallMs: NOW })
  const scheduler = new CleanupScheduler({
    clock,
    logger: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
  })
  const target = new MemoryTarget('orders', log(...input))
  scheduler.add(target)
  return { said, clock, scheduler, target }
}

describe('the scheduler', () => {
  it('says nothing of a run that had nothing to do', async () => {
    const { said, clock } = setUp([segmentsOf(3)])
    await clock.advance(HOUR)
    expect(said).toEqual([])
  })

  it('says what it deleted', async () => {
    const { said, scheduler } = setUp([segmentsOf(3), { startOffset: 10 }])
    await scheduler.runOnce()
    expect(said).toEqual(['info: orders-0: 2 segments deleted, 100 B'])
  })

  it('warns of timestamps in the future once, again when their number changes, and anew after they are gone', async () => {
    const future = { maxTimestamp: Number.MAX_SAFE_INTEGER }
    const { said, scheduler, target } = setUp([[future, {}]])
    const warning = 'warn: orders-0: timestamps in the future, append times count instead'
    await scheduler.runOnce()
    await scheduler.runOnce()
    expect(said).toEqual([warning])
    target.input = log([future, future])
    await scheduler.runOnce()
    expect(said).toEqual([warning, warning])
    target.input = log([{}])
    await scheduler.runOnce()
    target.input = log([future, future])
    await scheduler.runOnce()
    expect(said).toEqual([warning, warning, warning])
  })

  it('warns of a clock jump once, however long it lasts, and says when it is over', async () => {
    const { said, clock } = setUp([segmentsOf(1)])
    await clock.advance(HOUR)
    clock.jumpWall(3650 * DAY)
    await clock.advance(23 * HOUR)
    const jump = 'warn: the wall clock jumped 3650d ahead: what goes by age waits for a steady day or force'
    expect(said).toEqual([jump])
    await clock.advance(2 * HOUR)
    expect(said).toEqual([jump, 'info: the wall clock is believed again: retention.ms applies'])
  })

  it('says that a jump is over when someone forces it', async () => {
    const { said, clock, scheduler } = setUp([segmentsOf(1)])
    clock.jumpWall(2 * HOUR)
    await scheduler.runOnce()
    await scheduler.runOnce({ force: true })
    expect(said.map((line) => line.slice(0, 4))).toEqual(['warn', 'info'])
  })

  it('does not warn of a clock that goes back', async () => {
    const { said, clock } = setUp([segmentsOf(1)])
    clock.jumpWall(-3 * DAY)
    await clock.advance(HOUR)
    expect(said).toEqual(['warn: orders-0: timestamps in the future, append times count instead'])
  })
})
