import { describe, expect, it } from 'vitest'
import { rewriteSegment } from '../../../src/log/rewrite-segment.ts'
import { MemoryFileSystem } from '../../helpers/memory-file-system.ts'

const PATH = '/log/segment'
const COPY = '/log/segment.tmp'
const bytes = Buffer.from(Array.from({ length: 2_300_000 }, (_, at) => at % 253))
const tail = Buffer.from('new tail')

async function original(): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  await fileSystem.makeDirectory('/log')
  fileSystem.put(PATH, bytes)
  return fileSystem.copy()
}

describe('rewriting a segment', () => {
  it('puts a copy of its head, and another tail, in its place', async () => {
    const fileSystem = await original()
    await rewriteSegment(fileSystem, PATH, { copyPath: COPY, sizeBytes: 2_200_000, tail })
    expect(fileSystem.bytesOf(PATH).equals(Buffer.concat([bytes.subarray(0, 2_200_000), tail]))).toBe(true)
    expect(fileSystem.paths).toEqual([PATH])
  })

  it('does so with nothing kept and with nothing new', async () => {
    const fileSystem = await original()
    await rewriteSegment(fileSystem, PATH, { copyPath: COPY, sizeBytes: bytes.length, tail: Buffer.alloc(0) })
    expect(fileSystem.bytesOf(PATH).equals(bytes)).toBe(true)
    await rewriteSegment(fileSystem, PATH, { copyPath: COPY, sizeBytes: 0, tail: Buffer.alloc(0) })
    expect(fileSystem.bytesOf(PATH)).toHaveLength(0)
  })

  it('writes over a copy that an earlier attempt left', async () => {
    const fileSystem = await original()
    fileSystem.put(COPY, Buffer.alloc(5_000_000))
    await rewriteSegment(fileSystem, PATH, { copyPath: COPY, sizeBytes: 10, tail })
    expect(fileSystem.bytesOf(PATH)).toEqual(Buffer.concat([bytes.subarray(0, 10), tail]))
  })

  it('leaves the old file or the new one, whenever it is killed', async () => {
    const straight = await original()
    await rewriteSegment(straight, PATH, { copyPath: COPY, sizeBytes: 1_100_000, tail })
    const after = straight.bytesOf(PATH)
    const outcomes = new Set<string>()
    for (let steps = 0; steps <= straight.steps; steps++) {
      const fileSystem = await original()
      fileSystem.dieAfter(steps)
      await rewriteSegment(fileSystem, PATH, { copyPath: COPY, sizeBytes: 1_100_000, tail }).catch(() => {})
      const now = fileSystem.bytesOf(PATH)
      expect(now.equals(bytes) || now.equals(after)).toBe(true)
      outcomes.add(now.equals(bytes) ? 'old' : 'new')
    }
    expect([...outcomes]).toEqual(['old', 'new'])
  })

  it('fails when the file is shorter than it should be, and leaves it', async () => {
    const fileSystem = await original()
    const rewriting = rewriteSegment(fileSystem, PATH, { copyPath: COPY, sizeBytes: bytes.length + 1, tail })
    await expect(rewriting).rejects.toMatchObject({ code: 'IO_FAILED', path: PATH })
    expect(fileSystem.bytesOf(PATH).equals(bytes)).toBe(true)
  })
})
