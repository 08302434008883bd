/*
 * Every single bit of a small log, turned over one at a time: the log opens or fails, and whatever is read afterwards is
 * what was written. What is missing is missing only where somebody was told, and no byte of a segment is gone that is
 * not in quarantine. Complaints are collected, for there are thousands of openings; `EXHAUSTIVE=1` leaves no bit out.
 */
import { describe, expect, it } from 'vitest'
import { type Damage, isSeglogError, type Log, type LogOptions, openLog } from '../../src/index.ts'
import { BATCH } from '../../src/record/index.ts'
import { MemoryFileSystem } from '../helpers/memory-file-system.ts'
import { segmentName } from '../helpers/hand-made.ts'
import { seed } from '../helpers/seed.ts'

const DIRECTORY = '/log'
const END_OFFSET = 9

const options: LogOptions = {
  config: { 'internal.segment.bytes': 170 },
  durability: 'os',
  cleanup: false,
}

const valueOf = (offset: number): string => `v${offset}`

/** Three segments of two batches each; the second batch of each holds two records. */
async function smallLog({ isClosed }: { isClosed: boolean }): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  const log = await openLog(DIRECTORY, { ...options, fileSystem })
  for (const count of [1, 2, 1, 2, 1, 2]) {
    const offsets = Array.from({ length: count }, (_, slot) => log.endOffset + slot)
    await log.append(offsets.map((offset) => ({ value: valueOf(offset), timestamp: 1000 + offset })))
  }
  expect(log.segments().map(({ baseOffset }) => baseOffset)).toEqual([0, 3, 6])
  if (isClosed) await log.close()
  return fileSystem.copy()
}

const segmentsOf = (fileSystem: MemoryFileSystem): string[] =>
  fileSystem.paths.filter((path) => path.endsWith('.log'))

/** Every `stride`-th bit of a file, from where the seed says. */
function bitsOf(fileSystem: MemoryFileSystem, path: string, stride = 1): number[] {
  const all = Array.from({ length: fileSystem.bytesOf(path).length * 8 }, (_, bit) => bit)
  return process.env['EXHAUSTIVE'] === undefined ? all.filter((bit) => (bit + seed) % stride === 0) : all
}

function flip(fileSystem: MemoryFileSystem, path: string, bit: number): MemoryFileSystem {
  const copy = fileSystem.copy()
  copy.bytesOf(path)[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

interface Outcome {
  readonly log: Log
  readonly readCount: number
  readonly complaints: string[]
}

/** Opens a damaged log and reads all of it, told of damage; undefined when it does not open. */
async function readAround(fileSystem: MemoryFileSystem, more: LogOptions = {}): Promise<Outcome | undefined> {
  let log: Log
  try {
    log = await openLog(DIRECTORY, { ...options, fileSystem, ...more })
  } catch (error) {
    if (isSeglogError(error, 'LOG_CORRUPT') || isSeglogError(error, 'CONFIG_INVALID')) return undefined
    throw error
  }
  const lost: [number, number][] = []
  const onDamage = ({ offset, nextOffset }: Damage): void => void lost.push([offset, nextOffset])
  const complaints: string[] = []
  const read = new Set<number>()
  for await (const { offset, value, timestamp } of log.read({ onDamage })) {
    read.add(offset)
    if (offset >= END_OFFSET || value?.toString() !== valueOf(offset) || timestamp !== 1000 + offset)
      complaints.push(`${offset} is wrong: ${value?.toString()} at ${timestamp}`)
  }
  if (log.recovery.cut !== undefined) lost.push([log.endOffset, Infinity])
  for (const { firstLostOffset, nextGoodOffset = Infinity } of log.recovery.damage)
    lost.push([firstLostOffset, nextGoodOffset])
  for (let offset = 0; offset < END_OFFSET; offset++) {
    const isTold = lost.some(([first, next]) => offset >= first && offset < next)
    if (isTold === read.has(offset)) complaints.push(`${offset} is ${isTold ? 'said to be lost' : 'missing'}`)
  }
  return { log, readCount: read.size, complaints }
}

/** What recovery cut must be in quarantine, byte for byte. */
function changedBytes(before: MemoryFileSystem, after: MemoryFileSystem): string[] {
  return segmentsOf(before).filter((path) => {
    const kept = after.bytesOf(path)
    const cut = after.paths.find((other) => other.startsWith(`${DIRECTORY}/quarantine/${path.slice(-24)}.`))
    const all = cut === undefined ? kept : Buffer.concat([kept, after.bytesOf(cut)])
    return !all.equals(before.bytesOf(path))
  })
}

describe.each([
  ['closed in order', { isClosed: true, stride: 1 }, ['failed', 'partly', 'whole']],
  ['left by a process that was killed', { isClosed: false, stride: 3 }, ['partly', 'whole']],
])('a log %s, with any one bit of its segments flipped', (_, how, expected) => {
  it('gives no wrong record, misses none in silence, and loses no byte', async () => {
    const sound = await smallLog(how)
    const outcomes = new Set<string>()
    const complaints: string[] = []
    for (const path of segmentsOf(sound)) {
      for (const bit of bitsOf(sound, path, how.stride)) {
        const damaged = flip(sound, path, bit)
        const work = damaged.copy()
        const outcome = await readAround(work)
        const found = [...(outcome?.complaints ?? []), ...changedBytes(damaged, work)]
        if (outcome === undefined && work.steps > 0) found.push('an opening that failed changed something')
        complaints.push(...found.map((text) => `${path} bit ${bit}: ${text}`))
        if (outcome === undefined) outcomes.add('failed')
        else outcomes.add(outcome.readCount === END_OFFSET ? 'whole' : 'partly')
      }
    }
    expect(complaints).toEqual([])
    expect([...outcomes].sort()).toEqual(expected)
  })
})

describe('a log that was closed in order, with a bit flipped', () => {
  it.each([
    ['opens for reading around it', { onCorruption: 'readonly' }],
    ['is followed around it', { onCorruption: 'readonly', readOnly: true }],
  ] as const)('%s, and says exactly what is lost', async (_, how) => {
    const sound = await smallLog({ isClosed: true })
    const complaints: string[] = []
    for (const path of segmentsOf(sound)) {
      for (const bit of bitsOf(sound, path, 7)) {
        const damaged = flip(sound, path, bit)
        const work = damaged.copy()
        const { log, complaints: found } = (await readAround(work, how))!
        if (log.state === 'readonly' && work.steps > 0) found.push('something was written')
        complaints.push(...found.map((text) => `${path} bit ${bit}: ${text}`))
      }
    }
    expect(complaints).toEqual([])
  })

  it('in a leader epoch loses nothing', async () => {
    const sound = await smallLog({ isClosed: true })
    const path = `${DIRECTORY}/${segmentName(3)}`
    for (let bit = BATCH.partitionLeaderEpoch * 8; bit < BATCH.magic * 8; bit++)
      expect(await readAround(flip(sound, path, bit))).toMatchObject({
        readCount: END_OFFSET,
        complaints: [],
      })
  })

  it('in one of its small files opens or fails, and never gives a wrong record', async () => {
    const sound = await smallLog({ isClosed: true })
    const small = sound.paths.filter((path) => !path.endsWith('.log'))
    expect(small.map((path) => path.slice(DIRECTORY.length + 1))).toEqual([
      '.kafka_cleanshutdown',
      'recovery-point-offset-checkpoint',
      'topic.properties',
      'watermark',
    ])
    const complaints: string[] = []
    for (const path of small) {
      for (const bit of bitsOf(sound, path, 5)) {
        const damaged = flip(sound, path, bit)
        const work = damaged.copy()
        const outcome = await readAround(work)
        const found = [...(outcome?.complaints ?? []), ...changedBytes(damaged, work)]
        const last = await outcome?.log.offsetForTimestamp(1008)
        if (outcome !== undefined && last?.offset !== 8) found.push(`1008 is found at ${last?.offset}`)
        complaints.push(...found.map((text) => `${path} bit ${bit}: ${text}`))
      }
    }
    expect(complaints).toEqual([])
  })
})
