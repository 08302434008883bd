/*
 * Every single bit of a small log, turned over one at a time: the log opens or fails, and whatever is read afterwards is
 * what was written. What is missing is missing only where somebody was told, and no byte of a segment is gone that is
 * not in quarantine. `npm run test:damage` leaves no bit out; each test prints how many it tried.
 */
import { describe, expect, it } from 'vitest'
import { BATCH } from '../../src/record/index.ts'
import {
  changedSegments,
  DIRECTORY,
  readAround,
  sampleLog,
  segmentsOf,
  someOf,
  Tally,
  withFlip,
} from '../helpers/damaged-log.ts'
import { segmentName } from '../helpers/hand-made.ts'
import type { MemoryFileSystem } from '../helpers/memory-file-system.ts'

/** Some of the bits of a file. */
const bitsOf = (fileSystem: MemoryFileSystem, path: string, stride: number): number[] =>
  someOf(fileSystem.bytesOf(path).length * 8, stride)

describe.each([
  ['small', 'closed in order', { isClosed: true, stride: 2 }, ['failed', 'partly', 'whole']],
  ['small', 'left by a killed process', { isClosed: false, stride: 5 }, ['partly', 'whole']],
  ['wide', 'closed in order', { isClosed: true, stride: 29 }, ['failed', 'partly', 'whole']],
  ['wide', 'left by a killed process', { isClosed: false, stride: 29 }, ['partly', 'whole']],
] as const)('a %s log %s, with any one bit of its segments flipped', (shape, state, how, expected) => {
  it('gives no wrong record, misses none in silence, and loses no byte', async () => {
    const sample = await sampleLog(shape, how)
    const tally = new Tally(`bits of a ${shape} log ${state}`)
    const complaints: string[] = []
    for (const path of segmentsOf(sample.fileSystem)) {
      for (const bit of bitsOf(sample.fileSystem, path, how.stride)) {
        const damaged = withFlip(sample.fileSystem, path, bit)
        const work = damaged.copy()
        const outcome = await readAround(work, sample)
        const found = [...(outcome?.complaints ?? []), ...changedSegments(damaged, work)]
        if (outcome === undefined && work.steps > 0) found.push('an opening that failed changed something')
        complaints.push(...found.map((text) => `${path} bit ${bit}: ${text}`))
        if (outcome === undefined) tally.add('failed')
        else tally.add(outcome.readCount === sample.endOffset ? 'whole' : 'partly')
      }
    }
    tally.print()
    expect(complaints).toEqual([])
    expect(tally.outcomes).toEqual(expected)
  })
})

describe('a log that was closed in order, with a bit flipped', () => {
  it.each([
    ['small', 'opens for reading around it', { onCorruption: 'readonly' }],
    ['small', 'is followed around it', { onCorruption: 'readonly', readOnly: true }],
    ['wide', 'opens for reading around it', { onCorruption: 'readonly' }],
  ] as const)('%s: %s, and says exactly what is lost', async (shape, what, how) => {
    const sample = await sampleLog(shape, { isClosed: true })
    const tally = new Tally(`bits of a ${shape} log that ${what}`)
    const complaints: string[] = []
    for (const path of segmentsOf(sample.fileSystem)) {
      for (const bit of bitsOf(sample.fileSystem, path, shape === 'small' ? 7 : 53)) {
        const damaged = withFlip(sample.fileSystem, path, bit)
        const work = damaged.copy()
        const { log, complaints: found } = (await readAround(work, sample, how))!
        if (log.state === 'readonly' && work.steps > 0) found.push('something was written')
        complaints.push(...found.map((text) => `${path} bit ${bit}: ${text}`))
        tally.add(log.state)
      }
    }
    tally.print()
    expect(complaints).toEqual([])
  })

  it('in a leader epoch loses nothing', async () => {
    const sample = await sampleLog('small', { isClosed: true })
    const path = `${DIRECTORY}/${segmentName(3)}`
    for (let bit = BATCH.partitionLeaderEpoch * 8; bit < BATCH.magic * 8; bit++)
      expect(await readAround(withFlip(sample.fileSystem, path, bit), sample)).toMatchObject({
        readCount: sample.endOffset,
        complaints: [],
      })
  })

  it('in one of its small files opens or fails, and never gives a wrong record', async () => {
    const sample = await sampleLog('small', { isClosed: true })
    const small = sample.fileSystem.paths.filter((path) => !path.endsWith('.log'))
    expect(small.map((path) => path.slice(DIRECTORY.length + 1))).toEqual([
      '.kafka_cleanshutdown',
      'recovery-point-offset-checkpoint',
      'topic.properties',
      'watermark',
    ])
    const tally = new Tally('bits of the small files of a log')
    const complaints: string[] = []
    for (const path of small) {
      for (const bit of bitsOf(sample.fileSystem, path, 5)) {
        const damaged = withFlip(sample.fileSystem, path, bit)
        const work = damaged.copy()
        const outcome = await readAround(work, sample)
        const found = [...(outcome?.complaints ?? []), ...changedSegments(damaged, work)]
        const last = await outcome?.log.offsetForTimestamp(1008)
        if (outcome !== undefined && last?.offset !== 8) found.push(`1008 is found at ${last?.offset}`)
        complaints.push(...found.map((text) => `${path} bit ${bit}: ${text}`))
        tally.add(outcome === undefined ? 'failed' : 'whole')
      }
    }
    tally.print()
    expect(complaints).toEqual([])
  })
})
