import { describe, expect, it } from 'vitest'
import { SerialQueue } from '../../../src/core/index.ts'

/** A task that waits to be let go, and notes when it starts and ends. */
function gate(name: string, events: string[]) {
  let letGo: (() => void) | undefined
  const promise = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const task = async () => {
    events.push(`${name} starts`)
    await promise
    events.push(`${name} ends`)
    return name
  }
  return { task, open: () => letGo?.() }
}

describe('SerialQueue', () => {
  it('runs tasks one after another, in the order they came', async () => {
    const events: string[] = []
    const queue = new SerialQueue()
    const gates = ['a', 'b', 'c'].map((name) => gate(name, events))
    const results = gates.map(({ task }) => queue.run(task))
    for (const { open } of gates.toReversed()) open()
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c'])
    expect(events).toEqual(['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends'])
  })

  it('goes on after a task that fails, whichever way it fails', async () => {
    const queue = new SerialQueue()
    const thrown = queue.run(() => {
      throw new Error('thrown')
    })
    const rejected = queue.run(() => Promise.reject(new Error('rejected')))
    const next = queue.run(() => 'fine')
    await expect(thrown).rejects.toThrow('thrown')
    await expect(rejected).rejects.toThrow('rejected')
    expect(await next).toBe('fine')
  })

  it('starts nothing before run has returned', async () => {
    const events: string[] = []
    const queue = new SerialQueue()
    const result = queue.run(() => void events.push('ran'))
    expect(events).toEqual([])
    await result
    expect(events).toEqual(['ran'])
  })

  it('counts what has not finished', async () => {
    const queue = new SerialQueue()
    const { task, open } = gate('a', [])
    const results = [queue.run(task), queue.run(() => Promise.reject(new Error('x')))]
    expect(queue.size).toBe(2)
    open()
    await Promise.allSettled(results)
    await queue.idle()
    expect(queue.size).toBe(0)
  })

  it('is idle once everything handed in before has ended, well or not', async () => {
    const queue = new SerialQueue()
    await queue.idle()
    const events: string[] = []
    const failing = queue.run(() => Promise.reject(new Error('x'))).catch(() => events.push('failed'))
    await queue.idle()
    await failing
    expect(events).toEqual(['failed'])
  })

  it('takes a task from within a task, to run after it', async () => {
    const queue = new SerialQueue()
    const events: string[] = []
    let inner: Promise<unknown> | undefined
    await queue.run(() => {
      inner = queue.run(() => events.push('inner'))
      events.push('outer')
    })
    await inner
    expect(events).toEqual(['outer', 'inner'])
  })
})
