/*
 * The last segment torn at every byte, in every way a crash tears: cut off, zeros where bytes were not written yet,
 * something else behind. What was whole stays; what is cut was never whole and lies in quarantine; recovery that runs
 * again changes nothing; and below the recovery point nothing is cut at all. `npm run test:damage` leaves out nothing.
 */
import { describe, expect, it } from 'vitest'
import { isSeglogError, type Log, openLog } from '../../src/index.ts'
import { BATCH } from '../../src/record/index.ts'
import { SeededRandom } from '../../src/testing/index.ts'
import {
  changedSegments,
  DIRECTORY,
  readAround,
  type SampleLog,
  sampleLog,
  segmentsOf,
  someOf,
  Tally,
} from '../helpers/damaged-log.ts'
import { isExhaustive } from '../helpers/exhaustive.ts'
import { dataBatch } from '../helpers/hand-made.ts'
import type { MemoryFileSystem } from '../helpers/memory-file-system.ts'
import { seed } from '../helpers/seed.ts'

const RECOVERY_POINTS = `${DIRECTORY}/recovery-point-offset-checkpoint`

/** Where a batch starts that is sound and does not belong there: read around the damage before it, it is given out. */
const LATER_OFFSET = 5000

type Tear = (bytes: Buffer, position: number) => Buffer

const behind =
  (tail: (position: number) => Uint8Array): Tear =>
  (bytes, position) =>
    Buffer.concat([bytes.subarray(0, position), tail(position)])

const upToMultiple =
  (unit: number): Tear =>
  (bytes, position) =>
    Buffer.concat([bytes.subarray(0, position), Buffer.alloc(unit - (position % unit))])

const TEARS: Readonly<Record<string, Tear>> = {
  'cut off': (bytes, position) => bytes.subarray(0, position),
  'zeros instead': (bytes, position) => Buffer.from(bytes).fill(0, position),
  'zeros up to the next 512': upToMultiple(512),
  'zeros up to the next 4096': upToMultiple(4096),
  'garbage behind': behind((position) => new SeededRandom(seed + position).bytes(1 + (position % 300))),
  'a batch of a later time behind': behind(() => dataBatch(LATER_OFFSET, 2)),
  'a batch of an earlier time behind': behind(() => dataBatch(1, 2)),
  'a byte missing': (bytes, position) =>
    Buffer.concat([bytes.subarray(0, position), bytes.subarray(position + 1)]),
}

async function tornSample(shape: 'small' | 'wide', how: { isClosed: boolean }): Promise<SampleLog> {
  const sample = await sampleLog(shape, how)
  return { ...sample, isRight: (record) => record.offset >= LATER_OFFSET || sample.isRight(record) }
}

/** A batch of a segment as it was written. */
interface WholeBatch {
  readonly end: number
  readonly nextOffset: number
}

/** Where each batch of a sound file ends, the first being where it starts. */
function batchesOf(bytes: Buffer, baseOffset: number): WholeBatch[] {
  const batches = [{ end: 0, nextOffset: baseOffset }]
  for (let at = 0; at < bytes.length; ) {
    const nextOffset = batches.at(-1)!.nextOffset + bytes.readInt32BE(at + BATCH.lastOffsetDelta) + 1
    at += bytes.readInt32BE(at + BATCH.batchLength) + 12
    batches.push({ end: at, nextOffset })
  }
  return batches
}

const baseOffsetOf = (path: string): number => Number(path.slice(-24, -4))

/** The last of the batches that are still what they were, one after another from the start. */
function lastWhole(was: Buffer, is: Buffer, batches: readonly WholeBatch[]): WholeBatch {
  return batches.findLast(({ end }) => is.subarray(0, end).equals(was.subarray(0, end)))!
}

/** Places to tear at: some of all there are, and those around the end of each batch. */
function placesOf(batches: readonly WholeBatch[], stride: number): number[] {
  const end = batches.at(-1)!.end
  const borders = batches.flatMap((batch) => [batch.end - 1, batch.end, batch.end + 1])
  const inside = borders.filter((position) => position >= 0 && position <= end)
  return [...new Set([...someOf(end + 1, stride), ...inside])].sort((a, b) => a - b)
}

const filesOf = (fileSystem: MemoryFileSystem): string =>
  fileSystem.paths
    .filter((path) => !path.endsWith('watermark'))
    .map((path) => `${path} ${fileSystem.bytesOf(path).toString('base64')}`)
    .join('\n')

/** Complains unless opening a torn log leaves just what was whole, for good, and appending goes on behind it. */
async function tornProblems(
  sample: SampleLog,
  damaged: MemoryFileSystem,
  expected: WholeBatch,
): Promise<string[]> {
  const path = segmentsOf(damaged).at(-1)!
  const bytes = damaged.bytesOf(path)
  const work = damaged.copy()
  // What is above was never there whole; a file that ends between two batches can't even tell that there was more.
  const outcome = await readAround(work, { ...sample, endOffset: expected.nextOffset })
  if (outcome === undefined) return ['it does not open']
  const { log } = outcome
  const found = [...outcome.complaints, ...changedSegments(damaged, work).map((name) => `${name} lost bytes`)]
  if (log.endOffset !== expected.nextOffset || log.durableOffset !== expected.nextOffset)
    found.push(`it ends at ${log.endOffset}, not at ${expected.nextOffset}`)
  const cut = bytes.subarray(expected.end)
  const kind = cut.every((byte) => byte === 0) ? 'zeros' : 'TAIL_TORN'
  const report = log.recovery.cut
  if (report?.position !== (cut.length === 0 ? undefined : expected.end)) found.push('the cut is elsewhere')
  if (report !== undefined && (report.sizeBytes !== cut.length || report.kind !== kind))
    found.push(`the cut of ${cut.length} bytes, ${kind}, is reported as ${report.sizeBytes}, ${report.kind}`)
  const again = work.copy()
  const second = await openLog(DIRECTORY, { ...sample.options, fileSystem: again })
  if (second.recovery.cut !== undefined || filesOf(again) !== filesOf(work))
    found.push('recovering once more changes something')
  found.push(...(await appendProblems(sample, work, log)))
  return found
}

async function appendProblems(sample: SampleLog, fileSystem: MemoryFileSystem, log: Log): Promise<string[]> {
  const found: string[] = []
  const { endOffset } = log
  const { baseOffset } = await log.append('behind')
  if (baseOffset !== endOffset) found.push(`an append goes to ${baseOffset}, not to ${endOffset}`)
  await log.close()
  const closed = await openLog(DIRECTORY, { ...sample.options, fileSystem })
  const values: (string | undefined)[] = []
  for await (const record of closed.read())
    if (record.offset === endOffset) values.push(record.value?.toString())
    else if (!sample.isRight(record)) found.push(`${record.offset} is wrong after an append`)
  if (!closed.recovery.clean || closed.endOffset !== endOffset + 1 || values.join() !== 'behind')
    found.push('the append is not there after closing and opening')
  return found
}

/** Complains unless a log that was closed in order, and is torn, is left as it is. */
async function closedProblems(sample: SampleLog, damaged: MemoryFileSystem): Promise<string[]> {
  const work = damaged.copy()
  const outcome = await readAround(work, sample)
  // Zeros in the records of the last batch look closed in order from outside: whoever reads them is told.
  if (outcome === undefined) return refusalProblems(sample, damaged)
  return [...outcome.complaints, ...(filesOf(work) === filesOf(damaged) ? [] : ['something was written'])]
}

/** Complains unless a log refuses to open, says so, changes nothing, and can be read around the damage. */
async function refusalProblems(sample: SampleLog, damaged: MemoryFileSystem): Promise<string[]> {
  const work = damaged.copy()
  const found: string[] = []
  const error: unknown = await openLog(DIRECTORY, { ...sample.options, fileSystem: work }).catch((e) => e)
  if (!isSeglogError(error, 'LOG_CORRUPT')) found.push(`it opens, or fails otherwise: ${String(error)}`)
  const outcome = await readAround(work, sample, { onCorruption: 'readonly' })
  if (outcome?.log.state !== 'readonly') found.push('it does not open for reading')
  if (work.steps > 0) found.push('something was written')
  return [...found, ...(outcome?.complaints ?? [])]
}

describe.each(Object.entries(TEARS))('a last segment torn at any byte, %s,', (what, tear) => {
  it.each([
    ['small', 7],
    ['wide', 29],
  ] as const)('of a %s log keeps what is whole, and nothing else', async (shape, stride) => {
    const sample = await tornSample(shape, { isClosed: false })
    const path = segmentsOf(sample.fileSystem).at(-1)!
    const whole = sample.fileSystem.bytesOf(path)
    const batches = batchesOf(whole, baseOffsetOf(path))
    const tally = new Tally(`tears of a ${shape} log, ${what}`)
    const complaints: string[] = []
    for (const position of placesOf(batches, stride)) {
      const damaged = sample.fileSystem.copy()
      const bytes = Buffer.from(tear(whole, position))
      damaged.put(path, bytes)
      const expected = lastWhole(whole, bytes, batches)
      const found = await tornProblems(sample, damaged, expected)
      complaints.push(...found.map((text) => `at ${position}: ${text}`))
      tally.add(bytes.length > expected.end ? 'cut' : 'whole')
    }
    tally.print()
    expect(complaints).toEqual([])
  })

  it.each([
    ['stored while it was open', false],
    ['stored when it was closed', true],
  ])('is never cut below a recovery point that was %s', async (_, isClosed) => {
    const sample = await tornSample('wide', { isClosed })
    const path = segmentsOf(sample.fileSystem).at(-1)!
    const whole = sample.fileSystem.bytesOf(path)
    const batches = batchesOf(whole, baseOffsetOf(path))
    const tally = new Tally(`tears below and above a recovery point, ${what}`)
    const complaints: string[] = []
    const all = isClosed ? batches.slice(-1) : batches.slice(1)
    for (const recoveryPoint of isExhaustive ? all : all.slice(-2)) {
      for (const position of placesOf(batches, 101)) {
        const damaged = sample.fileSystem.copy()
        const bytes = Buffer.from(tear(whole, position))
        damaged.put(path, bytes)
        if (!isClosed) damaged.put(RECOVERY_POINTS, Buffer.from(`0\n1\nlog 0 ${recoveryPoint.nextOffset}\n`))
        const expected = lastWhole(whole, bytes, batches)
        const isBelow = expected.nextOffset < recoveryPoint.nextOffset
        const problemsOf = isClosed ? closedProblems : refusalProblems
        const found = isBelow
          ? await problemsOf(sample, damaged)
          : await tornProblems(sample, damaged, expected)
        complaints.push(...found.map((text) => `at ${position}, ${recoveryPoint.nextOffset} safe: ${text}`))
        tally.add(isBelow ? 'left alone' : bytes.length > expected.end ? 'cut' : 'whole')
      }
    }
    tally.print()
    expect(complaints).toEqual([])
  })
})

describe.each(Object.entries(TEARS))('a sealed segment torn at any byte, %s,', (what, tear) => {
  it('is never changed, and nothing of it is given out but what was written', async () => {
    const sample = await tornSample('wide', { isClosed: false })
    const tally = new Tally(`tears of sealed segments, ${what}`)
    const complaints: string[] = []
    for (const path of segmentsOf(sample.fileSystem).slice(0, -1)) {
      const whole = sample.fileSystem.bytesOf(path)
      for (const position of placesOf(batchesOf(whole, baseOffsetOf(path)), 101)) {
        const damaged = sample.fileSystem.copy()
        const bytes = Buffer.from(tear(whole, position))
        damaged.put(path, bytes)
        const work = damaged.copy()
        const outcome = await readAround(work, sample)
        const found = outcome?.complaints ?? []
        if (outcome === undefined) found.push(...(await refusalProblems(sample, damaged)))
        if (!work.bytesOf(path).equals(bytes)) found.push('it was changed')
        if (outcome === undefined && bytes.equals(whole)) found.push('it is whole, and refused')
        complaints.push(...found.map((text) => `${path} at ${position}: ${text}`))
        tally.add(
          outcome === undefined
            ? 'refused'
            : outcome.readCount < sample.endOffset
              ? 'read around'
              : 'all read',
        )
      }
    }
    tally.print()
    expect(complaints).toEqual([])
  })
})
