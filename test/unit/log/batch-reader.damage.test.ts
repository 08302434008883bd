import { FaultFileSystem } from '../../../src/testing/index.ts'
import { truncateSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { LogState } from '../../../src/log/log-state.ts'
import type { Damage } from '../../../src/log/read-options.ts'
import {
  damageFile,
  dataBatch,
  flipped,
  referencesOf,
  resealed,
  sparseBatch,
  viewOf,
} from '../../helpers/hand-made.ts'
import { append, drain, readerOf } from './reader-harness.ts'

async function readAround(view: LogState, from = view.startOffset): Promise<[[number, number][], Damage[]]> {
  const damages: Damage[] = []
  const reader = readerOf(view, from, { onDamage: (damage) => damages.push(damage) })
  return [await drain(reader), damages]
}

describe('damage', () => {
  const batches = Array.from({ length: 6 }, (_, slot) => dataBatch(10 * slot, 10))
  const size = batches[1]!.length

  it('throws BATCH_CORRUPT with path, position and offset', async () => {
    const view = viewOf([batches])
    const { path } = view.segments.last!
    const position = batches[0]!.length + size
    damageFile(path, (bytes) => flipped(bytes, position + 100))
    const reader = readerOf(view)
    await reader.next()
    await reader.next()
    await expect(reader.next()).rejects.toMatchObject({ code: 'BATCH_CORRUPT', path, position, offset: 20 })
    expect(referencesOf(view)).toBe(0)
    expect(await reader.next()).toBeUndefined()
  })

  it.each(Array.from({ length: 61 }, (_, at) => at))(
    'tells of a header whose byte %i is wrong, and goes on with all that is sound',
    async (at) => {
      const view = viewOf([batches.slice(0, 4), batches.slice(4)])
      const { path } = view.segments.first!
      const position = batches[0]!.length
      damageFile(path, (bytes) => flipped(bytes, position + at, 3))
      const [ranges, damages] = await readAround(view)
      if (at >= 12 && at < 16) {
        expect(damages).toEqual([]) // the leader epoch: outside the checksum, and nothing depends on it
        return
      }
      expect(ranges.map(([base]) => base)).toEqual([0, 20, 30, 40, 50])
      expect(damages).toEqual([
        { path, position, offset: 10, nextOffset: 20, sizeBytes: size, reason: expect.any(String) },
      ])
    },
  )

  it('tells of everything up to the end of the segment when nothing behind is sound', async () => {
    const view = viewOf([batches.slice(0, 2), batches.slice(2)])
    const { path } = view.segments.first!
    damageFile(path, (bytes) => flipped(bytes, batches[0]!.length + 20))
    const [ranges, damages] = await readAround(view)
    expect(ranges.map(([base]) => base)).toEqual([0, 20, 30, 40, 50])
    expect(damages).toMatchObject([
      { position: batches[0]!.length, offset: 10, nextOffset: 20, sizeBytes: size },
    ])
  })

  it('goes on in the active segment behind damage at its end, with what is appended later', async () => {
    const view = viewOf([batches.slice(0, 2)])
    damageFile(view.segments.last!.path, (bytes) => flipped(bytes, batches[0]!.length + 70))
    const damages: Damage[] = []
    const reader = readerOf(view, 0, { follow: true, onDamage: (damage) => damages.push(damage) })
    await reader.next()
    const next = reader.next()
    await new Promise((resolve) => setImmediate(resolve))
    append(view, batches[2]!)
    view.setReadableEnd(30)
    expect((await next)?.baseOffset).toBe(20)
    expect(damages).toHaveLength(1)
    reader.close()
  })

  it('does not lose what is written, but not acknowledged, behind damage', async () => {
    const view = viewOf([batches.slice(0, 3)], { readableEndOffset: 20 })
    damageFile(view.segments.last!.path, (bytes) => flipped(bytes, batches[0]!.length + 70))
    const damages: Damage[] = []
    const reader = readerOf(view, 0, { follow: true, onDamage: (damage) => damages.push(damage) })
    expect((await reader.next())?.baseOffset).toBe(0)
    const next = reader.next()
    await new Promise((resolve) => setImmediate(resolve))
    view.setReadableEnd(30)
    expect((await next)?.baseOffset).toBe(20)
    expect(damages).toMatchObject([{ offset: 10, nextOffset: 20 }])
    reader.close()
  })

  it('tells of bytes between two batches though no offset is lost', async () => {
    const garbage = Buffer.alloc(33, 7)
    const view = viewOf([[batches[0]!, garbage, batches[1]!]])
    const [ranges, damages] = await readAround(view)
    expect(ranges.map(([base]) => base)).toEqual([0, 10])
    expect(damages).toMatchObject([
      { position: batches[0]!.length, offset: 10, nextOffset: 10, sizeBytes: 33 },
    ])
  })

  it('takes a hole for damage where there are none, and not where there may be', async () => {
    const holed = [batches.slice(0, 1), batches.slice(2, 3)]
    const inside = [[batches[0]!, batches[2]!]]
    for (const segments of [holed, inside]) {
      const view = viewOf(segments)
      const { path } = view.segments.first!
      const place = { path, position: batches[0]!.length, offset: 10 }
      await expect(drain(readerOf(view))).rejects.toMatchObject({ code: 'BATCH_CORRUPT', ...place })
      const [ranges, damages] = await readAround(view)
      expect(ranges.map(([base]) => base)).toEqual([0, 20])
      expect(damages).toEqual([{ ...place, nextOffset: 20, sizeBytes: 0, reason: expect.any(String) }])
      expect(await readAround(viewOf(segments, { dense: false }))).toMatchObject([
        [
          [0, 9],
          [20, 29],
        ],
        [],
      ])
    }
  })

  it('takes a batch that comes again, or reaches into the next segment, for damage in any log', async () => {
    const twice = viewOf([[batches[0]!, batches[0]!, batches[1]!]], { dense: false })
    expect(await readAround(twice)).toMatchObject([
      [
        [0, 9],
        [10, 19],
      ],
      [{ offset: 10, nextOffset: 10, sizeBytes: batches[0]!.length }],
    ])
    const overlapping = viewOf([[batches[0]!, sparseBatch([10, 25])], [batches[2]!]], { dense: false })
    expect(await readAround(overlapping)).toMatchObject([
      [
        [0, 9],
        [20, 29],
      ],
      [{ offset: 10, nextOffset: 20 }],
    ])
  })

  it('says nothing of damage that ends before what is wanted', async () => {
    const view = viewOf([batches])
    damageFile(view.segments.last!.path, (bytes) => flipped(bytes, batches[0]!.length + 10)) // the length: no way past it
    const [ranges, damages] = await readAround(view, 35)
    expect(ranges[0]).toEqual([30, 39])
    expect(damages).toEqual([])
    expect((await readAround(view, 15))[1]).toMatchObject([{ offset: 10, nextOffset: 20 }])
  })

  it('fails when who is told throws, and lets go of everything', async () => {
    const view = viewOf([batches])
    damageFile(view.segments.last!.path, (bytes) => flipped(bytes, 70))
    const reader = readerOf(view, 0, {
      onDamage: () => {
        throw new Error('too much')
      },
    })
    await expect(drain(reader)).rejects.toThrow('too much')
    expect(referencesOf(view)).toBe(0)
  })

  it('calls an older format unsupported where Kafka may have written it, and damage in a log of its own', async () => {
    const old = Buffer.from(batches[1]!)
    old[16] = 1
    const segments = [[batches[0]!, old, batches[2]!]]
    await expect(drain(readerOf(viewOf(segments, { dense: false })))).rejects.toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
      offset: 10,
    })
    await expect(drain(readerOf(viewOf(segments)))).rejects.toMatchObject({
      code: 'BATCH_CORRUPT',
      offset: 10,
    })
  })

  it('believes a length that lies no further than it is allowed to', async () => {
    const view = viewOf([[batches[0]!, resealedLength(batches[1]!, 0x7fff_fff0), batches[2]!]])
    await expect(drain(readerOf(view))).rejects.toMatchObject({ code: 'BATCH_CORRUPT', offset: 10 })
    const negative = viewOf([[batches[0]!, resealedLength(batches[1]!, -5), batches[2]!]])
    await expect(drain(readerOf(negative))).rejects.toMatchObject({ code: 'BATCH_CORRUPT', offset: 10 })
  })

  it('takes a read error for what it is, never for the end', async () => {
    const fileSystem = new FaultFileSystem()
    const view = viewOf([batches], { fileSystem })
    for (const skip of [0, 1]) {
      const reader = readerOf(view)
      fileSystem.fail('read', { code: 'EIO', skip })
      await expect(drain(reader)).rejects.toMatchObject({
        code: 'IO_FAILED',
        path: view.segments.last!.path,
        cause: { code: 'EIO' },
      })
      expect(referencesOf(view)).toBe(0)
    }
    const patient = readerOf(view, 0, { onDamage: () => {} })
    fileSystem.fail('read', { code: 'EIO', skip: 1 })
    await expect(drain(patient)).rejects.toMatchObject({ code: 'IO_FAILED' })
    expect(await drain(readerOf(view))).toHaveLength(6)
  })

  it('takes a file that is shorter than it was for damage', async () => {
    const view = viewOf([batches.slice(0, 3), batches.slice(3)])
    const { path } = view.segments.first!
    truncateSync(path, 2 * size + 30)
    await expect(drain(readerOf(view))).rejects.toMatchObject({ code: 'BATCH_CORRUPT', path, offset: 20 })
    const [ranges, damages] = await readAround(view)
    expect(ranges.map(([base]) => base)).toEqual([0, 10, 30, 40, 50])
    expect(damages).toMatchObject([{ offset: 20, nextOffset: 30 }])
  })
})

function resealedLength(batch: Buffer, length: number): Buffer {
  const copy = resealed(batch, () => {})
  copy.writeInt32BE(length, 8)
  return copy
}
