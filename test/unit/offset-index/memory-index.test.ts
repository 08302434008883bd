import { describe, expect, it } from 'vitest'
import { openMemoryIndex } from '../../../src/offset-index/index.ts'
import { SEGMENT_ENTRIES_MAX } from '../../../src/offset-index/memory-index.ts'
import { describeIndex } from './conformance.ts'
import { makeEntries } from './model.ts'

describeIndex({ name: 'the memory index', open: async () => openMemoryIndex() })

describe('the memory index', () => {
  it('says that it stores nothing', () => {
    const database = openMemoryIndex()
    expect(database.report).toEqual([])
    expect(database.log('orders-0', 'a').state).toBe('memory')
  })

  it('gets sparser instead of larger, and stays right', () => {
    const log = openMemoryIndex().log('orders-0', 'a')
    const entries = makeEntries(0, SEGMENT_ENTRIES_MAX * 3)
    const offsets = new Set(entries.map((entry) => entry.offset))
    for (const entry of entries) log.addEntry(0, entry)
    const last = entries.at(-1)!
    for (let offset = 0; offset <= last.offset; offset += 997) {
      const found = log.floorByOffset(0, offset)
      if (found === undefined) expect(offset).toBeLessThan(entries[0]!.offset)
      else {
        expect(offsets.has(found.offset)).toBe(true)
        expect(offset - found.offset).toBeLessThan(41 * 8)
        expect(found).toEqual(entries[found.offset / 41 - 1])
      }
    }
  })
})
