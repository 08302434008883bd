import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../src/testing/index.ts'
import { FileBytes } from '../../../src/testing/file-bytes.ts'
import { type BytesFate, UnsyncedFile } from '../../../src/testing/unsynced-file.ts'

const write = (position: number, text: string) =>
  ({ kind: 'write', position, bytes: Buffer.from(text) }) as const
const cut = (sizeBytes: number) => ({ kind: 'truncate', sizeBytes }) as const
const left = (file: UnsyncedFile, fate: BytesFate, seed = 1): string =>
  file.survivor(fate, new SeededRandom(seed)).view.toString('latin1')

function fileOf(text: string): UnsyncedFile {
  return new UnsyncedFile(new FileBytes(Buffer.from(text)))
}

describe('what no sync has covered', () => {
  it('is kept, lost, or zeros, as its fate says', () => {
    const file = fileOf('abc')
    file.change(write(3, 'def'))
    file.change(cut(5))
    expect([left(file, 'kept'), left(file, 'lost'), left(file, 'zeros')]).toEqual(['abcde', 'abc', 'abc\0\0'])
    expect(file.isSynced).toBe(false)
  })

  it('is torn in every way there is: whole, gone, zeros, and sector by sector', () => {
    const bytes = 'x'.repeat(1500)
    const found = new Set<string>()
    for (let seed = 0; seed < 300; seed++) {
      const file = fileOf('a')
      file.change(write(1, bytes))
      const text = left(file, 'torn', seed)
      expect(text).toMatch(/^a[x\0]*$/)
      found.add(text)
    }
    expect(found).toContain(`a${bytes}`)
    expect(found).toContain('a')
    expect(found).toContain(`a${'\0'.repeat(1500)}`)
    // Sectors of the file, not of the write: the first piece ends at byte 512.
    expect(found).toContain(`a${'x'.repeat(511)}`)
    expect(found).toContain(`a${'\0'.repeat(511)}${'x'.repeat(512)}`)
    expect(found.size).toBeGreaterThan(6)
  })

  it('is torn change by change: a later one may survive an earlier one', () => {
    const found = new Set<string>()
    for (let seed = 0; seed < 100; seed++) {
      const file = fileOf('')
      file.change(write(0, 'ab'))
      file.change(write(2, 'cd'))
      found.add(left(file, 'torn', seed))
    }
    expect([...found].sort()).toEqual(['', '\0\0\0\0', '\0\0cd', 'ab', 'ab\0\0', 'abcd', '\0\0'].sort())
  })
})

describe('a sync', () => {
  it('covers what came before it began, and nothing that came during it', () => {
    const file = fileOf('')
    file.change(write(0, 'a'))
    file.beginSync(1)
    file.change(write(1, 'b'))
    expect(left(file, 'lost')).toBe('')
    file.endSync(1)
    expect(left(file, 'lost')).toBe('a')
    file.beginSync(2)
    file.endSync(2)
    expect([left(file, 'lost'), file.isSynced]).toEqual(['ab', true])
  })

  it('may end after one that began later', () => {
    const file = fileOf('')
    file.change(write(0, 'a'))
    file.beginSync(1)
    file.change(write(1, 'b'))
    file.beginSync(2)
    file.endSync(2)
    file.change(write(2, 'c'))
    file.endSync(1)
    expect(left(file, 'lost')).toBe('ab')
  })

  it('can not end before it began', () => {
    expect(() => fileOf('').endSync(3)).toThrow('a sync ended that had not begun')
  })
})

describe('a failed sync', () => {
  it('leaves zeros, or the size before, and another sync saves nothing', () => {
    const sized = failed({ keepsSize: true })
    sync(sized)
    expect(left(sized, 'kept')).toBe('ab\0\0')
    const short = failed({ keepsSize: false })
    sync(short)
    expect(left(short, 'kept')).toBe('ab')
    expect(short.isSynced).toBe(false)
  })

  it('is not mended by writing the same place again', () => {
    const file = failed({ keepsSize: true })
    file.change(write(1, 'Bcde'))
    sync(file)
    expect(left(file, 'kept')).toBe('aB\0\0e')
  })

  it('is mended by cutting the place off, durably, and writing it again', () => {
    const file = failed({ keepsSize: true })
    file.change(cut(3))
    sync(file)
    file.change(write(3, 'd'))
    sync(file)
    expect(left(file, 'kept')).toBe('ab\0d')
    file.change(cut(2))
    sync(file)
    file.change(write(2, 'cd'))
    sync(file)
    expect([left(file, 'kept'), file.isSynced]).toEqual(['abcd', true])
  })

  it('carries out a cut that it was to save', () => {
    const file = fileOf('abcd')
    file.change(cut(1))
    file.beginSync(1)
    file.failSync(1, { keepsSize: true })
    expect(left(file, 'lost')).toBe('a')
  })

  it('lets no other sync under way that was to save the same end well', () => {
    const file = fileOf('')
    file.change(write(0, 'a'))
    file.beginSync(1)
    file.beginSync(2)
    expect(file.isFailing(2)).toBe(false)
    file.failSync(1, { keepsSize: true })
    file.beginSync(3)
    expect([2, 3].map((number) => file.copy().isFailing(number))).toEqual([true, false])
  })

  it('is the same in a copy', () => {
    const copy = failed({ keepsSize: true }).copy()
    copy.change(write(2, 'cd'))
    sync(copy)
    expect(left(copy, 'kept')).toBe('ab\0\0')
  })
})

function failed({ keepsSize }: { keepsSize: boolean }): UnsyncedFile {
  const file = fileOf('ab')
  file.change(write(2, 'cd'))
  file.beginSync(1)
  file.failSync(1, { keepsSize })
  return file
}

function sync(file: UnsyncedFile): void {
  file.beginSync(9)
  file.endSync(9)
}
