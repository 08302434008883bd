import { describe, expect, it } from 'vitest'
import { ChangeSignal } from '../../../src/core/index.ts'

describe('ChangeSignal', () => {
  it('tells everyone who waits, once', () => {
    const signal = new ChangeSignal()
    const told: string[] = []
    signal.once(() => told.push('a'))
    signal.once(() => told.push('b'))
    expect(signal.waiterCount).toBe(2)
    signal.notify()
    signal.notify()
    expect(told).toEqual(['a', 'b'])
    expect(signal.waiterCount).toBe(0)
  })

  it('tells who asks again while being told only at the next change', () => {
    const signal = new ChangeSignal()
    let count = 0
    const again = () => {
      count++
      signal.once(again)
    }
    again()
    signal.notify()
    expect(count).toBe(2)
    signal.notify()
    expect(count).toBe(3)
  })

  it('forgets a waiter, also one whose turn has not come yet, and forgetting twice is fine', () => {
    const signal = new ChangeSignal()
    const told: string[] = []
    const forgetters: (() => void)[] = []
    signal.once(() => {
      told.push('a')
      for (const forget of forgetters) forget()
    })
    forgetters.push(signal.once(() => told.push('b')))
    signal.notify()
    for (const forget of forgetters) forget()
    expect(told).toEqual(['a'])
    const forget = signal.once(() => told.push('c'))
    forget()
    signal.notify()
    expect(told).toEqual(['a'])
  })
})
