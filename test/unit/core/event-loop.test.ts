import { describe, expect, it } from 'vitest'
import { TurnGuard, yieldToEventLoop } from '../../../src/core/index.ts'

describe('yieldToEventLoop', () => {
  it('lets a timer that is due run first', async () => {
    const events: string[] = []
    const due = new Promise<void>((resolve) => {
      setImmediate(() => {
        events.push('waiting work')
        resolve()
      })
    })
    await yieldToEventLoop()
    events.push('going on')
    await due
    expect(events).toEqual(['waiting work', 'going on'])
  })
})

describe('TurnGuard', () => {
  it('is over once a turn has lasted longer than its slice, and starts anew with the next turn', async () => {
    let nowMs = 1000
    const guard = new TurnGuard({ monotonic: () => nowMs, sliceMs: 5 })
    expect(guard.isOver()).toBe(false)
    nowMs += 5
    expect(guard.isOver()).toBe(false)
    nowMs += 1
    expect(guard.isOver()).toBe(true)
    await Promise.resolve() // a promise is no new turn
    expect(guard.isOver()).toBe(true)
    await yieldToEventLoop()
    expect(guard.isOver()).toBe(false)
  })
})
