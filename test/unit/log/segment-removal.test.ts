import { existsSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { silentLogger } from '../../../src/core/index.ts'
import { segmentFileName } from '../../../src/layout/index.ts'
import { SegmentRemoval } from '../../../src/log/segment-removal.ts'
import { Segment, SegmentFiles } from '../../../src/segment/index.ts'
import { FaultFileSystem, ManualClock } from '../../../src/testing/index.ts'
import { namesOf } from '../../helpers/temp-log.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

function setUp(bases: readonly number[]) {
  const fileSystem = new FaultFileSystem()
  const clock = new ManualClock()
  const directory = temporaryDirectory()
  const warnings: string[] = []
  const segments = bases.map((baseOffset) => {
    const path = join(directory, segmentFileName(baseOffset))
    writeFileSync(path, `segment ${baseOffset}`)
    return new Segment({ baseOffset, path, sizeBytes: 9, nextOffset: baseOffset + 1, appendedAtMs: 0 })
  })
  const files = new SegmentFiles(fileSystem)
  const logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) }
  const removal = new SegmentRemoval({ fileSystem, files, clock, logger, directory })
  return { fileSystem, clock, directory, segments, files, removal, warnings }
}

describe('SegmentRemoval', () => {
  it('renames at once, oldest first, then syncs the directory, and removes after the delay', async () => {
    const { fileSystem, clock, directory, segments, removal } = setUp([0, 5, 9])
    await removal.remove(segments, { delayMs: 60_000 })
    expect(
      fileSystem.calls.filter(({ ended }) => ended !== true).map(({ kind, name }) => [kind, name]),
    ).toEqual([
      ...segments.map(({ path }) => ['rename', basename(path)]),
      ['syncDirectory', basename(directory)],
    ])
    expect(namesOf(directory, '.deleted')).toEqual(
      [0, 5, 9].map((base) => `${segmentFileName(base)}.deleted`),
    )
    expect([removal.waitingCount, segments.every((segment) => removal.has(segment))]).toEqual([3, true])
    await clock.advance(59_999)
    expect(namesOf(directory, '.deleted')).toHaveLength(3)
    await clock.advance(1)
    await removal.close()
    expect([namesOf(directory, ''), removal.waitingCount]).toEqual([[], 0])
  })

  it('renames newest first when asked', async () => {
    const { fileSystem, segments, removal } = setUp([0, 5])
    await removal.remove(segments, { delayMs: 0, newestFirst: true })
    const renamed = fileSystem.calls.filter(({ kind, ended }) => kind === 'rename' && ended !== true)
    expect(renamed.map(({ name }) => name)).toEqual([5, 0].map((base) => `${segmentFileName(base)}.deleted`))
  })

  it('waits for the last reader of this process, however long it takes', async () => {
    const { clock, segments, files, removal } = setUp([0])
    const segment = segments[0]!
    segment.acquire()
    segment.acquire()
    await removal.remove(segments, { delayMs: 1000 })
    await clock.advance(86_400_000)
    expect([existsSync(segment.path), removal.waitingCount]).toEqual([true, 1])
    files.forget(segment) // even a reader whose file was closed meanwhile finds it again
    const bytes = Buffer.alloc(9)
    expect(files.handle(segment).readSync(bytes, 0)).toBe(9)
    segment.release()
    expect(existsSync(segment.path)).toBe(true)
    segment.release()
    await removal.close()
    expect([existsSync(segment.path), removal.waitingCount]).toEqual([false, 0])
  })

  it('removes without delay while room is wanted, but not under a reader', async () => {
    const { clock, segments, removal } = setUp([0, 1, 2, 3])
    const [plain, read, later, last] = segments as [Segment, Segment, Segment, Segment]
    read.acquire()
    await removal.remove([plain, read], { delayMs: 60_000 })
    removal.hurry(true)
    await removal.remove([later], { delayMs: 60_000 })
    await clock.advance(0)
    await vi.waitFor(() => expect(removal.waitingCount).toBe(1))
    expect([plain, read, later].map(({ path }) => existsSync(path))).toEqual([false, true, false])
    removal.hurry(false)
    await removal.remove([last], { delayMs: 60_000 })
    await clock.advance(0)
    expect(existsSync(last.path)).toBe(true)
    read.release()
    await removal.close()
    expect(existsSync(read.path)).toBe(false)
  })

  it("gives up at the first that can't be renamed; those before it go all the same", async () => {
    const { fileSystem, clock, segments, removal } = setUp([0, 1, 2])
    fileSystem.fail('rename', { code: 'EACCES', skip: 1 })
    await expect(removal.remove(segments, { delayMs: 10 })).rejects.toMatchObject({ code: 'EACCES' })
    expect(segments.map((segment) => removal.has(segment))).toEqual([true, false, false])
    expect(segments.map(({ path }) => existsSync(path))).toEqual([true, true, true])
    await clock.advance(10)
    await removal.close()
    expect(segments.map(({ path }) => existsSync(path))).toEqual([false, true, true])
  })

  it("tries again later when a file can't be removed", async () => {
    const { fileSystem, clock, segments, removal, warnings } = setUp([0])
    fileSystem.fail('remove', { code: 'EBUSY', times: 2 })
    await removal.remove(segments, { delayMs: 10 })
    await clock.advance(10)
    expect([warnings.length, removal.waitingCount, existsSync(segments[0]!.path)]).toEqual([1, 1, true])
    await clock.advance(120_000)
    await vi.waitFor(() => expect(removal.waitingCount).toBe(0))
    expect([warnings.length, removal.waitingCount, existsSync(segments[0]!.path)]).toEqual([2, 0, false])
  })

  it('leaves to the next opening what has not gone when it closes', async () => {
    const { clock, segments, removal } = setUp([0, 1])
    segments[1]!.acquire()
    await removal.remove(segments, { delayMs: 1000 })
    await removal.close()
    await removal.close()
    segments[1]!.release()
    await clock.advance(60_000)
    expect(segments.map(({ path }) => existsSync(path))).toEqual([true, true])
    expect(clock.timers).toEqual([])
  })
})
