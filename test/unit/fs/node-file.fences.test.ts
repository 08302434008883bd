/* The fences of a file against what the system rarely does: write less than it was given, or lie about a size. */
import { readFileSync, writeFileSync, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

type Fs = typeof import('node:fs') & { WriteStream: typeof WriteStream }

/** What the system does instead of what it should. */
const odd = vi.hoisted(() => ({
  /** The most bytes a write takes. */
  writeMax: Infinity,
  /** How many bytes at the end of each file are not seen, by a stat or by a read. */
  sizeMissing: 0,
  writes: [] as { length: number; position: number | null }[],
}))

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<Fs>()
  const writeSync = (
    descriptor: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): number => {
    odd.writes.push({ length, position })
    const taken = Math.min(length, odd.writeMax)
    return taken === 0 ? 0 : fs.writeSync(descriptor, bytes, offset, taken, position)
  }
  const fstatSync = (descriptor: number) => {
    const stat = fs.fstatSync(descriptor)
    stat.size -= odd.sizeMissing
    return stat
  }
  const readSync = (
    descriptor: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number => {
    const seen = Math.max(0, Math.min(length, fstatSync(descriptor).size - position))
    return seen === 0 ? 0 : fs.readSync(descriptor, bytes, offset, seen, position)
  }
  return { ...fs, default: fs, writeSync, fstatSync, readSync }
})

beforeEach(() => Object.assign(odd, { writeMax: Infinity, sizeMissing: 0, writes: [] }))

const pathOf = (contents: string): string => {
  const path = join(temporaryDirectory(), 'file')
  writeFileSync(path, contents)
  return path
}

describe('a write that takes less than it was given', () => {
  it.each([1, 3, 9, 10])('at most %d bytes, is followed by others until all is there', (writeMax) => {
    const path = pathOf('old')
    const file = nodeFileSystem.openSync(path, 'append')
    odd.writeMax = writeMax
    file.appendSync(Buffer.from('0123456789'), 3)
    expect(readFileSync(path, 'utf8')).toBe('old0123456789')
    expect(odd.writes.map(({ position }) => position)).toEqual(
      Array.from({ length: Math.ceil(10 / writeMax) }, (_, slot) => 3 + slot * writeMax),
    )
    file.close()
    const inPlace = nodeFileSystem.openSync(path, 'overwrite')
    inPlace.overwriteSync(Buffer.from('abcdefghij'), 1)
    expect(readFileSync(path, 'utf8')).toBe('oabcdefghij89')
    inPlace.close()
  })

  it('nothing at all, fails instead of trying for ever', () => {
    const path = pathOf('old')
    const file = nodeFileSystem.openSync(path, 'append')
    odd.writeMax = 0
    expect(() => file.appendSync(Buffer.from('new'), 3)).toThrow(expect.objectContaining({ code: 'EIO' }))
    expect(readFileSync(path, 'utf8')).toBe('old')
    file.close()
  })
})

it.skipIf(process.platform === 'win32')(
  'an append at a position that only seems to be the end lands at the end: history is not overwritten',
  () => {
    const path = pathOf('history')
    const file = nodeFileSystem.openSync(path, 'append')
    odd.sizeMissing = 7
    file.appendSync(Buffer.from('new'), 0)
    expect(odd.writes).toEqual([{ length: 3, position: 0 }])
    expect(readFileSync(path, 'utf8')).toBe('historynew')
    file.close()
  },
)
