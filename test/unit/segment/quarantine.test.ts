import { FaultFileSystem } from '../../../src/testing/index.ts'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { type Quarantined, quarantineBytes } from '../../../src/segment/index.ts'
import { segmentName } from '../../helpers/hand-made.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** Cuts `text` off a segment that has 100 bytes before it. */
async function cut(
  directory: string,
  text: string | Buffer,
  { base = 0, fileSystem = nodeFileSystem }: { base?: number; fileSystem?: typeof nodeFileSystem } = {},
): Promise<Quarantined> {
  const bytes = Buffer.concat([Buffer.alloc(100, 1), Buffer.from(text)])
  const path = join(temporaryDirectory(), segmentName(base))
  writeFileSync(path, bytes)
  const handle = nodeFileSystem.openSync(path, 'read')
  onTestFinished(() => handle.close())
  return quarantineBytes(fileSystem, directory, { handle, from: 100, end: bytes.length })
}

const fresh = (): string => join(temporaryDirectory(), 'quarantine')

describe('quarantine', () => {
  it('keeps the bytes of a cut under a name that says where they were', async () => {
    const directory = fresh()
    expect(await cut(directory, 'torn', { base: 81_920 })).toEqual({
      path: join(directory, '00000000000000081920.log.100'),
      droppedFiles: [],
    })
    expect(readFileSync(join(directory, '00000000000000081920.log.100'), 'utf8')).toBe('torn')
  })

  it('keeps all of a cut that takes many reads', async () => {
    const bytes = Buffer.from(Array.from({ length: 2_500_000 }, (_, at) => at % 251))
    const { path } = await cut(fresh(), bytes)
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })

  it('writes the same file again for the same bytes, and another for others', async () => {
    const directory = fresh()
    const names: string[] = []
    for (const text of ['one', 'two', 'one', 'one and more', 'two'])
      names.push((await cut(directory, text)).path)
    const place = join(directory, `${segmentName(0)}.100`)
    expect(names).toEqual([place, `${place}.1`, place, `${place}.2`, `${place}.1`])
    expect(readFileSync(place, 'utf8')).toBe('one')
    expect(readdirSync(directory)).toHaveLength(3)
  })

  it('does not take the place of what is no file', async () => {
    const directory = fresh()
    mkdirSync(join(directory, `${segmentName(0)}.100`), { recursive: true })
    symlinkSync('/etc/passwd', join(directory, `${segmentName(0)}.100.1`))
    expect((await cut(directory, 'torn')).path).toBe(join(directory, `${segmentName(0)}.100.2`))
  })

  it('is durable before it has a name, and the name before it returns', async () => {
    const directory = fresh()
    const fileSystem = new FaultFileSystem()
    await cut(directory, 'torn', { fileSystem })
    const calls = fileSystem.calls.filter(({ ended, kind }) => ended === true || kind === 'write')
    expect(calls.map(({ kind }) => kind)).toEqual([
      'makeDirectory',
      'write',
      'syncData',
      'rename',
      'syncDirectory',
    ])
  })

  it('keeps sixteen, dropping the oldest, and says which', async () => {
    const directory = fresh()
    for (let base = 0; base < 16; base++) {
      const { path, droppedFiles } = await cut(directory, 'torn', { base })
      expect(droppedFiles).toEqual([])
      utimesSync(path, 1000 + base, 1000 + base)
    }
    const { path, droppedFiles } = await cut(directory, 'torn', { base: 16 })
    expect(droppedFiles).toEqual([join(directory, `${segmentName(0)}.100`)])
    expect(readdirSync(directory)).toHaveLength(16)
    expect(readFileSync(path, 'utf8')).toBe('torn')
  })

  it('drops nothing that it did not make, however much of that there is', async () => {
    const directory = fresh()
    mkdirSync(directory)
    const strangers = Array.from({ length: 30 }, (_, slot) => `stranger-${slot}`)
    for (const name of [...strangers, 'index.db.1', 'index.db.1-wal', segmentName(0)])
      writeFileSync(join(directory, name), 'x')
    expect((await cut(directory, 'torn')).droppedFiles).toEqual([])
    expect(readdirSync(directory)).toHaveLength(34)
  })

  it('fails, and leaves nothing under the name, when it can not be written', async () => {
    const directory = fresh()
    for (const kind of ['write', 'syncData', 'rename'] as const) {
      const fileSystem = new FaultFileSystem()
      fileSystem.fail(kind, { code: 'EIO' })
      await expect(cut(directory, 'torn', { fileSystem })).rejects.toMatchObject(
        kind === 'syncData' ? { code: 'LOG_POISONED', cause: { code: 'EIO' } } : { code: 'EIO' },
      )
      expect(readdirSync(directory).filter((name) => !name.endsWith('.tmp'))).toEqual([])
    }
    expect((await cut(directory, 'torn')).droppedFiles).toEqual([])
    expect(readdirSync(directory)).toEqual([`${segmentName(0)}.100`])
  })
})
