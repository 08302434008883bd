/* Calls that fail half-way through a change: found by making every call of whole runs fail (test/crash), each by itself. */
import { describe, expect, it } from 'vitest'
import { isSeglogError, type Log, openLog } from '../../src/index.ts'
import { CrashFileSystem, FaultPlan } from '../../src/testing/index.ts'

async function begin() {
  const faults = new FaultPlan()
  const fileSystem = new CrashFileSystem({ faults })
  const config = { 'internal.segment.bytes': 200 }
  const open = (): Promise<Log> => openLog('/log', { fileSystem, config, cleanup: false, index: 'memory' })
  return { faults, fileSystem, open, log: await open() }
}

async function readOffsets(log: Log): Promise<number[]> {
  const offsets: number[] = []
  for await (const { offset } of log.read()) offsets.push(offset)
  return offsets
}

describe('a truncation that fails half-way', () => {
  it.each([
    ['where the copy is put in place', 'rename', 2],
    ['where the old segment is closed', 'close', 4],
    ['where the new one is', 'close', 5],
  ] as const)('%s leaves a log that shows what it says can be read', async (_, kind, skip) => {
    const { faults, log } = await begin()
    await log.append([{ value: 'a' }, { value: 'b' }, { value: 'c' }])
    faults.fail(kind, { code: 'EIO', skip })
    await expect(log.truncateTo(1)).rejects.toMatchObject({ code: 'LOG_POISONED' })
    expect([faults.firedCount, log.state, log.readableEndOffset]).toEqual([1, 'poisoned', 1])
    expect(await readOffsets(log)).toEqual([0])
  })
})

describe('a close that fails', () => {
  it('in a roll closes the segment all the same, and refuses nothing', async () => {
    const { faults, fileSystem, log } = await begin()
    await log.append('a'.padEnd(80))
    faults.fail('close', { code: 'EIO', name: /\.log$/ })
    expect(await log.append('b'.padEnd(80))).toMatchObject({ baseOffset: 1 }) // all of it is synced by then
    expect(faults.firedCount).toBe(1)
    await log.close()
    expect(fileSystem.held).toEqual([])
  })

  it('in opening is told as an error of ours', async () => {
    const { faults, open, log } = await begin()
    await log.close()
    faults.fail('close', { code: 'EIO' })
    const answer: unknown = await open().catch((error: unknown) => error)
    expect(faults.firedCount).toBe(1)
    expect(isSeglogError(answer)).toBe(true)
  })
})
