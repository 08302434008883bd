import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Random } from '../../../src/core/index.ts'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import {
  formatPartitionMetadata,
  isTopicId,
  parsePartitionMetadata,
  randomTopicId,
  readPartitionMetadata,
} from '../../../src/layout/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { seed } from '../../helpers/seed.ts'

const id = 'MRfUOBC9SiqOQ0y3g5yXLw'
const randomOf = (bytes: Uint8Array): Random => ({ below: () => 0, bytes: () => Buffer.from(bytes) })
const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 })

describe('partition.metadata', () => {
  it("is Kafka's two lines without a newline at the end", () => {
    expect(formatPartitionMetadata(id)).toBe(`version: 0\ntopic_id: ${id}`)
  })

  it('comes back as the id, with a newline at the end or without', () => {
    expect(parsePartitionMetadata(formatPartitionMetadata(id))).toEqual({ value: id })
    expect(parsePartitionMetadata(`${formatPartitionMetadata(id)}\n`)).toEqual({ value: id })
  })

  it.each([
    '',
    'version: 0',
    'version: 0\n',
    `topic_id: ${id}\nversion: 0`,
    `version: 0\r\ntopic_id: ${id}`,
    `version: 0\ntopic_id: ${id}x`,
    `version: 0\ntopic_id: ${id.slice(1)}`,
    `version: 0\ntopic_id: ${id}\n\n`,
    `version: 0\ntopic_id: ${id}\nmore: 1`,
    `version: 1\ntopic_id: ${id}`,
    `version: -1\ntopic_id: ${id}`,
    'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA', // reserved
    'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ', // reserved
    'version: 0\ntopic_id: MRfUOBC9SiqOQ0y3g5yXLx', // the last character has bits that no byte holds
    'version: 0\ntopic_id: MRfUOBC9SiqOQ0y3g5+XLw',
  ])('%j is a problem', (text) => {
    expect(parsePartitionMetadata(text).problem).toBeDefined()
  })

  it('is read from its file; none is undefined, damage a problem with the path', () => {
    const path = join(temporaryDirectory(), 'partition.metadata')
    expect(readPartitionMetadata(nodeFileSystem, path)).toBeUndefined()
    writeFileSync(path, formatPartitionMetadata(id))
    expect(readPartitionMetadata(nodeFileSystem, path)).toEqual({ value: id })
    writeFileSync(path, 'x'.repeat(4097))
    expect(readPartitionMetadata(nodeFileSystem, path)?.problem).toContain(path)
    writeFileSync(path, 'version: 9\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA')
    expect(readPartitionMetadata(nodeFileSystem, path)).toEqual({
      problem: `${path} has version 9, 0 was expected`,
    })
  })

  it('is never formatted with what is no id', () => {
    for (const wrong of ['', 'x', `${id}=`, 'AAAAAAAAAAAAAAAAAAAAAA']) {
      expect(() => formatPartitionMetadata(wrong)).toThrow('seglog bug')
    }
  })
})

describe('a random topic id', () => {
  it('is a version 4 UUID in 22 characters that no command line takes for an option', () => {
    fc.assert(
      fc.property(sixteen, (bytes) => {
        const topicId = randomTopicId(randomOf(bytes))
        const decoded = Buffer.from(topicId, 'base64url')
        expect(isTopicId(topicId)).toBe(true)
        expect(topicId).not.toMatch(/^-/)
        expect(decoded[6]! >> 4).toBe(4)
        expect(decoded[8]! >> 6).toBe(2)
        expect(parsePartitionMetadata(formatPartitionMetadata(topicId))).toEqual({ value: topicId })
      }),
      { seed },
    )
  })

  it('is none of the reserved ones and no option even when chance is against it', () => {
    expect(randomTopicId(randomOf(new Uint8Array(16)))).toBe('AAAAAAAAQACAAAAAAAAAAA')
    for (let low = 0; low < 4; low++) {
      expect(randomTopicId(randomOf(new Uint8Array(16).fill(0xf8 | low)))).toMatch(/^[^-]/)
    }
  })

  it('takes nothing from the bytes it was given after it returned', () => {
    const bytes = Buffer.alloc(16, 0xf8)
    randomTopicId({ below: () => 0, bytes: () => bytes })
    expect(bytes).toEqual(Buffer.alloc(16, 0xf8))
  })
})
