import { execFile } from 'node:child_process'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { statSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type AppendEvent,
  type CleanEvent,
  type DeleteEvent,
  type FlushEvent,
  openStore,
  type PoisonEvent,
  type RecoverEvent,
  type RollEvent,
  type SeglogEvents,
} from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { listen } from '../helpers/listen.ts'
import { openTempLog } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const PLACE = { topic: 'log', partition: 0 }

/** What a store tells of on every channel. */
async function everything(): Promise<void> {
  const fileSystem = new FaultFileSystem()
  const directory = temporaryDirectory()
  const store = await openStore(directory, { fileSystem, index: 'memory', cleanup: false })
  const { topic } = await store.createTopic('orders', { config: { 'retention.bytes': 0 } })
  await store.createTopic('gone')
  await topic.append('a')
  await topic.partitions[0]!.roll()
  await store.clean()
  await store.deleteTopic('gone')
  fileSystem.fail('syncData', { name: /\.log$/, code: 'EIO' })
  await expect(topic.append('b')).rejects.toMatchObject({ code: 'LOG_POISONED' })
  await store.close().catch(() => {}) // a poisoned log says so once more
}

describe('events that nobody listens to', () => {
  it('are not made: no channel is published to by anything that a store does', async () => {
    const names = ['append', 'flush', 'roll', 'recover', 'clean', 'delete', 'poison'] as const
    const spies = names.map((name) => vi.spyOn(channel(`seglog:${name}`), 'publish'))
    onTestFinished(() => void vi.restoreAllMocks())
    await everything()
    expect(spies.map((spy) => spy.mock.calls.length)).toEqual(names.map(() => 0))
    vi.restoreAllMocks()
    const heard = names.map((name) => listen(`seglog:${name}`)) // or the test would pass whatever happens
    await everything()
    for (const [slot, events] of heard.entries())
      expect([names[slot], events.length > 0]).toEqual([names[slot], true])
  })
})

describe('seglog:append', () => {
  it('tells of a run once, with its range, its bytes and the level it reached', async () => {
    const heard = listen<AppendEvent>('seglog:append')
    const log = await openTempLog()
    await Promise.all([
      log.append('a'),
      log.append(['b', 'c'], { durability: 'os' }),
      log.append('d', { durability: 'memory' }),
    ])
    await log.append('e', { durability: 'os' })
    const { directory } = log
    const event = {
      ...PLACE,
      directory,
      bytes: expect.any(Number) as number,
      ms: expect.any(Number) as number,
    }
    expect(heard).toEqual([
      { ...event, baseOffset: 0, lastOffset: 3, records: 4, durability: 'disk' },
      { ...event, baseOffset: 4, lastOffset: 4, records: 1, durability: 'os' },
    ])
    const bytes = heard.reduce((sum, run) => sum + run.bytes, 0)
    expect(bytes).toBe(statSync(log.segments()[0]!.path).size)
  })

  it('counts from the beginning of the write to the acknowledgement; the sync in it is told of by itself', async () => {
    const appends = listen<AppendEvent>('seglog:append')
    const flushes = listen<FlushEvent>('seglog:flush')
    const clock = new ManualClock()
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ clock, fileSystem, cleanup: false, index: 'memory' })
    const hold = fileSystem.hold('syncData', /\.log$/)
    const appending = log.append('a')
    await hold.reached
    await clock.advance(7)
    hold.release()
    await appending
    expect(appends).toMatchObject([{ lastOffset: 0, ms: 7 }])
    expect(flushes).toEqual([{ ...PLACE, directory: log.directory, durableOffset: 1, ms: 7 }])
  })

  it('comes when the records can be read, and a subscriber may append in it', async () => {
    const log = await openTempLog({ durability: 'os' })
    const seen: number[] = []
    let second: Promise<unknown> | undefined
    const hear = (message: unknown): void => {
      const { lastOffset } = message as AppendEvent
      seen.push(log.readableEndOffset - lastOffset)
      second ??= log.append('from a subscriber')
    }
    subscribe('seglog:append', hear)
    onTestFinished(() => void unsubscribe('seglog:append', hear))
    await log.append('a')
    await second
    expect(seen).toEqual([1, 1])
    expect(log.endOffset).toBe(2)
  })

  it('is silent about what was refused', async () => {
    const heard = listen<AppendEvent>('seglog:append')
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ fileSystem, durability: 'os' })
    await log.append('a')
    fileSystem.fail('write', { name: /\.log$/, code: 'ENOSPC', times: 2 })
    await expect(log.append('b')).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(heard.map(({ lastOffset }) => lastOffset)).toEqual([0])
  })
})

describe('seglog:flush', () => {
  it('tells of syncs there were, and of none where nothing was to be synced', async () => {
    const heard = listen<FlushEvent>('seglog:flush')
    const log = await openTempLog({ durability: 'os' })
    await log.append('a')
    await Promise.all([log.flush(), log.flush()])
    await log.flush()
    expect(heard.map(({ durableOffset }) => durableOffset)).toEqual([1])
  })
})

describe('seglog:roll, seglog:clean and seglog:delete', () => {
  it('tell what went where, and why', async () => {
    const rolls = listen<RollEvent>('seglog:roll')
    const cleans = listen<CleanEvent>('seglog:clean')
    const deletes = listen<DeleteEvent>('seglog:delete')
    const config = { 'internal.segment.bytes': 100, 'retention.bytes': 0, 'retention.ms': -1 }
    const log = await openTempLog({ config, cleanup: false })
    await log.append('x'.repeat(30))
    const [first] = log.segments()
    await log.append('y'.repeat(30))
    await log.roll()
    const { directory } = log
    const { path, sizeBytes } = first!
    expect(rolls).toEqual([
      { ...PLACE, directory, reason: 'segment.bytes', baseOffset: 1, path, sizeBytes },
      { ...PLACE, directory, reason: 'asked', baseOffset: 2, path: expect.any(String) as string, sizeBytes },
    ])
    const report = await log.clean()
    expect(cleans).toEqual([{ ...PLACE, directory, report: expect.any(Object) as object }])
    expect(cleans[0]!.report).toMatchObject({ deleted: report.deleted, bytesFreed: report.bytesFreed })
    expect(deletes).toEqual([
      {
        ...PLACE,
        kind: 'segments',
        directory,
        startOffset: 2,
        segments: [
          { baseOffset: 0, nextOffset: 1, sizeBytes },
          { baseOffset: 1, nextOffset: 2, sizeBytes },
        ],
      },
    ])
  })

  it('are silent where a clean has nothing to do', async () => {
    const heard = listen('seglog:clean', 'seglog:delete')
    const log = await openTempLog()
    await log.append('a')
    await log.clean()
    expect(heard).toEqual([])
  })

  it('tell of a topic that is deleted', async () => {
    const deletes = listen<DeleteEvent>('seglog:delete')
    const store = await openStore(temporaryDirectory())
    onTestFinished(() => store.close())
    const { topic } = await store.createTopic('orders', { partitions: 3 })
    await store.deleteTopic('orders')
    const { directory } = store
    expect(deletes).toEqual([{ kind: 'topic', topic: 'orders', topicId: topic.id, partitions: 3, directory }])
  })
})

describe('seglog:recover', () => {
  it('tells what opening found, of every log of a store, by its name', async () => {
    const directory = temporaryDirectory()
    const store = await openStore(directory)
    await store.createTopic('orders', { partitions: 2 })
    await store.topic('orders').append('a')
    await store.close()
    const heard = listen<RecoverEvent>('seglog:recover')
    const again = await openStore(directory)
    onTestFinished(() => again.close())
    expect(heard.map(({ topic, partition, recovery }) => [topic, partition, recovery.clean]).sort()).toEqual([
      ['orders', 0, true],
      ['orders', 1, true],
    ])
    expect(heard[0]!.recovery).toBe(again.log('orders', heard[0]!.partition).recovery)
  })
})

describe('seglog:poison', () => {
  it('tells why, once, after the appends have been refused', async () => {
    const heard = listen<PoisonEvent>('seglog:poison')
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ fileSystem })
    await log.append('a')
    fileSystem.fail('syncData', { name: /\.log$/, code: 'EIO' })
    const failing = [log.append('b'), log.append('c')]
    for (const result of await Promise.allSettled(failing)) expect(result.status).toBe('rejected')
    await expect(log.append('d')).rejects.toMatchObject({ code: 'LOG_POISONED' })
    expect(heard).toEqual([
      { ...PLACE, directory: log.directory, error: expect.any(Error) as Error, durableOffset: 1 },
    ])
    expect(heard[0]!.error).toMatchObject({ code: 'LOG_POISONED', cause: { code: 'EIO' } })
  })
})

describe('all channels', () => {
  it('say nothing of what is in records', async () => {
    const names: Record<keyof SeglogEvents, true> = {
      'seglog:append': true,
      'seglog:flush': true,
      'seglog:roll': true,
      'seglog:recover': true,
      'seglog:clean': true,
      'seglog:delete': true,
      'seglog:poison': true,
    }
    const heard = listen(...Object.keys(names))
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({
      fileSystem,
      config: { 'internal.segment.bytes': 200, 'retention.bytes': 0 },
    })
    for (let count = 0; count < 5; count++)
      await log.append({ key: 'hidden key', value: 'hidden value', headers: { hidden: 'header' } })
    await log.clean()
    fileSystem.fail('syncData', { name: /\.log$/, code: 'EIO' })
    await expect(log.append('hidden')).rejects.toThrow()
    expect(heard.length).toBeGreaterThan(10)
    const text = heard.map(
      (message) => JSON.stringify(message) + String((message as { error?: Error }).error),
    )
    expect(text.join('\n')).not.toContain('hidden')
  })

  it('hand what a subscriber throws to the process, and nothing of it to the log', async () => {
    const program = `
      import { subscribe } from 'node:diagnostics_channel'
      import { openLog } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
      let caught = 0
      process.on('uncaughtException', ({ message }) => { if (message === 'subscriber') caught++ })
      for (const what of ['append', 'flush', 'roll', 'recover', 'clean', 'delete'])
        subscribe('seglog:' + what, () => { throw new Error('subscriber') })
      const log = await openLog(process.argv[1], { cleanup: false, config: { 'retention.ms': 0 } })
      for (const value of ['a', 'b']) await log.append(value)
      await log.roll()
      await log.clean()
      await log.append('c')
      const { state, startOffset, endOffset, durableOffset } = log
      await log.close()
      console.log(JSON.stringify({ caught, state, startOffset, endOffset, durableOffset }))`
    const words = ['--input-type=module', '--eval', program, temporaryDirectory()]
    const { stdout } = await promisify(execFile)(process.execPath, words)
    const said = JSON.parse(stdout) as { caught: number }
    expect(said).toMatchObject({ state: 'open', startOffset: 2, endOffset: 3, durableOffset: 3 })
    expect(said.caught).toBeGreaterThanOrEqual(3 + 3 + 1 + 1 + 1 + 1)
  })
})
