/*
 * A process killed at every step that `truncateTo` makes on the disk: opening afterwards finds a sound log with all that
 * lies below the offset, nothing that is half done, and the truncation can be done again.
 */
import { basename } from 'node:path'
import { expect, it } from 'vitest'
import { type Log, type LogOptions, openLog } from '../../src/index.ts'
import { readSegment } from '../helpers/independent-reader.ts'
import { MemoryFileSystem } from '../helpers/memory-file-system.ts'
import { readValues } from '../helpers/temp-log.ts'

const DIRECTORY = '/log'
const END_OFFSET = 36
const BASES = [0, 12, 24]

const open = (fileSystem: MemoryFileSystem): Promise<Log> => {
  const options: LogOptions = { durability: 'os', cleanup: false, fileSystem }
  return openLog(DIRECTORY, options)
}

const upTo = (end: number): string[] => Array.from({ length: end }, (_, offset) => String(offset))

/** Three segments of four batches of three records each; as a killed process leaves them, or a closed log. */
async function filled({ isClosed }: { isClosed: boolean }): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  const log = await open(fileSystem)
  for (let offset = 0; offset < END_OFFSET; offset += 3) {
    if (offset > 0 && BASES.includes(offset)) await log.roll()
    await log.append([0, 1, 2].map((slot) => ({ value: String(offset + slot), timestamp: 1000 + offset })))
  }
  if (isClosed) await log.close()
  return fileSystem.copy()
}

/** What a reader that shares no code with the log finds in the segments, if they are whole and nothing is half done. */
function independentValues(fileSystem: MemoryFileSystem): (string | undefined)[] {
  const values: (string | undefined)[] = []
  for (const path of fileSystem.paths) {
    expect(basename(path)).not.toMatch(/\.tmp$/)
    if (!path.endsWith('.log')) continue
    const bytes = fileSystem.bytesOf(path)
    const { records, validBytes } = readSegment(bytes)
    expect([path, validBytes]).toEqual([path, bytes.length])
    for (const { offset, value } of records) {
      expect(offset).toBe(BigInt(values.length))
      values.push(value?.toString())
    }
  }
  return values
}

async function expectGoesOn(log: Log, fileSystem: MemoryFileSystem): Promise<void> {
  const { endOffset } = log
  await expect(log.append(['x', 'y'])).resolves.toMatchObject({ baseOffset: endOffset })
  const expected = [...upTo(endOffset), 'x', 'y']
  expect(await readValues(log)).toEqual(expected)
  expect(log.getSync(endOffset)?.value?.toString()).toBe('x')
  await log.close()
  expect(independentValues(fileSystem)).toEqual(expected)
  const again = await open(fileSystem)
  expect([again.recovery.clean, again.endOffset]).toEqual([true, endOffset + 2])
  expect(await readValues(again)).toEqual(expected)
}

it.each([
  ['in the last segment, between two batches', 30, {}],
  ['in the last segment, inside a batch', 31, {}],
  ['in the last segment, inside its first batch', 25, {}],
  ['at the start of the last segment', 24, {}],
  ['in the segment before, between two batches', 18, {}],
  ['in the segment before, inside its last batch', 23, {}],
  ['at the start of a segment, two going', 12, {}],
  ['inside the first segment, two going', 4, {}],
  ['between two batches of the first segment, two going', 6, {}],
  ['at the start of the log', 0, {}],
  ['of a log that was closed, inside a batch of the segment before', 22, { isClosed: true }],
] as const)(
  'a process killed at any step of a truncation %s loses nothing below it',
  async (_, offset, how) => {
    const sound = await filled({ isClosed: false, ...how })
    const straight = sound.copy()
    const log = await open(straight)
    const before = straight.steps
    await log.truncateTo(offset)
    const stepCount = straight.steps - before
    expect(stepCount).toBeGreaterThan(5)
    const ends = new Set<number>()
    for (let step = 0; step < stepCount; step++) {
      const work = sound.copy()
      const killed = await open(work)
      work.dieAfter(step)
      // The last steps only tell followers, which may fail: then it is done.
      const isDone = await killed.truncateTo(offset).then(
        () => true,
        () => false,
      )
      const left = work.copy()
      const crashed = await open(left)
      expect(crashed.recovery).toMatchObject({ damage: [], cut: undefined })
      const { endOffset } = crashed
      ends.add(endOffset)
      if (isDone) expect(endOffset).toBe(offset)
      expect(await readValues(crashed)).toEqual(upTo(endOffset))
      expect(independentValues(left)).toEqual(upTo(endOffset))
      const fork = left.copy()
      await expectGoesOn(await open(fork), fork) // as if nobody had wanted a truncation
      await crashed.truncateTo(offset)
      expect(await readValues(crashed)).toEqual(upTo(offset))
      await expectGoesOn(crashed, left)
    }
    // All of it, or what the segments up to one hold, or what was asked for.
    for (const end of ends)
      expect([offset, ...BASES.filter((base) => base > offset), END_OFFSET]).toContain(end)
    expect(ends.has(END_OFFSET)).toBe(true)
  },
)
