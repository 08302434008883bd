import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { IndexRows } from '../../../src/offset-index/index-rows.ts'
import { createSchema } from '../../../src/offset-index/index-schema.ts'
import { factsOf } from './model.ts'

function openRows(): { rows: IndexRows; database: Database.Database } {
  const database = new Database(':memory:')
  createSchema(database)
  return { rows: new IndexRows(database), database }
}

/** A database whose every query gives one row: what a page with its rows out of order may do. */
function answering(row: readonly unknown[]): IndexRows {
  const statement = { raw: () => statement, get: () => row, all: () => [row] }
  return new IndexRows({ prepare: () => statement } as unknown as Database.Database)
}

describe('the rows of the index', () => {
  it('are not believed when they answer another question', () => {
    const { rows, database } = openRows()
    rows.writeEntry(3, 100, 5000, 7)
    const row = database.prepare('SELECT offset, position, timestamp, checksum FROM entries').raw().get()
    const sound = answering(row as unknown[])
    expect(sound.floor(3, 100)).toEqual({ offset: 100, position: 5000, timestamp: 7 })
    expect(sound.floor(3, 99)).toBe('damaged') // past what was asked for
    expect(sound.floor(4, 100)).toBe('damaged') // of another segment
    rows.writeSegment(1, { id: 3, baseOffset: 8, liveBelow: 9, facts: factsOf(8, 1) })
    const segment = answering(database.prepare('SELECT * FROM segments').raw().get() as unknown[])
    expect(segment.readSegment(1, 8)).toMatchObject({ id: 3, liveBelow: 9 })
    expect(segment.readSegment(2, 8)).toBe('damaged')
    expect(segment.readSegment(1, 7)).toBe('damaged')
    expect(segment.readSegments(1)).toHaveLength(1)
  })

  it('lead a walk over segments forward or nowhere', () => {
    expect(answering([8]).nextSegmentOfEntries(7)).toBe(8)
    for (const back of [7, 6, -1, 2 ** 60, null, '8']) {
      expect(answering([back]).nextSegmentOfEntries(7)).toBeUndefined()
    }
  })

  it('number new segments and logs past all that there are', () => {
    const { rows, database } = openRows()
    expect([rows.nextSegmentId(), rows.nextSegmentId()]).toEqual([1, 2])
    rows.writeEntry(40, 1, 1, 1)
    rows.writeSegment(90, { id: 30, baseOffset: 8, liveBelow: 9, facts: undefined })
    const again = new IndexRows(database)
    expect(again.nextSegmentId()).toBe(41)
    expect(again.createLog('orders-0', 'a')).toBe(91)
    expect(again.createLog('orders-0', 'b')).toBe(92)
    expect(again.readLog('orders-0')).toEqual({ id: 92, identity: 'b' })
  })

  it('that number what no index ever numbered make it give up', () => {
    for (const id of [2 ** 49, 2 ** 60, -1]) {
      const { rows, database } = openRows()
      database.prepare('INSERT INTO entries VALUES (?, 1, 1, 1, 1)').run(id)
      expect(() => rows.nextSegmentId()).toThrow(/stored where an id was expected/)
    }
  })

  it('are found however large the numbers are', () => {
    const { rows } = openRows()
    const top = Number.MAX_SAFE_INTEGER
    for (const offset of [2 ** 31, 2 ** 32 + 1, 2 ** 52, top]) rows.writeEntry(1, offset, offset, offset)
    expect(rows.floor(1, top)).toEqual({ offset: top, position: top, timestamp: top })
    expect(rows.floor(1, top - 1)).toMatchObject({ offset: 2 ** 52 })
    expect(rows.floor(1, 2 ** 32)).toMatchObject({ offset: 2 ** 31 })
    expect(rows.floor(1, 2 ** 31 - 1)).toBeUndefined()
    expect(rows.floor(2, top)).toBeUndefined()
  })
})
