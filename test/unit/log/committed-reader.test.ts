import { FaultFileSystem } from '../../../src/testing/index.ts'
import { truncateSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { BatchReader, type BatchReaderOptions } from '../../../src/log/batch-reader.ts'
import { CommittedReader } from '../../../src/log/committed-reader.ts'
import type { LogState } from '../../../src/log/log-state.ts'
import {
  damageFile,
  dataBatch,
  flipped,
  marker,
  referencesOf,
  transactionalBatch,
  viewOf,
} from '../../helpers/hand-made.ts'
import { append, options } from './reader-harness.ts'

const [A, B] = [10, 20]

function openCommitted(
  view: LogState,
  more: Partial<BatchReaderOptions> & { from?: number } = {},
): CommittedReader {
  const { from = view.startOffset, ...rest } = more
  const all = { ...options, ...rest }
  return new CommittedReader(new BatchReader(view, { offset: from, exact: true }, all), all)
}

/** The base offsets of the batches that are given, markers left out. */
async function bases(reader: CommittedReader): Promise<number[]> {
  const found: number[] = []
  for (let batch = await reader.next(); batch !== undefined; batch = await reader.next())
    if (!batch.isControl) found.push(batch.baseOffset)
  return found
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

describe('what is committed', () => {
  const batches = [
    dataBatch(0, 1),
    transactionalBatch(1, 2, A),
    transactionalBatch(3, 1, B),
    dataBatch(4, 1),
    marker(5, A, 'ABORT'),
    transactionalBatch(6, 1, A),
    marker(7, B, 'COMMIT'),
    marker(8, A, 'COMMIT'),
    dataBatch(9, 1),
  ]

  it('is everything but the batches of aborted transactions', async () => {
    expect(await bases(openCommitted(viewOf([batches])))).toEqual([0, 3, 4, 6, 9])
    expect(await bases(openCommitted(viewOf(batches.map((batch) => [batch]))))).toEqual([0, 3, 4, 6, 9])
  })

  it('ends before the first transaction that is still open, though more has been committed behind it', async () => {
    const open = [...batches.slice(0, 7), dataBatch(8, 1)] // the second transaction of A has no marker
    expect(await bases(openCommitted(viewOf([open])))).toEqual([0, 3, 4])
  })

  it('counts transactions from the place where reading starts', async () => {
    expect(await bases(openCommitted(viewOf([batches]), { from: 2 }))).toEqual([3, 4, 6, 9])
    expect(await bases(openCommitted(viewOf([batches]), { from: 4 }))).toEqual([4, 6, 9])
    expect(await bases(openCommitted(viewOf([batches]), { from: 6, until: 9 }))).toEqual([6])
    const open = viewOf([[transactionalBatch(0, 1, A), dataBatch(1, 1)]])
    expect(await bases(openCommitted(open))).toEqual([])
    expect(await bases(openCommitted(open, { from: 1 }))).toEqual([1])
  })

  it('is decided by markers past `until`, as far as the readable end and no further', async () => {
    expect(await bases(openCommitted(viewOf([batches]), { until: 4 }))).toEqual([0, 3])
    const view = viewOf([batches], { readableEndOffset: 7 })
    expect(await bases(openCommitted(view))).toEqual([0])
  })

  it('costs nothing where there are no transactions', async () => {
    const plain = Array.from({ length: 1000 }, (_, offset) => dataBatch(offset, 1))
    const counts = await Promise.all(
      [false, true].map(async (committed) => {
        const fileSystem = new FaultFileSystem()
        const view = viewOf([plain], { fileSystem })
        const reader = new BatchReader(view, { offset: 0, exact: true }, options)
        const source = committed ? new CommittedReader(reader, options) : reader
        while ((await source.next()) !== undefined);
        return fileSystem.count('read')
      }),
    )
    expect(counts[1]).toBe(counts[0])
  })
})

describe('following', () => {
  it('waits at an open transaction until it ends, then gives it and what has come meanwhile', async () => {
    for (const type of ['COMMIT', 'ABORT'] as const) {
      const view = viewOf([[dataBatch(0, 1), transactionalBatch(1, 1, A)]])
      const reader = openCommitted(view, { follow: true })
      expect((await reader.next())?.baseOffset).toBe(0)
      let answered = false
      const next = reader.next().finally(() => (answered = true))
      append(view, dataBatch(2, 1))
      view.setReadableEnd(3)
      for (let turns = 0; turns < 5; turns++) await turn()
      expect(answered).toBe(false)
      append(view, marker(3, A, type))
      view.setReadableEnd(4)
      expect((await next)?.baseOffset).toBe(type === 'COMMIT' ? 1 : 2)
      reader.close()
      expect(referencesOf(view)).toBe(0)
    }
  })

  it.each([
    ['close', (reader: CommittedReader) => reader.close(), undefined],
    ['abort', (_: CommittedReader, controller: AbortController) => controller.abort('enough'), 'enough'],
    [
      'closing the log',
      (_: CommittedReader, __: AbortController, view: LogState) => view.close(),
      expect.objectContaining({ code: 'LOG_CLOSED' }),
    ],
    [
      'a truncation below it',
      (_: CommittedReader, __: AbortController, view: LogState) => view.cut(0),
      expect.objectContaining({ code: 'LOG_TRUNCATED' }),
    ],
  ] as const)('is ended at an open transaction by %s, and lets go of everything', async (_, end, error) => {
    for (const turns of [0, 3]) {
      const view = viewOf([[dataBatch(0, 1), transactionalBatch(1, 2, A)]])
      const controller = new AbortController()
      const reader = openCommitted(view, { follow: true, signal: controller.signal })
      await reader.next()
      const waiting = reader.next()
      for (let count = 0; count < turns; count++) await turn()
      end(reader, controller, view)
      if (error === undefined) expect(await waiting).toBeUndefined()
      else await expect(waiting).rejects.toEqual(error)
      expect([referencesOf(view), view.changed.waiterCount]).toEqual([0, 0])
    }
  })

  it('looks anew when what was read ahead has been cut off', async () => {
    const kept = [transactionalBatch(0, 1, A), transactionalBatch(1, 1, B)]
    const view = viewOf([[...kept, marker(2, B, 'COMMIT'), dataBatch(3, 1)]])
    const reader = openCommitted(view, { follow: true })
    const next = reader.next()
    for (let turns = 0; turns < 5; turns++) await turn()
    const segment = view.segments.last!
    const sizeBytes = Buffer.concat(kept).length
    truncateSync(segment.path, sizeBytes)
    Object.assign(segment, { sizeBytes, nextOffset: 2 })
    view.cut(2)
    append(view, marker(2, A, 'COMMIT'))
    append(view, marker(3, B, 'ABORT'))
    append(view, dataBatch(4, 1))
    view.setReadableEnd(5)
    expect((await next)?.baseOffset).toBe(0)
    expect((await reader.next())?.isControl).toBe(true)
    expect((await reader.next())?.isControl).toBe(true)
    expect((await reader.next())?.baseOffset).toBe(4)
    reader.close()
    expect(referencesOf(view)).toBe(0)
  })
})

describe('what retention takes meanwhile', () => {
  it('is still read and read ahead by who began before', async () => {
    const view = viewOf([
      [dataBatch(0, 1), transactionalBatch(1, 1, A)],
      [transactionalBatch(2, 1, A)],
      [marker(3, A, 'COMMIT'), dataBatch(4, 1)],
    ])
    const reader = openCommitted(view)
    await reader.next()
    view.segments.remove(new Set(view.segments.all.slice(0, 2)))
    view.setStart(4)
    expect(await bases(reader)).toEqual([1, 2, 4])
  })
})

describe('damage', () => {
  const batches = [
    transactionalBatch(0, 1, A),
    dataBatch(1, 1),
    marker(2, A, 'COMMIT'),
    transactionalBatch(3, 1, A),
    marker(4, A, 'COMMIT'),
    dataBatch(5, 1),
  ]
  const position = Buffer.concat(batches.slice(0, 2)).length

  it('where a marker may have been leaves the transaction out, and is told once', async () => {
    const view = viewOf([batches])
    damageFile(view.segments.last!.path, (bytes) => flipped(bytes, position + 65))
    const told: number[] = []
    const reader = openCommitted(view, { onDamage: ({ offset }) => told.push(offset) })
    expect(await bases(reader)).toEqual([1, 3, 5])
    expect(told).toEqual([2])
  })

  it('is an error where that is asked for, when the reading gets there', async () => {
    const view = viewOf([batches])
    damageFile(view.segments.last!.path, (bytes) => flipped(bytes, position + 65))
    const reader = openCommitted(view)
    expect((await reader.next())?.baseOffset).toBe(1)
    await expect(reader.next()).rejects.toMatchObject({ code: 'BATCH_CORRUPT', offset: 2 })
    expect(referencesOf(view)).toBe(0)
  })

  it('is not what a read error is', async () => {
    const fileSystem = new FaultFileSystem()
    const view = viewOf(
      batches.map((batch) => [batch]),
      { fileSystem },
    )
    const reader = openCommitted(view, { onDamage: () => expect.unreachable() })
    fileSystem.fail('read', { code: 'EIO', skip: 3 })
    await expect(bases(reader)).rejects.toMatchObject({ code: 'IO_FAILED' })
    expect(referencesOf(view)).toBe(0)
  })
})
