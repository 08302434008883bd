import { describe, expect, it } from 'vitest'
import { logPaths } from '../../../src/layout/index.ts'
import {
  cutTail,
  keepTail,
  findBatchBehind,
  inspectTail,
  type TailFinding,
  type TailOptions,
} from '../../../src/log/tail-scan.ts'
import { openMemoryIndex } from '../../../src/offset-index/index.ts'
import { Segment } from '../../../src/segment/index.ts'
import { dataBatch, flipped, segmentName } from '../../helpers/hand-made.ts'
import { MemoryFileSystem } from '../../helpers/memory-file-system.ts'

const PATH = `/log/${segmentName(10)}`
const paths = logPaths('/log', { root: '/log', topic: 'log', partition: 0 })
const batches = [dataBatch(10, 2), dataBatch(12, 1), dataBatch(13, 3)]
const [first, second, third] = batches as [Buffer, Buffer, Buffer]
const whole = Buffer.concat(batches)

async function fileOf(bytes: Buffer): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  await fileSystem.makeDirectory('/log')
  fileSystem.put(PATH, bytes)
  return fileSystem.copy()
}

async function inspect(
  bytes: Buffer,
  more: Partial<TailOptions> = {},
): Promise<TailFinding & { segment: Segment; fileSystem: MemoryFileSystem }> {
  const fileSystem = await fileOf(bytes)
  const segment = new Segment({
    baseOffset: 10,
    path: PATH,
    sizeBytes: bytes.length,
    nextOffset: 10,
    appendedAtMs: 0,
  })
  const found = await inspectTail(fileSystem.openSync(PATH, 'append'), {
    segment,
    fileBytes: bytes.length,
    recoveryPoint: 10,
    emptyUpTo: 10,
    index: openMemoryIndex().log('log', 'x'),
    dense: true,
    batchBytesMax: 1 << 20,
    indexIntervalBytes: 50,
    ...more,
  })
  expect(fileSystem.steps).toBe(0)
  return { ...found, segment, fileSystem }
}

describe('inspecting a tail', () => {
  it('finds nothing wrong with whole batches', async () => {
    const { tear, damage, scannedBytes, scannedBatches, segment } = await inspect(whole)
    expect({ tear, damage, scannedBytes, scannedBatches }).toEqual({
      tear: undefined,
      damage: undefined,
      scannedBytes: whole.length,
      scannedBatches: 3,
    })
    expect(segment).toMatchObject({
      sizeBytes: whole.length,
      nextOffset: 16,
      maxTimestamp: 1015,
      facts: 'fresh',
    })
  })

  it('finds the tear past the recovery point, whatever lies behind it', async () => {
    const torn = await inspect(whole.subarray(0, whole.length - 1))
    expect(torn).toMatchObject({ tear: { kind: 'TAIL_TORN', suspect: false }, damage: undefined })
    expect(torn.segment).toMatchObject({ sizeBytes: first.length + second.length, nextOffset: 13 })
    expect(await inspect(Buffer.concat([first, flipped(second, 65), third]))).toMatchObject({
      tear: { kind: 'TAIL_TORN', suspect: true, problem: { reason: 'crc' } },
    })
    expect(await inspect(Buffer.concat([whole, Buffer.alloc(7)]))).toMatchObject({ tear: { kind: 'zeros' } })
    expect(await inspect(Buffer.concat([whole, Buffer.alloc(700)]))).toMatchObject({
      tear: { kind: 'zeros' },
    })
    expect(await inspect(Buffer.concat([whole, Buffer.alloc(70), first]))).toMatchObject({
      tear: { kind: 'TAIL_TORN' },
    })
  })

  it('finds damage below the recovery point, and the next good batch', async () => {
    const bytes = Buffer.concat([first, flipped(second, 65), third])
    const { tear, damage } = await inspect(bytes, { recoveryPoint: 16 })
    expect(tear).toBeUndefined()
    expect(damage).toMatchObject({
      kind: 'damaged',
      position: first.length,
      firstLostOffset: 12,
      nextGoodOffset: 13,
    })
    expect((await inspect(bytes, { recoveryPoint: 13 })).damage).toBeDefined()
    expect((await inspect(bytes, { recoveryPoint: 12 })).damage).toBeUndefined()
  })

  it('finds a missing tail when the batches end before the recovery point', async () => {
    const { damage } = await inspect(Buffer.concat([first, second]), { recoveryPoint: 16 })
    expect(damage).toMatchObject({ kind: 'missing-tail', firstLostOffset: 13, nextGoodOffset: undefined })
  })

  it('takes offsets that compaction left out at the end for no loss, and a tear there for one', async () => {
    const sparse = { dense: false, recoveryPoint: 20, emptyUpTo: 20 }
    expect(await inspect(whole, sparse)).toMatchObject({ tear: undefined, damage: undefined })
    expect((await inspect(whole, { ...sparse, emptyUpTo: 19 })).damage).toMatchObject({ firstLostOffset: 19 })
    expect((await inspect(whole.subarray(0, -1), sparse)).damage).toMatchObject({ firstLostOffset: 13 })
  })

  it('never cuts a batch that is larger than what is read now', async () => {
    const { damage } = await inspect(whole, { batchBytesMax: first.length })
    expect(damage?.message).toContain('raise max.message.bytes')
  })

  it('never cuts messages of an older format from a log of Kafka, and always from one of ours', async () => {
    const old = Buffer.from(second)
    old[16] = 1
    const bytes = Buffer.concat([first, old])
    expect((await inspect(bytes, { dense: false })).damage?.message).toContain('version 1')
    expect((await inspect(bytes)).tear).toMatchObject({ problem: { reason: 'magic' } })
  })

  it('begins at the place that the index knows, if a sound batch is there', async () => {
    const index = openMemoryIndex().log('log', 'x')
    const position = first.length
    const enter = (): void => index.addEntry(10, { offset: 12, position, timestamp: 1011 })
    enter()
    const known = await inspect(whole, { index, recoveryPoint: 12 })
    expect(known).toMatchObject({ scannedBatches: 2, scannedBytes: whole.length - position })
    expect(known.segment).toMatchObject({ nextOffset: 16, maxTimestamp: 1015, facts: 'stored' })
    for (const damaged of [
      flipped(whole, position + 65),
      flipped(whole, position),
      flipped(whole, position + 8, 6),
    ]) {
      index.truncate(10, 0)
      enter()
      expect((await inspect(damaged, { index, recoveryPoint: 12 })).scannedBatches).toBe(1)
    }
    index.truncate(10, 0)
    index.addEntry(10, { offset: 12, position: whole.length - 3, timestamp: 1011 })
    expect((await inspect(whole, { index, recoveryPoint: 12 })).scannedBatches).toBe(3)
  })
})

const search = async (bytes: Buffer, from: number, dense = true) =>
  findBatchBehind((await fileOf(bytes)).openSync(PATH, 'read'), {
    from,
    end: bytes.length,
    offsetMin: 12,
    dense,
    batchBytesMax: 1 << 20,
  })

describe('the batch behind damage', () => {
  it('is the next one that is sound', async () => {
    const bytes = Buffer.concat([first, flipped(second, 65), third])
    expect(await search(bytes, first.length)).toMatchObject({
      baseOffset: 13,
      position: first.length + second.length,
    })
  })

  it('is not one whose offset nobody vouches for', async () => {
    const moved = Buffer.from(third)
    moved.writeBigInt64BE(1n << 40n, 0)
    expect(await search(Buffer.concat([first, moved]), first.length)).toBeUndefined()
    expect(await search(Buffer.concat([first, third]), first.length)).toBeUndefined()
    expect(await search(Buffer.concat([first, third]), first.length, false)).toMatchObject({ baseOffset: 13 })
    const vouched = Buffer.concat([first, third, dataBatch(16, 1)])
    expect(await search(vouched, first.length)).toMatchObject({ baseOffset: 13 })
  })

  it('is nothing where there is none', async () => {
    expect(await search(Buffer.concat([first, Buffer.from('garbage')]), first.length)).toBeUndefined()
    expect(await search(first, first.length)).toBeUndefined()
  })
})

describe('cutting a tail', () => {
  const torn = Buffer.concat([whole, Buffer.from('torn')])

  it('keeps the bytes, then cuts them, then makes that durable', async () => {
    const { tear, segment, fileSystem } = await inspect(torn)
    const handle = fileSystem.openSync(PATH, 'append')
    const work = { segment, fileBytes: torn.length, tear: tear! }
    const kept = await keepTail(fileSystem, paths, handle, work)
    expect(fileSystem.bytesOf(PATH).equals(torn)).toBe(true)
    const { cut } = await cutTail(handle, work, { kept, inPlace: true })
    expect(cut).toMatchObject({
      path: PATH,
      position: whole.length,
      sizeBytes: 4,
      quarantinedTo: expect.any(String),
    })
    expect(fileSystem.bytesOf(cut.quarantinedTo!).toString()).toBe('torn')
    expect(fileSystem.bytesOf(PATH).equals(whole)).toBe(true)
  })

  it('cuts nothing before the copy is durable', async () => {
    for (let steps = 0; steps < 7; steps++) {
      const { tear, segment, fileSystem } = await inspect(torn)
      fileSystem.dieAfter(steps)
      const work = { segment, fileBytes: torn.length, tear: tear! }
      const handle = fileSystem.openSync(PATH, 'append')
      const keepAndCut = async () =>
        cutTail(handle, work, { kept: await keepTail(fileSystem, paths, handle, work), inPlace: true })
      await keepAndCut().catch(() => {})
      if (fileSystem.bytesOf(PATH).length < torn.length)
        expect(fileSystem.bytesOf(`/log/quarantine/${segmentName(10)}.${whole.length}`).toString()).toBe(
          'torn',
        )
    }
  })

  it('keeps the bytes only, where the segment is to be replaced by a copy', async () => {
    const { tear, segment, fileSystem } = await inspect(torn)
    const work = { segment, fileBytes: torn.length, tear: tear! }
    const handle = fileSystem.openSync(PATH, 'append')
    await cutTail(handle, work, { kept: await keepTail(fileSystem, paths, handle, work), inPlace: false })
    expect(fileSystem.bytesOf(PATH).equals(torn)).toBe(true)
  })
})
