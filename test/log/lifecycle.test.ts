import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Log, LogOptions } from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { expectIndependentReaderAgrees, namesOf, openTempLog, readValues } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const open = (options: LogOptions = {}, directory = temporaryDirectory()) =>
  openTempLog({ cleanup: false, ...options }, directory)
const closed = { code: 'LOG_CLOSED' }
const hasMarker = (directory: string) => existsSync(join(directory, '.kafka_cleanshutdown'))

async function outcomes(calls: readonly Promise<unknown>[]): Promise<unknown[]> {
  const results = await Promise.allSettled(calls)
  return results.map((result) =>
    result.status === 'fulfilled' ? 'ok' : (result.reason as { code: unknown }).code,
  )
}

describe('close', () => {
  it('writes and syncs what was accepted, and settles it', async () => {
    const directory = temporaryDirectory()
    const log = await open({}, directory)
    const calls = [
      log.append('a', { durability: 'memory' }),
      log.append('b', { durability: 'os' }),
      log.append(['c', 'd']),
    ]
    const closing = log.close()
    expect(await outcomes([...calls, closing])).toEqual(['ok', 'ok', 'ok', 'ok'])
    expect([log.state, hasMarker(directory)]).toEqual(['closed', true])
    const again = await open({}, directory)
    expect([again.recovery.clean, again.recovery.scannedBytes]).toEqual([true, 0])
    expect(await readValues(again)).toEqual(['a', 'b', 'c', 'd'])
    await expectIndependentReaderAgrees(again)
  })

  it('gives the same promise however often it is called', async () => {
    const log = await open()
    const closing = log.close()
    expect(log.close()).toBe(closing)
    await closing
    expect(log.close()).toBe(closing)
    await log[Symbol.asyncDispose]()
  })

  it('is what await using does', async () => {
    const directory = temporaryDirectory()
    {
      await using log = await open({}, directory)
      await log.append('x')
    }
    expect(hasMarker(directory)).toBe(true)
    expect(await readValues(await open({}, directory))).toEqual(['x'])
  })

  it('refuses everything that comes behind it', async () => {
    const log = await open()
    await log.append(['a', 'b'])
    const closing = log.close()
    const calls = (): Promise<unknown>[] => [
      log.append('x'),
      log.appendBatch(Buffer.alloc(61)),
      log.flush(),
      log.roll(),
      log.clean(),
      log.plan(),
      log.truncateTo(1),
      log.deleteRecordsBefore(1),
      log.updateConfig({}),
      log.get(0),
      log.read().next(),
      log.readBatches().next(),
      log.offsetForTimestamp(0),
    ]
    expect(new Set(await outcomes(calls()))).toEqual(new Set(['LOG_CLOSED']))
    await closing
    expect(new Set(await outcomes(calls()))).toEqual(new Set(['LOG_CLOSED']))
    expect(() => log.getSync(0)).toThrow(expect.objectContaining(closed))
    expect(() => log.segments()).toThrow(expect.objectContaining(closed))
    expect(() => log.stats()).toThrow(expect.objectContaining(closed))
    await expect(log.append('x')).rejects.toMatchObject({ outcome: 'not-written' })
    expect([log.startOffset, log.endOffset, log.state]).toEqual([0, 2, 'closed'])
  })

  it('lets finish what was under way: appends, rolls, truncations, deletions, configuration', async () => {
    const directory = temporaryDirectory()
    const log = await open({ config: { 'internal.segment.bytes': 2000 } }, directory)
    await log.append(['0', '1', '2', '3'])
    const calls = [
      log.append('x'.repeat(1500)),
      log.roll(),
      log.append('y'.repeat(1500)),
      log.deleteRecordsBefore(1),
      log.updateConfig({ 'retention.bytes': 77 }),
      log.truncateTo(3),
      log.close(),
    ]
    expect(await outcomes(calls)).toEqual(calls.map(() => 'ok'))
    const again = await open({}, directory)
    expect([again.recovery.clean, again.startOffset, again.endOffset]).toEqual([true, 1, 3])
    expect([await readValues(again), again.config['retention.bytes']]).toEqual([['1', '2'], 77])
    await expectIndependentReaderAgrees(again)
  })

  it('ends readers, those that follow too', async () => {
    const log = await open()
    await log.append(['a', 'b'])
    const reader = log.read()
    const follower = log.read({ from: 'latest', follow: true })
    await reader.next()
    const waiting = follower.next()
    const closing = log.close()
    await expect(waiting).rejects.toMatchObject(closed)
    await closing
  })

  it('waits for a clean that is being planned, and gives the lock back only then', async () => {
    const fileSystem = new FaultFileSystem()
    const clock = new ManualClock()
    const directory = temporaryDirectory()
    const config = { 'internal.segment.bytes': 2000, 'retention.ms': 1000 }
    const first = await open({ clock, config }, directory)
    for (let count = 0; count < 4; count++) await first.append('x'.repeat(1500))
    await first.close()
    await clock.advance(10_000)
    const log = await open({ clock, config, fileSystem, index: 'sqlite' }, directory)
    const hold = fileSystem.hold('read', /\.log$/)
    const cleaning = log.clean()
    await hold.reached
    const closing = log.close()
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    await expect(open({ clock, config }, directory)).rejects.toMatchObject({ code: 'LOG_LOCKED' })
    hold.release()
    expect((await cleaning).deleted).toEqual([])
    await closing
    expect([namesOf(directory, '.log').length, hasMarker(directory)]).toEqual([4, true])
    const again = await open({ clock, config }, directory)
    expect([again.recovery.clean, again.startOffset]).toEqual([true, 0])
  })

  it('waits for a clean that has begun to delete', async () => {
    const fileSystem = new FaultFileSystem()
    const clock = new ManualClock()
    const directory = temporaryDirectory()
    const config = { 'internal.segment.bytes': 2000, 'retention.ms': 1000 }
    const log = await open({ clock, config, fileSystem, index: 'memory' }, directory)
    for (let count = 0; count < 4; count++) await log.append('x'.repeat(1500))
    await clock.advance(10_000)
    const hold = fileSystem.hold('rename', /\.deleted$/)
    const cleaning = log.clean()
    await hold.reached
    const closing = log.close()
    hold.release()
    expect((await cleaning).deleted).toHaveLength(4)
    await closing
    const again = await open({ clock, config }, directory)
    expect([
      again.recovery.clean,
      again.startOffset,
      again.endOffset,
      namesOf(directory, '.deleted'),
    ]).toEqual([true, 4, 4, []])
  })

  it('leaves no timer behind', async () => {
    const clock = new ManualClock()
    const log = await open({
      clock,
      cleanup: true,
      config: { 'internal.segment.bytes': 2000, 'retention.ms': 1000 },
    })
    for (let count = 0; count < 4; count++) await log.append('x'.repeat(1500), { durability: 'os' })
    await log.deleteRecordsBefore(2)
    await log.clean()
    expect(clock.timers.length).toBeGreaterThan(0)
    expect(clock.timers.every(({ keepAlive }) => !keepAlive)).toBe(true)
    await log.close()
    expect(clock.timers).toEqual([])
  })

  it('gives the lock back, so that the log can be opened again at once, many times', async () => {
    const directory = temporaryDirectory()
    for (let round = 0; round < 5; round++) {
      const log = await open({}, directory)
      await expect(open({}, directory)).rejects.toMatchObject({ code: 'LOG_LOCKED' })
      expect(await log.append(String(round))).toMatchObject({ baseOffset: round })
      await log.close()
    }
    expect(await readValues(await open({}, directory))).toEqual(['0', '1', '2', '3', '4'])
  })

  it('of a log in which nothing was written keeps the marker of the close before', async () => {
    const directory = temporaryDirectory()
    const log = await open({}, directory)
    await log.append('x')
    await log.close()
    for (let round = 0; round < 3; round++) {
      const again = await open({}, directory)
      expect(again.recovery.clean).toBe(true)
      expect(hasMarker(directory)).toBe(true)
      await again.close()
    }
  })
})

const fail = (): never => {
  throw new Error('the logger is broken')
}

describe('a logger that throws', () => {
  it('changes nothing', async () => {
    const logger = { debug: fail, info: fail, warn: fail, error: fail }
    const directory = temporaryDirectory()
    const log = await open({ logger, config: { 'internal.segment.bytes': 2000 } }, directory)
    for (let count = 0; count < 5; count++) await log.append('x'.repeat(1500))
    await log.truncateTo(3)
    await log.close()
    expect((await open({ logger }, directory)).endOffset).toBe(3)
  })
})

const timed = (last: string) => `
  const log = await openLog(directory)
  await log.append('x', { durability: 'os' })
  ${last}
  const began = performance.now()
  process.on('exit', () => console.log(performance.now() - began < 5000 ? 'at once' : 'late'))`

describe('a process', () => {
  const index = new URL('../../src/index.ts', import.meta.url).href

  /** Runs a program that has `openLog` and `directory`; gives its exit code and output, however it ends. */
  async function run(
    program: string,
    directory = temporaryDirectory(),
  ): Promise<{ code: unknown; output: string }> {
    const source = `import { openLog } from ${JSON.stringify(index)}\nconst directory = ${JSON.stringify(directory)}\n${program}`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const [code] = (await once(child, 'close')) as [unknown]
    return { code, output }
  }

  it('ends at once when a log with an idle scheduler was closed, and when it was left open', async () => {
    expect(await run(timed('await log.close()'))).toEqual({ code: 0, output: 'at once\n' })
    expect(await run(timed(''))).toEqual({ code: 0, output: 'at once\n' })
  })

  it('that ends by itself has written what was accepted', async () => {
    const directory = temporaryDirectory()
    const program = `
      const log = await openLog(directory)
      void log.append('a', { durability: 'memory' })
      void log.append('b').then(({ durability }) => console.log(durability))`
    expect(await run(program, directory)).toEqual({ code: 0, output: 'disk\n' })
    expect(await readValues(await open({}, directory))).toEqual(['a', 'b'])
  })

  it('that has nothing else to do than thousands of appends ends only when all are acknowledged', async () => {
    const directory = temporaryDirectory()
    // By this clock every turn of the event loop has lasted too long, so the writer gives way again and again.
    const program = `
      let elapsedMs = 0
      const clock = { now: Date.now, monotonic: () => (elapsedMs += 10), schedule: () => ({ cancel() {} }) }
      const log = await openLog(directory, { durability: 'os', cleanup: false, clock })
      let told = 0
      for (let count = 0; count < 25_000; count++)
        void log.append({ value: String(count).padEnd(1000), timestamp: Date.now() }).then(() => told++)
      process.on('exit', () => console.log(told))`
    expect(await run(program, directory)).toEqual({ code: 0, output: '25000\n' })
    const log = await open({}, directory)
    expect((await readValues(log)).map(Number)).toEqual(Array.from({ length: 25_000 }, (_, count) => count))
  })

  it('that is killed in the middle of appends loses none that was acknowledged', async () => {
    const directory = temporaryDirectory()
    const program = `
      const log = await openLog(directory, { durability: 'os', config: { 'internal.segment.bytes': 20_000 } })
      for (let count = 0; ; count++) {
        await log.append(String(count).padEnd(500))
        console.log(count)
        if (count === 200) process.kill(process.pid, 'SIGKILL')
      }`
    const { output } = await run(program, directory)
    const acknowledged = Number(output.trimEnd().split('\n').at(-1))
    expect(acknowledged).toBe(200)
    const log: Log = await open({}, directory)
    expect((await readValues(log)).slice(0, 201).map(Number)).toEqual(
      Array.from({ length: 201 }, (_, count) => count),
    )
    expect(log.recovery.clean).toBe(false)
    await expectIndependentReaderAgrees(log)
  })
})
