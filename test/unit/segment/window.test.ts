import { describe, expect, it } from 'vitest'
import { FileWindow } from '../../../src/segment/index.ts'
import { sourceOf } from './byte-source.ts'

const bytes = Buffer.from(Array.from({ length: 100 }, (_, at) => at))

async function look(window: FileWindow, position: number, count: number): Promise<number[]> {
  const { bytes: held, at, length } = await window.at(position, count)
  return [...held.subarray(at, at + Math.min(length, count))]
}

describe('a window', () => {
  it('shows what was asked for, wherever it moves', async () => {
    const window = new FileWindow(sourceOf(bytes), { end: 100, chunkBytes: 10 })
    expect(await look(window, 0, 4)).toEqual([0, 1, 2, 3])
    expect(await look(window, 8, 4)).toEqual([8, 9, 10, 11])
    expect(await look(window, 3, 2)).toEqual([3, 4])
    expect(await look(window, 50, 30)).toEqual(Array.from({ length: 30 }, (_, at) => 50 + at))
  })

  it('reads a chunk once, and a piece larger than a chunk whole', async () => {
    const source = sourceOf(bytes)
    const window = new FileWindow(source, { end: 100, chunkBytes: 10 })
    for (let position = 0; position < 10; position++) await window.at(position, 1)
    expect(source.reads).toBe(1)
    await window.at(9, 2)
    expect(source.reads).toBe(2)
    expect((await window.at(20, 50)).length).toBe(50)
    expect(source.reads).toBe(3)
  })

  it('shows less only at the end of the range', async () => {
    const window = new FileWindow(sourceOf(bytes), { end: 20, chunkBytes: 64 })
    expect((await window.at(18, 4)).length).toBe(2)
    expect((await window.at(20, 4)).length).toBe(0)
    expect((await window.at(25, 4)).length).toBe(0)
    expect(await look(window, 18, 4)).toEqual([18, 19]) // bytes past the end are never shown
  })

  it('shows what there is of a file that is shorter than it was', async () => {
    const window = new FileWindow(sourceOf(bytes), { end: 1000, chunkBytes: 64 })
    expect((await window.at(90, 61)).length).toBe(10)
    expect((await window.at(500, 61)).length).toBe(0)
  })

  it('fails as its source does', async () => {
    const window = new FileWindow(
      { read: () => Promise.reject(new RangeError('no')) },
      { end: 9, chunkBytes: 4 },
    )
    await expect(window.at(0, 1)).rejects.toThrow('no')
  })
})
