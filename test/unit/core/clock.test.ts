import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { systemClock, TIMER_MS_MAX } from '../../../src/core/index.ts'

const source = new URL('../../../src/core/index.ts', import.meta.url).href

/** What a process prints that runs `body` with `systemClock` and then ends by itself. */
function outputOf(body: string): string {
  const script = `import { systemClock } from ${JSON.stringify(source)}\n${body}`
  return execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
}

describe("the machine's clock", () => {
  it('tells wall time, and a monotonic time that does not go back', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000)
    const first = systemClock.monotonic()
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(first)
  })

  it('calls a task after its delay, and not after it was cancelled', async () => {
    const events: string[] = []
    await new Promise<void>((resolve) => {
      const cancelled = systemClock.schedule(0, () => events.push('cancelled'))
      systemClock.schedule(5, resolve, { keepAlive: true })
      cancelled.cancel()
      cancelled.cancel()
    })
    expect(events).toEqual([])
  })

  it('waits as long as Node can for a delay that Node would cut to a millisecond', async () => {
    const events: string[] = []
    const long = [TIMER_MS_MAX + 1, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY].map((delayMs) =>
      systemClock.schedule(delayMs, () => events.push(`${delayMs}`)),
    )
    await new Promise<void>((resolve) => void systemClock.schedule(20, resolve, { keepAlive: true }))
    for (const timer of long) timer.cancel()
    expect(events).toEqual([])
  })

  it('takes a delay below 0 for none', async () => {
    await new Promise<void>((resolve) => void systemClock.schedule(-5, resolve, { keepAlive: true }))
  })

  it('keeps the process alive for a task only when asked to', () => {
    expect(outputOf("systemClock.schedule(30, () => console.log('ran'))")).toBe('')
    expect(outputOf("systemClock.schedule(30, () => console.log('ran'), { keepAlive: true })")).toBe('ran\n')
  })
})
