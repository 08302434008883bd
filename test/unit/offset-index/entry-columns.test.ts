import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EntryColumns } from '../../../src/offset-index/entry-columns.ts'
import type { IndexEntry } from '../../../src/offset-index/index.ts'
import { seed } from '../../helpers/seed.ts'
import { makeEntries } from './model.ts'

function columnsOf(entries: readonly IndexEntry[]): EntryColumns {
  const columns = new EntryColumns()
  for (const entry of entries) expect(columns.push(entry)).toBe(true)
  return columns
}

function contents(columns: EntryColumns): IndexEntry[] {
  return Array.from({ length: columns.length }, (_, slot) => columns.entryAt(slot))
}

describe('the columns of entries', () => {
  it('hold what was pushed, however much that is', () => {
    for (const count of [0, 1, 15, 16, 17, 1000]) {
      const entries = makeEntries(7, count)
      expect(contents(columnsOf(entries))).toEqual(entries)
    }
  })

  it('find what a plain search finds', () => {
    const column = fc
      .uniqueArray(fc.nat(500), { maxLength: 60 })
      .map((values) => values.sort((a, b) => a - b))
    fc.assert(
      fc.property(column, fc.integer({ min: -1, max: 501 }), (values, target) => {
        const entries = values.map((value, slot) => ({
          offset: value,
          position: value * 2,
          timestamp: Math.floor(slot / 3) * 10,
        }))
        const columns = columnsOf(entries)
        expect(columns.floorSlot(target)).toBe(entries.findLastIndex((entry) => entry.offset <= target))
        expect(columns.lastSlotBefore(target)).toBe(
          entries.findLastIndex((entry) => entry.timestamp < target),
        )
        const first = entries.findIndex((entry) => entry.position >= target)
        expect(columns.firstSlotAtPosition(target)).toBe(first < 0 ? entries.length : first)
      }),
      { seed, numRuns: 500 },
    )
  })

  it('lose entries at either end and take new ones', () => {
    const entries = makeEntries(0, 100)
    for (const cut of [0, 1, 50, 99, 100]) {
      const columns = columnsOf(entries)
      columns.truncate(cut)
      expect(contents(columns)).toEqual(entries.slice(0, cut))
      for (const entry of entries.slice(cut)) expect(columns.push(entry)).toBe(true)
      columns.dropFirst(cut)
      expect(contents(columns)).toEqual(entries.slice(cut))
      columns.truncate(1000)
      expect(columns.length).toBe(100 - cut)
    }
  })

  it('keep one entry in two, then in four, from then on too, until they are emptied', () => {
    const entries = makeEntries(0, 64)
    const columns = columnsOf(entries.slice(0, 16))
    columns.thin()
    expect(contents(columns)).toEqual(entries.slice(0, 16).filter((_, slot) => slot % 2 === 0))
    columns.thin()
    expect(contents(columns)).toEqual([entries[0], entries[4], entries[8], entries[12]])
    const kept = entries.slice(16).filter((entry) => columns.push(entry))
    expect(kept).toHaveLength(12)
    columns.truncate(0)
    for (const entry of entries) expect(columns.push(entry)).toBe(true)
  })
})
