import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { formatLoopTable } from '../bench/loop-table.ts'
import type { Run } from '../bench/results.ts'
import { Arrivals, Sendings } from '../bench/support/arrivals.ts'
import { BareDocumentFile } from '../bench/support/bare-document-file.ts'
import type { KeyedRecord } from '../bench/rivals/rival.ts'
import {
  createDocuments,
  DocumentTally,
  encodeDocuments,
  encodeKeyedRecord,
  keyedRecordsOf,
  tallyOfDocuments,
} from '../bench/support/documents.ts'
import { EventLoopProbe } from '../bench/support/event-loop-probe.ts'
import { startFollower } from '../bench/support/follower-messages.ts'
import { LoopWatch, takeLoopMetrics, watchLoop } from '../bench/support/loop-watch.ts'
import { cachedBytes, dropFromPageCache, whyPageCacheStays } from '../bench/support/page-cache.ts'
import type { Tally } from '../bench/support/tally.ts'
import { temporaryDirectory } from './helpers/temporary-directory.ts'

const HELD_MS = 40

/** Keeps the event loop from its next turn for so long. */
function hold(ms: number): void {
  for (const startedMs = performance.now(); performance.now() - startedMs < ms; );
}

function runOf(subject: string, [p99Ms, maxMs, ticks]: [number, number, number]): Run {
  const metrics = { eventLoopP99Ms: p99Ms, eventLoopMaxMs: maxMs, eventLoopTicks: ticks }
  return { round: 0, subject, outcome: { metrics, checked: { count: 1, hash: 1 } } }
}

function tallyOfKeyed(records: readonly KeyedRecord[]): Tally {
  const tally = new DocumentTally()
  for (const record of records) tally.add(encodeKeyedRecord(record))
  return tally.take()
}

describe('watching the event loop', () => {
  it('a section that never lets go is one delay, as long as it is', async () => {
    const watch = new LoopWatch()
    await watch.start()
    hold(HELD_MS)
    const { p99Ms, maxMs, ticks } = await watch.stop()
    expect(ticks).toBe(0)
    expect(p99Ms).toBeGreaterThanOrEqual(HELD_MS)
    expect(maxMs).toBeGreaterThanOrEqual(HELD_MS)
  })

  it('the probe misses no delay that begins as soon as it has started', async () => {
    const probe = new EventLoopProbe()
    await probe.start()
    hold(HELD_MS)
    const { maxMs, longestTurnMs } = await probe.stop()
    expect(maxMs).toBeGreaterThanOrEqual(HELD_MS)
    expect(longestTurnMs).toBeGreaterThanOrEqual(HELD_MS)
  })

  it('of several sections an outcome has the worst, once', async () => {
    await watchLoop(() => {})
    await watchLoop(() => hold(HELD_MS))
    await watchLoop(() => {})
    const { eventLoopP99Ms, eventLoopTicks } = takeLoopMetrics()
    expect(eventLoopP99Ms).toBeGreaterThanOrEqual(HELD_MS)
    expect(eventLoopTicks).toBe(0)
    expect(() => takeLoopMetrics()).toThrow(/nothing was done inside/)
  })

  it('the table says of a subject that held the loop for how long, and of others p99 and max', () => {
    const runs = [
      runOf('bare', [250, 250, 0]),
      runOf('seglog', [1.25, 9, 300]),
      runOf('short', [1.1, 1.1, 0]),
    ]
    expect(formatLoopTable([{ name: 'append', runs }]).slice(-4)).toEqual([
      '| `append` | bare | held 250 ms |  |',
      '| `append` | seglog | 1.3 ms | 9.0 ms |',
      '| `append` | short | 1.1 ms | 1.1 ms |',
      '',
    ])
  })

  it('the table says that a subject whose work another program did was not watched', () => {
    const checked = { count: 1, hash: 0 }
    const runs: Run[] = [
      { round: 0, subject: 'kafka', outcome: { metrics: {}, checked, isElsewhere: true } },
      runOf('seglog', [1.25, 9, 300]),
    ]
    expect(formatLoopTable([{ name: 'kafka', runs }]).slice(-3)).toEqual([
      '| `kafka` | kafka | not watched: another program did the work |  |',
      '| `kafka` | seglog | 1.3 ms | 9.0 ms |',
      '',
    ])
  })

  it('the table leaves out runs of before there were such figures, and is not there without any', () => {
    const old: Run = { round: 0, subject: 'old', outcome: { metrics: {}, checked: { count: 1, hash: 1 } } }
    expect(formatLoopTable([{ name: 'append', runs: [old] }])).toEqual([])
    const lines = formatLoopTable([
      { name: 'append', runs: [old] },
      { name: 'scan', runs: [runOf('new', [1.1, 1.1, 0])] },
    ])
    expect(lines.slice(-3)).toEqual(['| --- | --- | --- | --- |', '| `scan` | new | 1.1 ms | 1.1 ms |', ''])
  })

  it('a subject that has the figures in some rounds only fails the table', () => {
    const { outcome, ...rest } = runOf('seglog', [1.1, 1.1, 0])
    const runs = [
      { ...rest, outcome },
      { ...rest, round: 1, outcome: { ...outcome, metrics: {} } },
    ]
    expect(() => formatLoopTable([{ name: 'append', runs }])).toThrow('seglog has no eventLoopP99Ms')
  })
})

describe('what benchmarks measure with', () => {
  it('the peak of memory is that of the program, and not of the one that started it', () => {
    const peak = pathToFileURL(join(import.meta.dirname, '../bench/support/peak-memory.ts'))
    const child = `import(${JSON.stringify(peak.href)}).then(({ peakResidentBytes }) => console.log(peakResidentBytes()))`
    const parent = `
      const large = Buffer.alloc(200e6, 1)
      const { spawnSync } = require('node:child_process')
      const { stdout } = spawnSync(process.execPath, ['-e', ${JSON.stringify(child)}])
      process.stdout.write(stdout)
      if (large[1] !== 1) process.exit(1)`
    const { stdout } = spawnSync(process.execPath, ['-e', parent], { encoding: 'utf8' })
    expect(Number(stdout)).toBeGreaterThan(10e6)
    if (process.platform === 'linux') expect(Number(stdout)).toBeLessThan(180e6)
  })

  it('keyed documents come back from the bare file as they were appended, and a changed byte shows', () => {
    const path = join(temporaryDirectory(), 'bare')
    const batches = createDocuments({ batchCount: 2, recordsPerBatch: 300 })
    const file = new BareDocumentFile(path)
    for (let batch = 0; batch < 3; batch++) file.append(encodeDocuments(batches[batch % 2]!))
    const expected = tallyOfDocuments(batches, 3)
    expect(expected.count).toBe(900)
    expect(file.tally()).toEqual(expected)
    file.close()
    const bytes = readFileSync(path)
    bytes[4]! ^= 1 // the first byte of the first key
    writeFileSync(path, bytes)
    const changed = new BareDocumentFile(path)
    expect(changed.tally()).toEqual({ count: 900, hash: expect.not.closeTo(expected.hash, 0) as number })
    changed.close()
  })

  it('keyed documents count the same as a library gives them back, and a changed header shows', () => {
    const [documents] = createDocuments({ batchCount: 1, recordsPerBatch: 50 })
    const records = JSON.parse(JSON.stringify(keyedRecordsOf(documents!))) as KeyedRecord[]
    const expected = tallyOfDocuments([documents!], 1)
    expect(tallyOfKeyed(records)).toEqual(expected)
    const changed = records.with(0, { ...records[0]!, headers: { ...records[0]!.headers, type: 'Other' } })
    expect(tallyOfKeyed(changed)).toEqual({ count: 50, hash: expect.not.closeTo(expected.hash, 0) as number })
  })

  it('files are out of the page cache after they were dropped, with what was in them', () => {
    const directory = temporaryDirectory()
    const why = whyPageCacheStays(directory)
    const path = join(directory, 'file')
    const bytes = Buffer.alloc(100_000, 7)
    writeFileSync(path, bytes)
    if (why !== undefined) return expect(() => dropFromPageCache([path])).toThrow()
    expect(cachedBytes([path])).toBeGreaterThan(0)
    dropFromPageCache([path])
    expect(cachedBytes([path])).toBe(0)
    expect(readFileSync(path)).toEqual(bytes)
    return undefined
  })

  it('arrivals are told apart by when they were sent, and what does not count is left out', () => {
    const plan = { valueBytes: 16, warmupRecords: 1, steadyRecords: 2, burstRecords: 2, bursts: 1 }
    const sendings = new Sendings()
    const values = Array.from({ length: 5 }, () => sendings.next(plan.valueBytes))
    const second = 1_000_000_000n
    const sent = [0n, 20n, 20n, 30n, 30n].map((ago) => process.hrtime.bigint() - ago * second)
    values.forEach((value, slot) => void value.writeBigUInt64LE(sent[slot]!))
    const arrivals = new Arrivals(plan)
    for (const value of values) {
      expect(arrivals.isComplete).toBe(false)
      arrivals.add(value)
      expect(arrivals.isWarm).toBe(true)
    }
    expect(arrivals.isComplete).toBe(true)
    const { received, steadyP50Microseconds, steadyP99Microseconds, burstP50Microseconds } = arrivals.report()
    expect(received.count).toBe(5)
    for (const micros of [steadyP50Microseconds, steadyP99Microseconds])
      expect(Math.floor(micros / 10e6)).toBe(2)
    expect(Math.floor(burstP50Microseconds / 10e6)).toBe(3)
  })

  it('a following process that can not follow fails what waits for it', async () => {
    const plan = { valueBytes: 16, warmupRecords: 1, steadyRecords: 1, burstRecords: 1, bursts: 1 }
    const path = join(temporaryDirectory(), 'nowhere')
    const { warm, complete } = startFollower({ kind: 'file', path, plan })
    const results = await Promise.allSettled([warm, complete])
    const error = expect.objectContaining({ message: expect.stringContaining('ENOENT') as string }) as Error
    expect(results).toEqual([
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
    ])
  })
})
