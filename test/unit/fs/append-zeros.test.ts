/* Zeros put at the end of a file by threads, while the file is written to from here: the real system, and its locks. */
import { appendFileSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { yieldToEventLoop } from '../../../src/core/index.ts'
import { type FileHandle, nodeFileSystem } from '../../../src/fs/index.ts'
import { SeededRandom } from '../../../src/testing/index.ts'
import { seed } from '../../helpers/seed.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const KIB = 1024

function openFilled(contents = ''): { path: string; file: FileHandle } {
  const path = join(temporaryDirectory(), 'file')
  writeFileSync(path, contents)
  const file = nodeFileSystem.openSync(path, 'fill')
  onTestFinished(() => file.close())
  return { path, file }
}

const codeOf = (call: () => void): unknown => {
  try {
    call()
  } catch (error) {
    return (error as { code?: unknown }).code ?? (error as Error).message
  }
  return 'no error'
}

describe('an extension', () => {
  it.each([0, 1, 61, 128 * KIB, 128 * KIB + 1, 1000 * KIB])('puts %i zeros at the end', async (sizeBytes) => {
    const { path, file } = openFilled('abc')
    await file.extend(sizeBytes)
    expect(readFileSync(path).equals(Buffer.concat([Buffer.from('abc'), Buffer.alloc(sizeBytes)]))).toBe(true)
    expect(file.sizeSync()).toBe(3 + sizeBytes)
  })

  it('never lies on top of what is written meanwhile, inside the zeros or past them', async () => {
    const random = new SeededRandom(seed)
    const { path, file } = openFilled()
    const written: Buffer[] = []
    let end = 0
    let extending: Promise<void> | undefined
    let overtakenCount = 0
    for (let count = 0; count < 3_000; count++) {
      extending ??= file.extend(1 + random.below(300 * KIB)).finally(() => (extending = undefined))
      const bytes = Buffer.alloc(1 + random.below(random.below(10) === 0 ? 60 * KIB : 600), 1 + (count % 255))
      if (end + bytes.length > file.sizeSync()) overtakenCount++
      file.appendSync(bytes, end)
      written.push(bytes)
      end += bytes.length
      if (random.below(40) === 0) await yieldToEventLoop()
    }
    await extending
    const found = readFileSync(path)
    expect(found.subarray(0, end).equals(Buffer.concat(written))).toBe(true)
    expect(found.subarray(end).every((byte) => byte === 0)).toBe(true)
    expect(overtakenCount).toBeGreaterThan(10)
  })

  it('is of the file that was opened, not of one that has its name by now', async () => {
    const { path, file } = openFilled('ours')
    renameSync(path, `${path}.moved`)
    await expect(file.extend(10)).rejects.toMatchObject({ code: 'ENOENT' })
    writeFileSync(path, 'theirs')
    await expect(file.extend(10)).rejects.toMatchObject({ code: 'ESTALE' })
    expect([readFileSync(path, 'utf8'), readFileSync(`${path}.moved`, 'utf8')]).toEqual(['theirs', 'ours'])
  })

  it('is only for a file that is opened for it', async () => {
    const { path } = openFilled('abc')
    for (const mode of ['read', 'append', 'overwrite'] as const) {
      const file = nodeFileSystem.openSync(path, mode)
      await expect(file.extend(1)).rejects.toThrow('seglog bug')
      file.close()
    }
    expect(readFileSync(path, 'utf8')).toBe('abc')
  })

  it('goes on to its end when the file is closed meanwhile', async () => {
    const { path, file } = openFilled('abc')
    const extending = file.extend(500 * KIB)
    file.close()
    await extending
    expect(statSync(path).size).toBe(3 + 500 * KIB)
  })
})

describe('a file that is filled ahead', () => {
  it('takes appends inside the zeros, at their end and over it, and none behind a hole', async () => {
    const { path, file } = openFilled()
    await file.extend(6)
    file.appendSync(Buffer.from('ab'), 0)
    file.appendSync(Buffer.from('cdef'), 2)
    file.appendSync(Buffer.from('g'), 6)
    expect(readFileSync(path, 'utf8')).toBe('abcdefg')
    expect(codeOf(() => file.appendSync(Buffer.from('x'), 8))).toBe('ESTALE')
    file.truncateSync(3)
    file.appendSync(Buffer.from('XYZ'), 3)
    expect(readFileSync(path, 'utf8')).toBe('abcXYZ')
  })

  it.each([
    ['longer', (path: string) => appendFileSync(path, 'x')],
    ['shorter', (path: string) => truncateSync(path, 5)],
  ])('notices that someone else made it %s, and writes nothing', async (_, change) => {
    const { path, file } = openFilled()
    await file.extend(10)
    file.appendSync(Buffer.from('abc'), 0)
    change(path)
    expect(codeOf(() => file.appendSync(Buffer.from('new'), 3))).toBe('ESTALE')
    const { size } = statSync(path)
    await expect(file.extend(10)).rejects.toMatchObject({ code: 'ESTALE' })
    expect([codeOf(() => file.appendSync(Buffer.from('new'), 3)), statSync(path).size]).toEqual([
      'ESTALE',
      size,
    ])
    expect(readFileSync(path).subarray(0, 5).toString()).toBe('abc\0\0')
  })
})
