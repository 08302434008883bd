import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import {
  identityAfterCut,
  identityName,
  newIdentity,
  readIdentity,
  writeIdentity,
} from '../../../src/log/log-identity.ts'
import { FaultFileSystem, SeededRandom } from '../../../src/testing/index.ts'
import { seed } from '../../helpers/seed.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const random = new SeededRandom(seed)
const pathIn = (directory = temporaryDirectory()): string => join(directory, 'topic.properties')
const sound = 'seglog.log.id=pZ3mK2vXQ0m6N1c8Yw7b3g\nseglog.generation=3\nseglog.offsets=dense\n'

const cutsOf = (count: number): string =>
  Array.from({ length: count }, (_, slot) => `${slot + 1}:${slot}`).join(' ')

describe('the identity of a log', () => {
  it('is made once, begins with generation 0, and differs from every other', () => {
    const one = newIdentity(random, 'dense')
    expect(one).toMatchObject({ generation: 0, offsets: 'dense', config: new Map() })
    expect(newIdentity(random, 'dense').id).not.toBe(one.id)
  })

  it('comes back from its file with the configuration, whatever characters that has', async () => {
    const path = pathIn()
    const config = new Map([
      ['retention.ms', '604800000'],
      ['compression.type', 'a = b: c # é \\ \n'],
    ])
    const cuts = [
      { generation: 2, offset: 0 },
      { generation: 6, offset: 2 ** 52 },
    ]
    const identity = { ...newIdentity(random, 'sparse'), generation: 7, cuts, config }
    await writeIdentity(nodeFileSystem, path, identity)
    expect(readIdentity(nodeFileSystem, path)).toEqual(identity)
  })

  it('is replaced whole, durably', async () => {
    const fileSystem = new FaultFileSystem()
    const path = pathIn()
    await writeIdentity(fileSystem, path, newIdentity(random, 'dense'))
    const kinds = fileSystem.calls.filter(({ ended }) => ended !== true).map(({ kind }) => kind)
    expect(kinds).toEqual(['open', 'write', 'syncData', 'close', 'rename', 'syncDirectory'])
    const before = readFileSync(path)
    fileSystem.fail('rename', { code: 'EIO' })
    await expect(writeIdentity(fileSystem, path, newIdentity(random, 'dense'))).rejects.toMatchObject({
      code: 'EIO',
    })
    expect(readFileSync(path)).toEqual(before)
  })

  it('is nothing where there is no file', () => {
    expect(readIdentity(nodeFileSystem, pathIn())).toBeUndefined()
  })

  it('has another name after every truncation', () => {
    const identity = newIdentity(random, 'dense')
    expect(identityName({ ...identity, generation: 1 })).not.toBe(identityName(identity))
  })

  it('remembers the truncations that went lower than all later ones, and of many the lowest', async () => {
    const path = pathIn()
    let identity = newIdentity(random, 'dense')
    for (const offset of [50, 90, 70, 80]) identity = identityAfterCut(identity, offset)
    expect(identity).toMatchObject({
      generation: 8,
      cuts: [
        { generation: 2, offset: 50 },
        { generation: 6, offset: 70 },
        { generation: 8, offset: 80 },
      ],
    })
    for (let offset = 100; offset < 1000; offset++) identity = identityAfterCut(identity, offset)
    expect(identity.cuts).toHaveLength(64)
    expect(identity.cuts[0]!.offset).toBe(50)
    await writeIdentity(nodeFileSystem, path, identity)
    expect(readIdentity(nodeFileSystem, path)).toEqual(identity)
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['no id', sound.replace(/^.*\n/, '')],
    ['no generation', sound.replace(/seglog.gen.*\n/, '')],
    ['no word about offsets', sound.replace(/seglog.off.*\n/, '')],
    ['an id that is none', sound.replace('b3g', 'b3!')],
    ['an id that is too short', sound.replace('b3g', 'b3')],
    ['an empty generation', sound.replace('=3', '=')],
    ['a negative generation', sound.replace('=3', '=-1')],
    ['a fractional generation', sound.replace('=3', '=1.5')],
    ['a generation in another notation', sound.replace('=3', '=0x3')],
    ['a generation with a leading zero', sound.replace('=3', '=03')],
    ['a generation past 2^53', sound.replace('=3', '=9007199254740993')],
    ['other offsets', sound.replace('dense', 'danse')],
    ['cuts that are none', `${sound}seglog.cuts=\n`],
    ['a cut without its offset', `${sound}seglog.cuts=2\n`],
    ['a cut of three numbers', `${sound}seglog.cuts=2:5:7\n`],
    ['a cut at no offset', `${sound}seglog.cuts=2:-5\n`],
    ['cuts whose generations do not rise', `${sound}seglog.cuts=2:5 2:7\n`],
    ['cuts whose offsets do not rise', `${sound}seglog.cuts=1:5 2:5\n`],
    ['a cut that is still to come', `${sound}seglog.cuts=4:5\n`],
    ['more cuts than are kept', `${sound.replace('=3', '=99')}seglog.cuts=${cutsOf(65)}\n`],
  ])('is refused when the file says %s', (_, text) => {
    const path = pathIn()
    writeFileSync(path, sound)
    expect(readIdentity(nodeFileSystem, path)).toMatchObject({ generation: 3, offsets: 'dense' })
    writeFileSync(path, text)
    expect(() => readIdentity(nodeFileSystem, path)).toThrow(
      expect.objectContaining({ code: 'LOG_CORRUPT', path }),
    )
  })

  it('is refused when the file is huge, or none', () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'topic.properties'))
    expect(() => readIdentity(nodeFileSystem, pathIn(directory))).toThrow(
      expect.objectContaining({ code: 'LOG_CORRUPT' }),
    )
    const path = pathIn()
    writeFileSync(path, sound + '#'.repeat(1024 * 1024))
    expect(() => readIdentity(nodeFileSystem, path)).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }))
  })
})
