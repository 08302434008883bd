import { describe, expect, it } from 'vitest'
import { Appender, type AppendTarget } from '../../../src/cli/appender.ts'
import type { RecordInput } from '../../../src/index.ts'

interface Call {
  readonly records: readonly RecordInput[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** A log, or a topic of two partitions that take turns, which acknowledges when it is told to. */
function slowLog(config: Record<string, number> = {}, { takesBatches = true } = {}) {
  const calls: Call[] = []
  const nextOffsets = [10, 10]
  const log: AppendTarget = {
    config: { 'max.message.bytes': 1_048_588, 'segment.bytes': 2 ** 30, ...config },
    takesBatches,
    append(records) {
      const partition = takesBatches ? 0 : calls.length % 2
      const baseOffset = nextOffsets[partition]!
      const lastOffset = baseOffset + records.length - 1
      nextOffsets[partition] = lastOffset + 1
      const result = { baseOffset, lastOffset, timestamp: 0, durability: 'disk' as const, partition }
      return new Promise((resolve, reject) => {
        calls.push({ records, resolve: () => resolve(result), reject })
      })
    },
  }
  return { log, calls }
}

const atPartition0 = (firstOffset: number, lastOffset: number) => new Map([[0, { firstOffset, lastOffset }]])

const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('Appender', () => {
  it('appends in batches of up to 64 KiB, in order', async () => {
    const { log, calls } = slowLog()
    const appender = new Appender(log, 'disk')
    for (let count = 0; count < 100; count++) appender.add({ value: Buffer.alloc(1000, count) })
    const finished = appender.finish()
    expect(calls.map(({ records }) => records.length)).toEqual([62, 38])
    for (const call of calls) call.resolve()
    await finished
    expect(appender.totals).toEqual({ records: 100, bytes: 100_000, offsets: atPartition0(10, 109) })
  })

  it('never makes a batch larger than the log takes, whatever the records are made of', () => {
    const { log, calls } = slowLog({ 'max.message.bytes': 500 })
    const appender = new Appender(log, 'os')
    for (let count = 0; count < 20; count++) {
      appender.add({ key: 'k'.repeat(50), value: null, headers: [['h'.repeat(30), 'v'.repeat(20)]] })
    }
    appender.send()
    for (const { records } of calls) expect(records.length).toBeLessThanOrEqual(2)
    expect(calls.flatMap(({ records }) => records)).toHaveLength(20)
  })

  it('gives a record that is too large to the log alone, which will say so', () => {
    const { log, calls } = slowLog({ 'max.message.bytes': 100 })
    const appender = new Appender(log, 'os')
    appender.add({ value: 'a' })
    appender.add({ value: 'x'.repeat(1000) })
    appender.add({ value: 'b' })
    appender.send()
    expect(calls.map(({ records }) => records.length)).toEqual([1, 1, 1])
  })

  it('is busy with 8 MiB under way, and drains as they are acknowledged', async () => {
    const { log, calls } = slowLog()
    const appender = new Appender(log, 'disk')
    let added = 0
    while (!appender.isBusy) {
      appender.add({ value: Buffer.alloc(60_000) })
      added++
    }
    expect(added * 60_000).toBeLessThan(9 * 1024 * 1024)
    let drained = false
    const draining = appender.drain().then(() => (drained = true))
    await settle()
    expect(drained).toBe(false)
    calls[0]!.resolve()
    calls[1]!.resolve()
    await draining
    expect(appender.isBusy).toBe(false)
  })

  it('counts what was acknowledged, and appends nothing after a failure', async () => {
    const { log, calls } = slowLog()
    const appender = new Appender(log, 'disk')
    appender.add({ value: 'first' })
    appender.send()
    appender.add({ value: 'second' })
    appender.send()
    calls[0]!.resolve()
    calls[1]!.reject(new Error('disk full'))
    await settle()
    expect(appender.isBusy).toBe(true)
    await expect(appender.drain()).rejects.toThrow('disk full')
    appender.add({ value: 'third' })
    await expect(appender.finish()).rejects.toThrow('disk full')
    expect(calls).toHaveLength(2)
    expect(appender.totals).toEqual({ records: 1, bytes: 5, offsets: atPartition0(10, 10) })
  })

  it('gives each record a call of its own where partitions are chosen record by record, and counts by partition', async () => {
    const { log, calls } = slowLog({}, { takesBatches: false })
    const appender = new Appender(log, 'disk')
    for (const value of ['a', 'bb', 'ccc']) appender.add({ value })
    const finished = appender.finish()
    expect(calls.map(({ records }) => records)).toEqual([
      [{ value: 'a' }],
      [{ value: 'bb' }],
      [{ value: 'ccc' }],
    ])
    for (const call of calls.toReversed().slice(1)) call.resolve()
    await settle()
    expect(appender.totals).toMatchObject({ records: 2, bytes: 3 })
    calls[2]!.resolve()
    await finished
    expect(appender.totals).toEqual({
      records: 3,
      bytes: 6,
      offsets: new Map([
        [0, { firstOffset: 10, lastOffset: 11 }],
        [1, { firstOffset: 10, lastOffset: 10 }],
      ]),
    })
  })

  it('does nothing when there is nothing to do', async () => {
    const { log, calls } = slowLog()
    const appender = new Appender(log, 'disk')
    appender.send()
    await appender.finish()
    expect(calls).toEqual([])
    expect(appender.totals).toEqual({ records: 0, bytes: 0, offsets: new Map() })
  })
})
