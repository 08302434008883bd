/*
 * Appends with an index that is never done, never right or not there: it is off the acknowledgement path, and what it
 * says is never believed. The index a log gets is replaced here, below its public interface.
 */
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { IndexDatabase, LogIndex } from '../../src/offset-index/index.ts'
import { expectIndependentReaderAgrees, openTempLog, readValues } from '../helpers/temp-log.ts'

/** What the tests put in the place of parts of the index; emptied after each. */
const replaced = vi.hoisted(() => ({ parts: {} as object }))

vi.mock(import('../../src/offset-index/index.ts'), async (importOriginal) => {
  const original = await importOriginal()
  return {
    ...original,
    openMemoryIndex: (): IndexDatabase => {
      const database = original.openMemoryIndex()
      return {
        report: database.report,
        removeLog: (name) => database.removeLog(name),
        close: () => database.close(),
        log: (name, identity) =>
          new Proxy(database.log(name, identity), {
            get(target, property) {
              const part: unknown =
                Reflect.get(replaced.parts, property) ?? Reflect.get(target, property, target)
              return typeof part === 'function' ? (part.bind(target) as unknown) : part
            },
          }),
      }
    },
  }
})

const nothing = (): undefined => undefined

function replace(parts: Partial<LogIndex>): void {
  replaced.parts = parts
}

afterEach(() => replace({}))

const config = { 'internal.segment.bytes': 20_000, 'index.interval.bytes': 0 }

describe('an index that never settles', () => {
  it('keeps no append, roll, flush or read from resolving', async () => {
    replace({ settle: () => new Promise<void>(() => {}) })
    const log = await openTempLog({ cleanup: false, index: 'memory', config })
    for (let count = 0; count < 40; count++) await log.append('x'.repeat(1000))
    await Promise.all(Array.from({ length: 40 }, () => log.append('y'.repeat(1000), { durability: 'os' })))
    await log.roll()
    await log.flush()
    expect(log.segments().length).toBeGreaterThan(3)
    expect((await log.get(39))?.value?.[0]).toBe(120)
    expect(await readValues(log)).toHaveLength(80)
    await expectIndependentReaderAgrees(log)
  })
})

describe('an index that takes nothing in', () => {
  it('costs reads the way from the head of the segment, and appends nothing', async () => {
    const addEntry = vi.fn()
    replace({ addEntry, putFacts: () => {}, floorByOffset: nothing, lastBeforeTimestamp: nothing })
    const log = await openTempLog({ cleanup: false, index: 'memory', config })
    for (let count = 0; count < 40; count++)
      await log.append({ value: String(count), timestamp: 1000 + count })
    expect((await log.get(27))?.value?.toString()).toBe('27')
    expect(await log.offsetForTimestamp(1031)).toEqual({ offset: 31, timestamp: 1031 })
    expect(addEntry).toHaveBeenCalled()
  })
})

describe('an index that lies', () => {
  it.each([
    ['of a place inside a batch', { offset: 20, position: 777, timestamp: -1 }],
    ['of a place past the end', { offset: 20, position: 1 << 30, timestamp: -1 }],
    ['of a batch that is another one', { offset: 20, position: 0, timestamp: 2 ** 50 }],
  ])('%s changes no answer', async (_, entry) => {
    const lie = vi.fn(() => entry)
    replace({ floorByOffset: lie, lastBeforeTimestamp: lie })
    const log = await openTempLog({ cleanup: false, index: 'memory', config })
    for (let count = 0; count < 40; count++)
      await log.append({ value: String(count), timestamp: 1000 + count })
    for (const offset of [0, 19, 20, 21, 39])
      expect((await log.get(offset))?.value?.toString()).toBe(String(offset))
    expect(await readValues(log, { from: 33 })).toEqual(['33', '34', '35', '36', '37', '38', '39'])
    expect(lie).toHaveBeenCalled()
  })
})
