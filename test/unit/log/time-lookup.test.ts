import { FaultFileSystem } from '../../../src/testing/index.ts'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeFileSync } from 'node:fs'
import { type FileSystem, nodeFileSystem } from '../../../src/fs/index.ts'
import { encodeBatch } from '../../../src/index.ts'
import type { LogState } from '../../../src/log/log-state.ts'
import type { Damage } from '../../../src/log/read-options.ts'
import { findTimestamp } from '../../../src/log/time-lookup.ts'
import {
  compressedBatch,
  damageFile,
  dataBatch,
  emptyBatch,
  flipped,
  marker,
  referencesOf,
  sparseBatch,
  viewOf,
} from '../../helpers/hand-made.ts'
import { seed } from '../../helpers/seed.ts'

const offsetOf = async (view: LogState, timestampMs: number): Promise<number | undefined> =>
  (await findTimestamp(view, timestampMs))?.offset

/** The file system, with `after` called between the end of each read that does not block and its answer. */
function afterReads(after: () => void): FileSystem {
  const openSync: FileSystem['openSync'] = (path, mode) => {
    const handle = nodeFileSystem.openSync(path, mode)
    return new Proxy(handle, {
      get(target, name) {
        if (name !== 'read') {
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        }
        return async (bytes: Buffer, position: number): Promise<number> => {
          const count = await target.read(bytes, position)
          after()
          return count
        }
      },
    })
  }
  return Object.assign(Object.create(nodeFileSystem) as FileSystem, { openSync })
}

/** A batch with these timestamps. */
const timed = (baseOffset: number, ...timestamps: number[]): Buffer =>
  dataBatch(baseOffset, timestamps.length, { timestamps })

describe('the first offset at or after a time', () => {
  it("is Kafka's, for offsets 40 to 49 with ten times their number as times", async () => {
    const batches = Array.from({ length: 10 }, (_, slot) => timed(40 + slot, 400 + 10 * slot))
    const view = viewOf([batches.slice(0, 5), batches.slice(5)])
    const cases: [number, number | undefined][] = [
      [420, 42],
      [421, 43],
      [430, 43],
      [431, 44],
      [491, undefined],
      [401, 41],
      [399, 40],
      [490, 49],
    ]
    for (const [time, offset] of cases) expect([time, await offsetOf(view, time)]).toEqual([time, offset])
    expect(await findTimestamp(view, 421)).toEqual({ offset: 43, timestamp: 430 })
    expect(referencesOf(view)).toBe(0)
  })

  it('is the first by offset, not by time', async () => {
    const view = viewOf([
      [timed(0, 9, 5, 7), timed(3, 6)],
      [timed(4, 3), timed(5, 9, -1, 12)],
    ])
    const found = await Promise.all([-1, 0, 5, 6, 8, 9, 10, 12, 13].map((time) => offsetOf(view, time)))
    expect(found).toEqual([0, 0, 0, 0, 0, 0, 7, 7, undefined])
  })

  it('may be that of a record without a time only when any will do', async () => {
    const view = viewOf([[timed(0, -1, -1), timed(2, 0)]])
    expect([await offsetOf(view, -5), await offsetOf(view, -1), await offsetOf(view, 0)]).toEqual([0, 0, 2])
    expect(await offsetOf(viewOf([[timed(0, -1)]]), 0)).toBeUndefined()
  })

  it('is that of the append where the log gives the time', async () => {
    const batch = dataBatch(0, 3, {
      timestamps: [1, 2, 3],
      timestampType: 'LogAppendTime',
      maxTimestamp: 100,
    })
    const view = viewOf([[batch]])
    expect(await findTimestamp(view, 50)).toEqual({ offset: 0, timestamp: 100 })
    expect(await findTimestamp(view, 101)).toBeUndefined()
  })

  it('is never one that a number can not hold', async () => {
    const nanoseconds = encodeBatch([{ offset: 0, timestampExact: 2n ** 60n, value: 'a' }], {})
    const view = viewOf([[nanoseconds, timed(1, 500)], [timed(2, 900)]])
    expect(await findTimestamp(view, 1)).toEqual({ offset: 1, timestamp: 500 })
    expect(await findTimestamp(view, 501)).toEqual({ offset: 2, timestamp: 900 })
    expect(await findTimestamp(view, 901)).toBeUndefined()
  })

  it('is found past emptied batches and holes, and in compressed ones', async () => {
    const view = viewOf(
      [
        [emptyBatch(1, 2000)],
        [compressedBatch(sparseBatch([2001, 2005]), 1)],
        [compressedBatch(sparseBatch([2010]), 4)],
      ],
      { dense: false },
    )
    const found = await Promise.all([0, 1001, 3002, 3006, 3011].map((time) => offsetOf(view, time)))
    expect(found).toEqual([2001, 2001, 2005, 2010, undefined])
  })

  it("may be that of a control record, which Kafka's ListOffsets counts as well", async () => {
    const view = viewOf([[timed(0, 1), marker(1, 7, 'COMMIT'), timed(2, 2)]], { dense: false })
    expect(await findTimestamp(view, 2)).toEqual({ offset: 1, timestamp: 1001 })
    expect(await findTimestamp(view, 1001)).toEqual({ offset: 1, timestamp: 1001 })
    expect(await findTimestamp(view, 1002)).toBeUndefined()
  })

  it('lies between the start and the readable end', async () => {
    const view = viewOf([[timed(0, 1, 2, 3)], [timed(3, 4, 5, 6)]], { startOffset: 1, readableEndOffset: 5 })
    const found = await Promise.all([0, 1, 2, 3, 5, 6].map((time) => offsetOf(view, time)))
    expect(found).toEqual([1, 1, 1, 2, 4, undefined])
    expect(await offsetOf(viewOf([{ baseOffset: 7, batches: [] }]), 0)).toBeUndefined()
  })
})

describe('the index', () => {
  const batches = Array.from({ length: 400 }, (_, slot) => timed(slot, 1000 + slot))
  const position = (slot: number): number => Buffer.concat(batches.slice(0, slot)).length

  it('spares reading what is too early', async () => {
    const fileSystem = new FaultFileSystem()
    const large = Array.from({ length: 40 }, (_, slot) => dataBatch(slot, 1, { valueBytes: 100_000 }))
    const view = viewOf([large, [dataBatch(40, 1)]], { fileSystem })
    await view.ensureFacts()
    const before = fileSystem.calls.length
    expect(await offsetOf(view, 1035)).toBe(35)
    const bytes = fileSystem.calls
      .slice(before)
      .filter(({ kind, ended }) => kind === 'read' && ended !== true)
    expect(bytes.length).toBeLessThan(8)
  })

  it('leads to the batches to read with one look at where it leads', async () => {
    const fileSystem = new FaultFileSystem()
    const view = viewOf([batches, [timed(400, 1400)]], { fileSystem })
    await view.ensureFacts()
    const entry = view.index.lastBeforeTimestamp(0, 1300)!
    expect(entry.position).toBeGreaterThan(0)
    const before = fileSystem.calls.length
    expect(await offsetOf(view, 1300)).toBe(300)
    const reads = fileSystem.calls
      .slice(before)
      .filter(({ kind, ended }) => kind === 'read' && ended !== true)
    expect(reads.length).toBeLessThanOrEqual(3) // the look, the batches, and those ahead
  })

  it.each([
    ['another batch', { offset: 20, position: position(30), timestamp: 1010 }],
    ['past the end', { offset: 390, position: 10_000_000, timestamp: 1010 }],
    ['the middle of a batch', { offset: 200, position: position(200) + 7, timestamp: 1010 }],
  ])('leading to %s is not believed, and is built anew', async (_, entry) => {
    const view = viewOf([batches, [timed(400, 1400)]])
    await view.ensureFacts()
    view.index.truncate(0, 0)
    view.index.addEntry(0, entry)
    expect(await offsetOf(view, 1020)).toBe(20)
    await view.ensureFacts()
    await view.idle()
    expect(view.index.lastBeforeTimestamp(0, 1395)).not.toEqual(entry)
  })
})

describe('damage', () => {
  const batches = Array.from({ length: 30 }, (_, slot) => timed(slot, 1000 + slot))
  const damaged = (at: number): LogState => {
    const view = viewOf([batches.slice(0, 20), batches.slice(20)])
    const position = Buffer.concat(batches.slice(0, 10)).length
    damageFile(view.segments.first!.path, (bytes) => flipped(bytes, position + at))
    return view
  }

  it.each([
    ['records', 65],
    ['a length', 9],
    ['a version', 16],
  ])('of %s on the way is an error, and what lies before it is found', async (_, at) => {
    const view = damaged(at)
    expect(await offsetOf(view, 1005)).toBe(5)
    for (const time of [1010, 1015])
      await expect(findTimestamp(view, time)).rejects.toMatchObject({ code: 'BATCH_CORRUPT', offset: 10 })
    if (at === 65) expect(await offsetOf(view, 1025)).toBe(25)
  })

  it('is told of where that is wanted, and the search goes on', async () => {
    for (const at of [65, 9, 16]) {
      const damages: Damage[] = []
      const options = { onDamage: (damage: Damage) => damages.push(damage), signal: undefined }
      expect(await findTimestamp(damaged(at), 1010, options)).toEqual({ offset: 11, timestamp: 1011 })
      expect(damages).toMatchObject([{ offset: 10, nextOffset: 11 }])
    }
  })

  it('never hides what lies behind it in figures about the segment', async () => {
    const view = damaged(9)
    await view.ensureFacts()
    expect(view.segments.first!.maxTimestamp).toBe(1009) // the headers could be followed no further
    const options = { onDamage: () => {}, signal: undefined }
    expect(await findTimestamp(view, 1015, options)).toEqual({ offset: 15, timestamp: 1015 })
  })

  it('is not what a read error is, and one error is not remembered as an answer', async () => {
    const fileSystem = new FaultFileSystem()
    const view = viewOf([batches.slice(0, 20), batches.slice(20)], { fileSystem })
    fileSystem.fail('read', { code: 'EIO', times: 2 }) // learning about the segment, and then reading it
    await expect(findTimestamp(view, 1015)).rejects.toMatchObject({ code: 'IO_FAILED' })
    expect(await offsetOf(view, 1015)).toBe(15)
    expect(referencesOf(view)).toBe(0)
  })
})

describe('a log that changes meanwhile', () => {
  const batches = Array.from({ length: 30 }, (_, slot) => timed(slot, 1000 + slot))

  it('has lost what was found: the search begins anew', async () => {
    const fileSystem = new FaultFileSystem()
    const view = viewOf([batches.slice(0, 10), batches.slice(10, 20), batches.slice(20)], { fileSystem })
    await view.ensureFacts()
    const hold = fileSystem.hold('read')
    const found = findTimestamp(view, 1005)
    await hold.reached
    view.segments.remove(new Set(view.segments.all.slice(0, 2)))
    view.setStart(25)
    hold.release()
    const result = await found
    expect([1005, 1025]).toContain(result?.timestamp) // as it was, or as it is: never an error
    expect(await findTimestamp(view, 1005)).toEqual({ offset: 25, timestamp: 1025 })
  })

  it('was cut and written again where the index had led to: the search is right about what is there', async () => {
    const old = Array.from({ length: 30 }, (_, slot) => dataBatch(slot, 1, { valueBytes: 1000 }))
    let afterRead: (() => void) | undefined
    const fileSystem = afterReads(() => {
      afterRead?.()
      afterRead = undefined
    })
    const view = viewOf([old], { fileSystem })
    view.index.addEntry(0, { offset: 20, position: Buffer.concat(old.slice(0, 20)).length, timestamp: 1019 })
    afterRead = () => {
      const kept = Buffer.concat(old.slice(0, 15))
      const again = Array.from({ length: 15 }, (_, slot) => dataBatch(15 + slot, 1, { valueBytes: 1500 }))
      const segment = view.segments.last!
      view.index.truncate(0, 15)
      writeFileSync(segment.path, Buffer.concat([kept, ...again]))
      segment.sizeBytes = kept.length + Buffer.concat(again).length
      view.cut(15)
      view.setReadableEnd(30)
    }
    expect(await findTimestamp(view, 1027)).toEqual({ offset: 27, timestamp: 1027 })
    expect(referencesOf(view)).toBe(0)
  })

  it('is closed: the search says so', async () => {
    const view = viewOf([batches.slice(0, 10), batches.slice(10)])
    const found = findTimestamp(view, 1015)
    view.close()
    await expect(found).rejects.toMatchObject({ code: 'LOG_CLOSED' })
  })
})

it('finds what a look at every record finds (property)', async () => {
  const time = fc.oneof({ weight: 5, arbitrary: fc.nat(30) }, { weight: 1, arbitrary: fc.constant(-1) })
  const segment = fc.array(fc.array(time, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(segment, { minLength: 1, maxLength: 5 }),
      fc.nat(40),
      fc.constantFrom(0, 1, 150, 100_000),
      async (segments, start, indexInterval) => {
        const times = segments.flat(2)
        let next = 0
        const made = segments.map((list) =>
          list.map((timestamps) => {
            next += timestamps.length
            return timed(next - timestamps.length, ...timestamps)
          }),
        )
        const startOffset = Math.min(start, next)
        const view = viewOf(made, { startOffset, config: { 'index.interval.bytes': indexInterval } })
        for (let wanted = -1; wanted <= 31; wanted++) {
          const offset = times.findIndex((timestamp, at) => at >= startOffset && timestamp >= wanted)
          const expected = offset === -1 ? undefined : { offset, timestamp: times[offset] }
          expect(await findTimestamp(view, wanted)).toEqual(expected)
        }
        view.files.closeAll()
      },
    ),
    { seed, numRuns: 40 },
  )
})
