import { once } from 'node:events'
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openLog } from '../../src/index.ts'
import { LogChild } from '../helpers/child-process.ts'
import { segmentName } from '../helpers/hand-made.ts'
import { appendNumbered, closedLog, fingerprint, quick } from '../helpers/log-files.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { openTempLog, readValues } from '../helpers/temp-log.ts'

const workerProgram = new URL('../helpers/log-child.ts', import.meta.url)

async function openInWorker(directory: string): Promise<{ worker: Worker; said: unknown }> {
  const worker = new Worker(workerProgram, { workerData: ['serve', directory, JSON.stringify(quick)] })
  onTestFinished(async () => void (await worker.terminate()))
  const [said] = (await once(worker, 'message')) as [unknown]
  return { worker, said }
}

const refusedBy = (pid: number) => ({ code: 'LOG_LOCKED', found: pid })

describe('a log that is open for writing', () => {
  it('is refused to a second handle at once, which says who has it', async () => {
    const log = await openTempLog(quick)
    const before = performance.now()
    await expect(openLog(log.directory, quick)).rejects.toMatchObject({
      ...refusedBy(process.pid),
      retriable: true,
    })
    expect(performance.now() - before).toBeLessThan(1000)
    await appendNumbered(log, 1)
  })

  it('is refused to a thread of this process and to another process, and neither disturbs it', async () => {
    const log = await openTempLog(quick)
    expect((await openInWorker(log.directory)).said).toMatchObject(refusedBy(process.pid))
    expect(await new LogChild('serve', log.directory, quick).next()).toMatchObject(refusedBy(process.pid))
    expect(await new LogChild('serve', log.directory, quick).next()).toMatchObject(refusedBy(process.pid))
    await appendNumbered(log, 1)
  })

  it('is free once it is closed, and the other way about', async () => {
    const log = await openTempLog(quick)
    await log.close()
    const child = new LogChild('serve', log.directory, quick)
    expect(await child.next()).toMatchObject({ opened: 0 })
    await expect(openLog(log.directory, quick)).rejects.toMatchObject(refusedBy(child.process.pid!))
    expect(await child.tell('append', 2)).toBe(2)
    expect(await child.tell('close')).toBeNull()
    const again = await openTempLog(quick, log.directory)
    expect(again).toMatchObject({ endOffset: 2, recovery: { clean: true } })
  })

  it('is free once its process was killed, or its thread ended', async () => {
    const directory = await closedLog(0)
    const child = new LogChild('serve', directory, quick)
    await child.next()
    await child.tell('append', 3)
    await child.kill()
    const { worker, said } = await openInWorker(directory)
    expect(said).toMatchObject({ opened: 3, recovery: { clean: false } })
    await expect(openLog(directory, quick)).rejects.toMatchObject(refusedBy(process.pid))
    await worker.terminate()
    expect((await openTempLog(quick, directory)).endOffset).toBe(3)
  })

  it('is free after an opening that failed', async () => {
    const directory = await closedLog(12)
    const damaged = join(directory, segmentName(9))
    const bytes = statSync(damaged).size
    writeFileSync(damaged, Buffer.alloc(bytes))
    for (let round = 0; round < 3; round++)
      await expect(openLog(directory, quick)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    expect(await new LogChild('serve', directory, quick).next()).toMatchObject({ code: 'LOG_CORRUPT' })
    rmSync(join(directory, 'recovery-point-offset-checkpoint'))
    expect((await openTempLog(quick, directory)).endOffset).toBe(9)
  })

  it('is free after an opening that failed while it was refused to another', async () => {
    const log = await openTempLog(quick)
    await Promise.allSettled(Array.from({ length: 5 }, () => openLog(log.directory, quick)))
    await expect(openLog(log.directory, quick)).rejects.toMatchObject({ code: 'LOG_LOCKED' })
    await log.close()
    await (await openLog(log.directory, quick)).close()
  })

  it('is got by exactly one of many that ask at the same time', async () => {
    const directory = await closedLog(3)
    const openings = await Promise.allSettled(Array.from({ length: 8 }, () => openLog(directory, quick)))
    const opened = openings.filter((result) => result.status === 'fulfilled')
    expect(opened).toHaveLength(1)
    for (const result of openings)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'LOG_LOCKED' })
    await opened[0]!.value.close()
  })
})

describe('reading only', () => {
  it('needs no lock and takes none', async () => {
    const log = await openTempLog(quick)
    await appendNumbered(log, 3)
    const readers = [
      await openTempLog({ readOnly: true }, log.directory),
      await openTempLog({ readOnly: true }, log.directory),
    ]
    for (const reader of readers) expect(await readValues(reader)).toHaveLength(3)
    await log.close()
    const writer = await openTempLog(quick, log.directory)
    expect(writer.state).toBe('open')
  })

  it('leaves the lock of a writer in this process alone', async () => {
    const log = await openTempLog(quick)
    await appendNumbered(log, 3)
    for (let round = 0; round < 3; round++) {
      const reader = await openLog(log.directory, { readOnly: true })
      await readValues(reader)
      await reader.close()
    }
    expect(await new LogChild('serve', log.directory, quick).next()).toMatchObject(refusedBy(process.pid))
  })

  it('writes nothing, whatever it is asked to do', async () => {
    const directory = await closedLog(30)
    const before = fingerprint(directory)
    const watermark = statSync(join(directory, 'watermark')).mtimeMs
    const log = await openTempLog({ readOnly: true }, directory)
    const changes = [
      log.append('x'),
      log.appendBatch(Buffer.alloc(100)),
      log.roll(),
      log.truncateTo(1),
      log.deleteRecordsBefore(1),
      log.clean(),
      log.updateConfig({ 'retention.ms': 1 }),
    ]
    for (const change of changes) await expect(change).rejects.toMatchObject({ code: 'LOG_READONLY' })
    await log.flush()
    await log.plan()
    expect(await log.offsetForTimestamp(1029)).toEqual({ offset: 29, timestamp: 1029 })
    await log.close()
    await expect(log.append('x')).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    expect(fingerprint(directory)).toEqual(before)
    expect(statSync(join(directory, 'watermark')).mtimeMs).toBe(watermark)
  })
})

describe('a log whose lock is taken away', () => {
  it('notices before it writes anything', async () => {
    const directory = await closedLog(2)
    const log = await openTempLog(quick, directory)
    rmSync(join(log.directory, '.lock')) // as a broker does that was stopping when we took it
    const child = new LogChild('serve', log.directory, quick)
    expect(await child.next()).toMatchObject({ opened: 2 })
    await expect(log.append('x')).rejects.toMatchObject({
      code: 'LOG_POISONED',
      cause: { code: 'LOG_LOCKED' },
    })
    expect(await child.tell('append', 1)).toBe(3)
    await log.close().catch(() => {})
    expect(existsSync(join(directory, 'FAILED'))).toBe(false)
    expect(await child.tell('close')).toBeNull()
  })

  it("notices at the next roll, and writes nothing into another one's log", async () => {
    const log = await openTempLog(quick)
    await appendNumbered(log, 2)
    rmSync(join(log.directory, '.lock')) // an operator who thinks it is stale
    const child = new LogChild('serve', log.directory, quick)
    expect(await child.next()).toMatchObject({ opened: 2 })
    await expect(log.roll()).rejects.toMatchObject({ code: 'LOG_POISONED', cause: { code: 'LOG_LOCKED' } })
    expect(log.state).toBe('poisoned')
    expect(await child.tell('append', 1)).toBe(3)
    await log.close()
  })

  it('notices when it is closed, and stores nothing over what the other one has stored', async () => {
    const log = await openTempLog({ ...quick, clock: new ManualClock() }) // or a sync in the background notices first
    await appendNumbered(log, 2)
    rmSync(join(log.directory, '.lock'))
    const child = new LogChild('serve', log.directory, quick)
    expect(await child.next()).toMatchObject({ opened: 2 })
    await expect(log.close()).rejects.toMatchObject({ code: 'LOG_POISONED', cause: { code: 'LOG_LOCKED' } })
    for (const name of ['.kafka_cleanshutdown', 'recovery-point-offset-checkpoint', 'FAILED'])
      expect([name, existsSync(join(log.directory, name))]).toEqual([name, false])
    expect(await child.tell('append', 1)).toBe(3)
  })
})
