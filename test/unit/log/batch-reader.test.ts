import { FaultFileSystem } from '../../../src/testing/index.ts'
import { rmSync, truncateSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type FileHandle, type FileSystem, nodeFileSystem } from '../../../src/fs/index.ts'
import { BatchReader } from '../../../src/log/batch-reader.ts'
import type { LogState } from '../../../src/log/log-state.ts'
import type { RecordBatch } from '../../../src/record/index.ts'

import { deferred } from '../../helpers/deferred.ts'
import { damageFile, dataBatch, referencesOf, sparseBatch, viewOf } from '../../helpers/hand-made.ts'
import { append, drain, options, readerOf } from './reader-harness.ts'

describe('reading on', () => {
  it('gives every batch from the one that holds the first offset on, over segments', async () => {
    const view = viewOf([[dataBatch(0, 3), dataBatch(3, 2)], [dataBatch(5, 1)], [dataBatch(6, 4)]])
    expect(await drain(readerOf(view))).toEqual([
      [0, 2],
      [3, 4],
      [5, 5],
      [6, 9],
    ])
    expect(await drain(readerOf(view, 4))).toEqual([
      [3, 4],
      [5, 5],
      [6, 9],
    ])
    expect(await drain(readerOf(view, 10))).toEqual([])
    expect(referencesOf(view)).toBe(0)
  })

  it('ends before the first batch at or past `until`, and gives the one that reaches over it', async () => {
    const view = viewOf([[dataBatch(0, 3), dataBatch(3, 2), dataBatch(5, 1)]])
    expect(await drain(readerOf(view, 0, { until: 3 }))).toEqual([[0, 2]])
    expect(await drain(readerOf(view, 0, { until: 4 }))).toEqual([
      [0, 2],
      [3, 4],
    ])
    expect(await drain(readerOf(view, 4, { until: 4 }))).toEqual([])
    expect(await drain(readerOf(view, 4, { until: 1 }))).toEqual([])
  })

  it('passes over empty segments, and over one that ends in a hole', async () => {
    const view = viewOf(
      [
        [sparseBatch([0, 4])],
        { baseOffset: 10, batches: [] },
        { baseOffset: 20, batches: [sparseBatch([22])] },
        { baseOffset: 30, batches: [] },
      ],
      { dense: false },
    )
    expect(await drain(readerOf(view))).toEqual([
      [0, 4],
      [22, 22],
    ])
    expect(await drain(readerOf(view, 7))).toEqual([[22, 22]])
    expect(await drain(readerOf(view, 29))).toEqual([])
  })

  it('refuses an exact start below the log, and moves any other up', async () => {
    const view = viewOf([[dataBatch(5, 3)], [dataBatch(8, 3)]], { startOffset: 6 })
    await expect(readerOf(view, 5).next()).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      offset: 5,
      expected: [6, 11],
    })
    const near = new BatchReader(view, { offset: 5, exact: false }, options)
    expect((await near.next())?.baseOffset).toBe(5)
    expect(near.from).toBe(6)
    near.close()
  })
})

describe('chunks', () => {
  it('gives whole batches of every size around the chunk, each once', async () => {
    const chunkBytes = 4096
    const sizes = [-130, -70, -62, -61, -60, -1, 0, 1, 60, 61, 62, 130, chunkBytes, 3 * chunkBytes].map(
      (difference) => chunkBytes + difference,
    )
    const overhead = dataBatch(0, 1, { valueBytes: chunkBytes }).length - chunkBytes
    const batches = sizes.flatMap((size, slot) => [
      dataBatch(2 * slot, 1, { valueBytes: size - overhead }),
      dataBatch(2 * slot + 1, 1),
    ])
    expect(batches[12]!.length).toBe(chunkBytes)
    const view = viewOf([batches])
    const expected = batches.map((_, offset) => [offset, offset])
    expect(await drain(readerOf(view, 0, { maxBytes: 1 }))).toEqual(expected)
    expect(await drain(readerOf(view, 0, { maxBytes: 2 * chunkBytes }))).toEqual(expected)
  })

  it('reads ahead within its bound and reads no byte of small batches twice', async () => {
    const fileSystem = new FaultFileSystem()
    const view = viewOf([Array.from({ length: 2000 }, (_, slot) => dataBatch(slot, 1))], { fileSystem })
    expect(await drain(readerOf(view, 0, { maxBytes: 16_384 }))).toHaveLength(2000)
    const chunks = Math.ceil(view.segments.last!.sizeBytes / (8192 - 70))
    expect(fileSystem.count('read')).toBeLessThanOrEqual(chunks + 2) // and one to find the first batch
  })

  it('has memory of its own in every chunk: what was given out never changes', async () => {
    const view = viewOf([Array.from({ length: 500 }, (_, slot) => dataBatch(slot, 1))])
    const reader = readerOf(view, 0, { maxBytes: 1 })
    const kept: RecordBatch[] = []
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) kept.push(batch)
    const values = kept.flatMap((batch) => [...batch].map(({ value }) => String(value)))
    expect(values).toEqual(Array.from({ length: 500 }, (_, slot) => `r${slot}`))
  })

  it('believes nothing that was read ahead of the readable end', async () => {
    const view = viewOf([[dataBatch(0, 1), dataBatch(1, 1)]], { readableEndOffset: 1 })
    const reader = readerOf(view, 0, { follow: true })
    expect((await reader.next())?.baseOffset).toBe(0) // its chunk holds the second batch as well
    const { path } = view.segments.last!
    damageFile(path, (bytes) =>
      Buffer.concat([bytes.subarray(0, dataBatch(0, 1).length), dataBatch(1, 1, { timestamps: [7] })]),
    )
    view.setReadableEnd(2)
    expect((await reader.next())?.maxTimestamp).toBe(7)
    reader.close()
  })
})

describe('following', () => {
  it('waits at the end, without a timer, and goes on with what is appended and rolled', async () => {
    const view = viewOf([[dataBatch(0, 1)]])
    const reader = readerOf(view, 0, { follow: true })
    await reader.next()
    const waiting = reader.next()
    append(view, dataBatch(1, 2))
    view.setReadableEnd(3)
    expect((await waiting)?.baseOffset).toBe(1)
    const rolled = viewOf([{ baseOffset: 3, batches: [dataBatch(3, 1)] }]).segments.last!
    view.segments.push(rolled)
    const next = reader.next()
    view.setReadableEnd(4)
    expect((await next)?.baseOffset).toBe(3)
    expect(referencesOf(view)).toBe(1) // the sealed one is let go of
    reader.close()
    expect(referencesOf(view)).toBe(0)
  })

  it('ends at `until` while it waits for it', async () => {
    const view = viewOf([[dataBatch(0, 1)]])
    const reader = readerOf(view, 0, { follow: true, until: 3 })
    const all = drain(reader)
    await new Promise((resolve) => setImmediate(resolve))
    append(view, dataBatch(1, 4))
    view.setReadableEnd(5)
    expect(await all).toEqual([
      [0, 0],
      [1, 4],
    ])
  })

  it.each([
    ['close', (reader: BatchReader) => reader.close(), { value: undefined }],
    [
      'abort',
      (_: BatchReader, controller: AbortController) => controller.abort('enough'),
      { error: 'enough' },
    ],
    [
      'closing the log',
      (_: BatchReader, __: AbortController, view: LogState) => view.close(),
      { error: { code: 'LOG_CLOSED' } },
    ],
  ] as const)(
    'is ended by %s, before it waits and while it does, and lets go of everything',
    async (_, end, outcome) => {
      for (const turns of [0, 1]) {
        const view = viewOf([[dataBatch(0, 1)]])
        const controller = new AbortController()
        const reader = readerOf(view, 0, { follow: true, signal: controller.signal })
        await reader.next()
        const waiting = reader.next()
        if (turns > 0) await new Promise((resolve) => setImmediate(resolve))
        expect([referencesOf(view), view.changed.waiterCount]).toEqual([1, turns])
        end(reader, controller, view)
        if ('error' in outcome) await expect(waiting).rejects.toEqual(errorLike(outcome.error))
        else expect(await waiting).toBeUndefined()
        expect([referencesOf(view), view.changed.waiterCount]).toEqual([0, 0])
      }
    },
  )

  it('is let go of by an abort that comes while nobody waits', async () => {
    const view = viewOf([[dataBatch(0, 1), dataBatch(1, 1)]])
    const controller = new AbortController()
    const reader = readerOf(view, 0, { signal: controller.signal })
    await reader.next()
    controller.abort(new Error('enough'))
    expect(referencesOf(view)).toBe(0)
    await expect(reader.next()).rejects.toThrow('enough')
  })
})

describe('close while a read is under way', () => {
  it.each([0, 1, 2, 3])('ends after read %i, quietly, and holds nothing', async (skip) => {
    const fileSystem = new FaultFileSystem()
    const batches = Array.from({ length: 300 }, (_, slot) => dataBatch(slot, 1))
    const view = viewOf([batches.slice(0, 150), batches.slice(150)], { fileSystem })
    const reader = readerOf(view, 0, { maxBytes: 1 })
    for (let read = 0; read < skip * 40; read++) await reader.next()
    const hold = fileSystem.hold('read')
    const rest = drain(reader)
    await hold.reached
    reader.close()
    hold.release()
    await rest
    expect(referencesOf(view)).toBe(0)
    expect(await reader.next()).toBeUndefined()
  })

  it('opens no file again once the log is closed', async () => {
    const { promise: released, resolve: release } = deferred()
    const slow: FileSystem = {
      ...nodeFileSystem,
      openSync(path, mode) {
        const file = nodeFileSystem.openSync(path, mode)
        const read: FileHandle['read'] = async (into, position) => {
          const count = await file.read(into, position)
          await released
          return count
        }
        return { ...file, close: () => file.close(), read }
      },
    }
    const view = viewOf([Array.from({ length: 300 }, (_, slot) => dataBatch(slot, 1))], { fileSystem: slow })
    const rest = drain(readerOf(view, 0, { maxBytes: 1 }))
    await new Promise((resolve) => setImmediate(resolve))
    view.close()
    view.files.closeAll()
    release()
    await expect(rest).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    expect(view.files.openCount).toBe(0)
  })
})

describe('a log that changes under the reader', () => {
  it('goes on in segments that retention has taken out, as long as it holds them', async () => {
    const view = viewOf([[dataBatch(0, 5)], [dataBatch(5, 5)], [dataBatch(10, 5)]])
    const reader = readerOf(view)
    await reader.next()
    view.setStart(10)
    view.segments.remove(new Set(view.segments.all.slice(0, 2)))
    expect(await drain(reader)).toEqual([
      [5, 9],
      [10, 14],
    ])
  })

  it('fails with the valid range where segments it never held are gone', async () => {
    const view = viewOf([[dataBatch(0, 5)]])
    const reader = readerOf(view)
    await reader.next()
    view.segments.push(viewOf([[dataBatch(5, 5)]]).segments.last!)
    view.segments.push(viewOf([[dataBatch(10, 5)]]).segments.last!)
    view.setReadableEnd(15)
    view.segments.remove(new Set(view.segments.all.slice(0, 2)))
    view.setStart(12)
    await expect(reader.next()).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      offset: 5,
      expected: [12, 15],
    })
  })

  it('fails with the range where another process has deleted the file it was to go on in', async () => {
    const view = viewOf([[dataBatch(0, 5)], [dataBatch(5, 5)], [dataBatch(10, 5)]])
    const reader = readerOf(view)
    await reader.next()
    rmSync(view.segments.all[1]!.path)
    await expect(readerOf(view, 5).next()).rejects.toMatchObject({
      code: 'IO_FAILED',
      cause: { code: 'ENOENT' },
    })
    view.setStart(10)
    await expect(reader.next()).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', expected: [10, 15] })
    expect(referencesOf(view)).toBe(0)
  })

  it('fails with LOG_TRUNCATED once the log was cut below its place, and goes on when it was cut at or above it', async () => {
    const view = viewOf([[dataBatch(0, 5), dataBatch(5, 5)], [dataBatch(10, 5)]])
    const [below, at] = [readerOf(view), readerOf(view)]
    await below.next()
    await below.next()
    await at.next()
    const [first, second] = view.segments.all
    view.segments.remove(new Set([second!]))
    truncateSync(first!.path, dataBatch(0, 5).length)
    Object.assign(first!, { sizeBytes: dataBatch(0, 5).length, nextOffset: 5 })
    view.cut(5)
    await expect(below.next()).rejects.toMatchObject({ code: 'LOG_TRUNCATED', offset: 10 })
    append(view, dataBatch(5, 2))
    view.setReadableEnd(7)
    expect(await drain(at)).toEqual([[5, 6]])
    expect(second!.references).toBe(0)
  })

  it('never gives what a truncation dropped from a segment it held: the new one of that name counts', async () => {
    const view = viewOf([[dataBatch(0, 5)], [dataBatch(5, 5)], [dataBatch(10, 5)]])
    const reader = readerOf(view, 0, { follow: true })
    await reader.next()
    const [, second, third] = view.segments.all
    view.segments.remove(new Set([second!, third!]))
    view.cut(5)
    view.segments.push(viewOf([[dataBatch(5, 1, { timestamps: [1] }), dataBatch(6, 1)]]).segments.last!)
    view.setReadableEnd(7)
    expect(await reader.next()).toMatchObject({ baseOffset: 5, lastOffset: 5, maxTimestamp: 1 })
    expect([second!.references, third!.references]).toEqual([0, 0])
    reader.close()
  })

  it('is not fooled when it is cut exactly at its place while it looks for it', async () => {
    const fileSystem = new FaultFileSystem()
    const view = viewOf([[dataBatch(0, 5), dataBatch(5, 5)], [dataBatch(10, 5)]], { fileSystem })
    const reader = readerOf(view, 5)
    const hold = fileSystem.hold('read')
    const next = reader.next()
    await hold.reached
    const [first, second] = view.segments.all
    view.segments.remove(new Set([second!]))
    truncateSync(first!.path, dataBatch(0, 5).length)
    Object.assign(first!, { sizeBytes: dataBatch(0, 5).length, nextOffset: 5 })
    view.cut(5)
    hold.release()
    expect(await next).toBeUndefined()
  })
})

describe('a fork', () => {
  it('goes on from the place of the reader, and each lets go of its own', async () => {
    const view = viewOf([[dataBatch(0, 5)], [dataBatch(5, 5)]])
    const reader = readerOf(view, 0, { until: 5 })
    await reader.next()
    const fork = reader.fork({ maxBytes: 1, onDamage: undefined })
    reader.close()
    expect(await fork.nextAvailable()).toMatchObject({ baseOffset: 5 })
    expect(await fork.nextAvailable()).toBeUndefined()
    append(view, dataBatch(10, 1))
    view.setReadableEnd(11)
    expect(await fork.nextAvailable()).toMatchObject({ baseOffset: 10 })
    fork.close()
    expect(referencesOf(view)).toBe(0)
  })
})

function errorLike(error: unknown): unknown {
  return typeof error === 'object' ? expect.objectContaining(error as object) : error
}
