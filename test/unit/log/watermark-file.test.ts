import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFileSystem, OpenFileLimit } from '../../../src/fs/index.ts'
import type { PinoLike } from '../../../src/index.ts'
import { decodeWatermark, WATERMARK_BYTES } from '../../../src/layout/index.ts'
import { WatermarkFile } from '../../../src/log/watermark-file.ts'
import { FaultFileSystem, SeededRandom } from '../../../src/testing/index.ts'
import { seed } from '../../helpers/seed.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const random = new SeededRandom(seed)
const state = { generation: 3, readableEndOffset: 40, startOffset: 7, truncatedTo: 11 }

const quiet = (): void => {}

function open(path: string, fileSystem = nodeFileSystem): { file: WatermarkFile; warnings: string[] } {
  const warnings: string[] = []
  const warn: PinoLike['warn'] = (_, message) => void warnings.push(String(message))
  const logger: PinoLike = { debug: quiet, info: quiet, warn, error: quiet }
  return {
    file: new WatermarkFile({ fileSystem, limit: new OpenFileLimit(4) }, path, { random, logger }),
    warnings,
  }
}

const pathIn = (directory = temporaryDirectory()): string => join(directory, 'watermark')

describe('the watermark file', () => {
  it('says what was published last, in 64 bytes that are written over', () => {
    const path = pathIn()
    const { file } = open(path)
    file.publish({ ...state, readableEndOffset: 30 })
    file.publish(state)
    const bytes = readFileSync(path)
    expect(bytes).toHaveLength(WATERMARK_BYTES)
    expect(decodeWatermark(bytes)).toMatchObject({ ...state, sequence: 2 })
    file.close()
  })

  it('is of another session at every opening, and keeps what the last one said until something is published', () => {
    const path = pathIn()
    const first = open(path)
    first.file.publish(state)
    first.file.close()
    const before = decodeWatermark(readFileSync(path))!
    const second = open(path)
    expect(decodeWatermark(readFileSync(path))).toEqual(before)
    second.file.publish(state)
    const after = decodeWatermark(readFileSync(path))!
    expect(after.sequence).toBe(1)
    expect(Buffer.compare(after.session, before.session)).not.toBe(0)
    second.file.close()
  })

  it('that can not be written keeps followers back and nobody else: it is said once', () => {
    const path = pathIn()
    const fileSystem = new FaultFileSystem()
    const { file, warnings } = open(path, fileSystem)
    fileSystem.fail('overwrite', { code: 'ENOSPC', times: 3 })
    for (let time = 0; time < 3; time++) file.publish(state)
    expect(warnings).toHaveLength(1)
    file.publish(state)
    expect(decodeWatermark(readFileSync(path))).toMatchObject(state)
    file.close()
  })

  it('is never a link or a directory', () => {
    const directory = temporaryDirectory()
    symlinkSync('/dev/null', pathIn(directory))
    expect(() => open(pathIn(directory))).toThrow('ELOOP')
    const other = temporaryDirectory()
    mkdirSync(pathIn(other))
    expect(() => open(pathIn(other))).toThrow()
  })
})
