import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStore, type Store } from '../../src/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const NOW = Date.UTC(2026, 0, 31)
const DAY = 86_400_000

/** Two topics of three segments each, of about 1 KiB; `older` has the older records. */
async function twoTopics(): Promise<string> {
  const directory = join(temporaryDirectory(), 'store')
  await using store = await openStore(directory, { cleanup: false, clock: new ManualClock({ wallMs: NOW }) })
  for (const [name, ageMs] of [
    ['newer', DAY],
    ['older', 2 * DAY],
  ] as const) {
    await store.createTopic(name, { config: { 'retention.ms': '30d' } })
    const log = store.log(name, 0)
    for (let count = 0; count < 3; count++) {
      if (count > 0) await log.roll()
      await log.append({ value: 'x'.repeat(1000), timestamp: NOW - ageMs })
    }
  }
  return directory
}

const open = (directory: string, options: { readOnly?: boolean; config?: Record<string, string> } = {}) =>
  openStore(directory, { ...options, cleanup: false, clock: new ManualClock({ wallMs: NOW }) })

const counts = async (store: Store, options?: { now?: number }) =>
  (await store.plan(options)).map(({ topic, deleteCount }) => [topic, deleteCount])

describe('a plan for a store', () => {
  it('has the budget of all logs in it, also where the store is open for reading only', async () => {
    const directory = await twoTopics()
    const config = { 'seglog.retention.total.bytes': '5000' }
    for (const readOnly of [false, true]) {
      await using store = await open(directory, { readOnly, config })
      expect(await counts(store)).toEqual([
        ['newer', 0],
        ['older', 2],
      ])
    }
  })

  it('takes no committed offset for the budget, however small that is', async () => {
    const directory = await twoTopics()
    const config = { 'seglog.retention.total.bytes': '1' }
    await using store = await open(directory, { config })
    await store.topic('older').commit('group', { partition: 0, nextOffset: 3 })
    await store.log('__seglog_offsets', 0).roll()
    await store.topic('older').commit('group', { partition: 0, nextOffset: 1 })
    const { deleted } = await store.clean()
    expect(deleted.map(({ topic }) => topic).sort()).toEqual(['newer', 'newer', 'older', 'older'])
    expect(store.log('__seglog_offsets', 0).segments()).toHaveLength(2)
  })

  it('is made for another moment when one is given, and cleaning goes by it too', async () => {
    const directory = await twoTopics()
    const now = NOW + 29 * DAY
    for (const readOnly of [true, false]) {
      await using store = await open(directory, { readOnly })
      expect(await counts(store)).toEqual([
        ['newer', 0],
        ['older', 0],
      ])
      expect(await counts(store, { now })).toEqual([
        ['newer', 0],
        ['older', 3],
      ])
      await expect(store.plan({ now: -1 })).rejects.toThrow(RangeError)
    }
    await using store = await open(directory)
    expect((await store.clean({ now })).deleted.map(({ topic }) => topic)).toEqual([
      'older',
      'older',
      'older',
    ])
  })

  it('goes by what is stored with a topic before what the store was opened with, however it is open', async () => {
    const directory = await twoTopics()
    for (const readOnly of [true, false]) {
      await using store = await open(directory, {
        readOnly,
        config: { 'retention.ms': '1h', 'retention.bytes': '1' },
      })
      const { config } = store.log('older', 0)
      expect([config['retention.ms'], config['retention.bytes']]).toEqual([30 * DAY, 1])
    }
  })
})
