import { describe, expect, it, onTestFinished } from 'vitest'
import { type Clock, openStore } from '../../src/index.ts'
import { CrashFileSystem, ManualClock } from '../../src/testing/index.ts'

/** A clock on which each look takes a ms. */
class SlowClock extends ManualClock implements Clock {
  #looks = 0
  isRunning = false

  override monotonic(): number {
    return super.monotonic() + (this.isRunning ? this.#looks++ : this.#looks)
  }
}

describe('the writers of many logs', () => {
  it('give the event loop its turn together, however many there are', async () => {
    const clock = new SlowClock()
    const store = await openStore('/store', { fileSystem: new CrashFileSystem(), clock, cleanup: false })
    onTestFinished(() => store.close())
    const { topic } = await store.createTopic('many', { partitions: 60 })
    await Promise.all(topic.partitions.map((log) => log.append('first', { durability: 'os' })))
    clock.isRunning = true
    let acknowledged = 0
    const appends = topic.partitions.map(async (log) => {
      await log.append('second', { durability: 'os' })
      acknowledged++
    })
    const turns: number[] = []
    while (acknowledged < topic.partitions.length) {
      const before = acknowledged
      await new Promise<void>((resolve) => void setImmediate(resolve))
      turns.push(acknowledged - before)
    }
    await Promise.all(appends)
    expect(Math.max(...turns)).toBeLessThanOrEqual(12) // 5 ms a turn, and two turns of ours where they overlap
    expect(turns.length).toBeGreaterThanOrEqual(5)
  })
})
