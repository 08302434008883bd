import { FaultFileSystem } from '../../../src/testing/index.ts'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Segment } from '../../../src/segment/index.ts'
import { dataBatch, viewOf } from '../../helpers/hand-made.ts'

function segmentsOf(count: number, openMax?: number) {
  const fileSystem = new FaultFileSystem()
  const segments = Array.from({ length: count }, (_, slot) => [dataBatch(slot, 1)])
  const view = viewOf(segments, { fileSystem, ...(openMax === undefined ? {} : { openMax }) })
  return { fileSystem, files: view.files, all: view.segments.all }
}

const first = (segment: Segment, read: { readSync: (into: Uint8Array, position: number) => number }) => {
  const bytes = Buffer.alloc(8)
  expect(read.readSync(bytes, 0)).toBe(8)
  expect(bytes.readBigInt64BE(0)).toBe(BigInt(segment.baseOffset))
}

describe('open files', () => {
  it('are opened once and given again', () => {
    const { files, all, fileSystem } = segmentsOf(3)
    for (let round = 0; round < 3; round++) for (const segment of all) first(segment, files.handle(segment))
    expect([files.openCount, fileSystem.count('open')]).toEqual([3, 3])
  })

  it('are never more than the bound; the one unused for longest goes first', () => {
    const { files, all, fileSystem } = segmentsOf(4, 2)
    for (const slot of [0, 1, 0, 2, 0]) first(all[slot]!, files.handle(all[slot]!))
    expect([files.openCount, fileSystem.count('open')]).toEqual([2, 3])
    files.handle(all[1]!) // it had been closed for the third
    expect([files.openCount, fileSystem.count('open')]).toEqual([2, 4])
  })

  it('are found under the name of a segment on its way out, which `path` does not say yet', () => {
    const { files, all } = segmentsOf(1)
    renameSync(all[0]!.path, `${all[0]!.path}.deleted`)
    first(all[0]!, files.handle(all[0]!))
    rmSync(`${all[0]!.path}.deleted`)
    files.forget(all[0]!)
    expect(() => files.handle(all[0]!)).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })

  it('give way to a new one when there are no descriptors left, once', () => {
    for (const code of ['EMFILE', 'ENFILE']) {
      const { files, all, fileSystem } = segmentsOf(3)
      files.handle(all[0]!)
      files.handle(all[1]!)
      fileSystem.fail('open', { code })
      first(all[2]!, files.handle(all[2]!))
      expect(files.openCount).toBe(1)
      first(all[0]!, files.handle(all[0]!)) // opens again
      fileSystem.fail('open', { code, times: 2 })
      expect(() => files.handle(all[1]!)).toThrow(expect.objectContaining({ code }))
    }
  })

  it('are closed one by one, twice without harm, and all for good', () => {
    const { files, all } = segmentsOf(2)
    files.handle(all[0]!)
    files.forget(all[0]!)
    files.forget(all[0]!)
    files.forget(all[1]!)
    expect(files.openCount).toBe(0)
    first(all[0]!, files.handle(all[0]!))
    files.closeAll()
    files.closeAll()
    expect(files.openCount).toBe(0)
    expect(() => files.handle(all[0]!)).toThrow(expect.objectContaining({ code: 'LOG_CLOSED' }))
  })
})

describe('the bytes of a segment', () => {
  it('go on though the file is closed for others between two reads', async () => {
    const { files, all } = segmentsOf(3, 1)
    const source = files.source(all[0]!)
    for (let round = 0; round < 3; round++) {
      first(all[0]!, source)
      const bytes = Buffer.alloc(8)
      expect(await source.read(bytes, 0)).toBe(8)
      files.handle(all[1]!)
    }
    expect(files.openCount).toBe(1)
  })

  it('fail with IO_FAILED and the place, and keep the cause', async () => {
    const { files, all, fileSystem } = segmentsOf(1)
    const source = files.source(all[0]!)
    const { path } = all[0]!
    const failure = { code: 'IO_FAILED', path, position: 7, cause: { code: 'EIO' } }
    fileSystem.fail('read', { code: 'EIO', times: 2 })
    expect(() => source.readSync(Buffer.alloc(1), 7)).toThrow(
      expect.objectContaining({ code: 'IO_FAILED', path }),
    )
    await expect(source.read(Buffer.alloc(1), 7)).rejects.toMatchObject(failure)
    expect(await source.read(Buffer.alloc(1), 7)).toBe(1)
  })

  it('fail with IO_FAILED when the file is gone, and with LOG_CLOSED when the log is', async () => {
    const { files, all } = segmentsOf(1)
    const source = files.source(all[0]!)
    rmSync(all[0]!.path)
    expect(existsSync(all[0]!.path)).toBe(false)
    await expect(source.read(Buffer.alloc(1), 0)).rejects.toMatchObject({
      code: 'IO_FAILED',
      cause: { code: 'ENOENT' },
    })
    files.closeAll()
    await expect(source.read(Buffer.alloc(1), 0)).rejects.toMatchObject({ code: 'LOG_CLOSED' })
  })

  it('let a bug of ours through as it is', async () => {
    const { files, all } = segmentsOf(1)
    await expect(files.source(all[0]!).read(Buffer.alloc(1), Number.NaN)).rejects.toThrow('seglog bug')
  })

  it('are read by many at once within the bound: who finds no room waits for reads to end', async () => {
    const { files, all, fileSystem } = segmentsOf(12, 3)
    const hold = fileSystem.hold('read')
    const reads = all.map(async (segment) => {
      const bytes = Buffer.alloc(8)
      expect(await files.source(segment).read(bytes, 0)).toBe(8)
      expect(bytes.readBigInt64BE(0)).toBe(BigInt(segment.baseOffset))
      expect(files.openCount).toBeLessThanOrEqual(3)
    })
    await hold.reached
    expect([files.openCount, fileSystem.count('open')]).toEqual([3, 3])
    hold.release()
    await Promise.all(reads)
    expect(fileSystem.count('open')).toBe(12)
  })

  it('are read within the bound though the log is closed while some wait', async () => {
    const { files, all, fileSystem } = segmentsOf(3, 1)
    const hold = fileSystem.hold('read')
    const reads = all.map((segment) => files.source(segment).read(Buffer.alloc(8), 0))
    await hold.reached
    files.closeAll()
    hold.release()
    const results = await Promise.allSettled(reads)
    for (const result of results.slice(1))
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'LOG_CLOSED' } })
    await files.idle()
    expect(files.openCount).toBe(0)
  })

  it('are closed for good only when the reads under way have ended, which can be waited for', async () => {
    const { files, all, fileSystem } = segmentsOf(1)
    await files.idle()
    const { reached, release } = fileSystem.hold('read')
    const reading = files.source(all[0]!).read(Buffer.alloc(8), 0)
    await reached
    let isIdle = false
    const idle = files.idle().finally(() => {
      isIdle = true
    })
    await new Promise<void>((resolve) => void setImmediate(resolve))
    expect(isIdle).toBe(false)
    release()
    await Promise.all([reading, idle])
    files.closeAll()
    await files.idle()
  })
})
