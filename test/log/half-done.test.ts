/* Calls that fail half-way through a change: found by making every call of whole runs fail (test/crash), each by itself. */
import { describe, expect, it } from 'vitest'
import { type Log, openLog } from '../../src/index.ts'
import { CrashFileSystem, FaultPlan } from '../../src/testing/index.ts'

async function begin() {
  const faults = new FaultPlan()
  const fileSystem = new CrashFileSystem({ faults })
  const config = { 'internal.segment.bytes': 200 }
  const open = (): Promise<Log> => openLog('/log', { fileSystem, config, cleanup: false, index: 'memory' })
  return { faults, log: await open() }
}

async function readOffsets(log: Log): Promise<number[]> {
  const offsets: number[] = []
  for await (const { offset } of log.read()) offsets.push(offset)
  return offsets
}

describe('a truncation that fails half-way', () => {
  it('where the copy is put in place leaves a log that shows what it says can be read', async () => {
    const { faults, log } = await begin()
    await log.append([{ value: 'a' }, { value: 'b' }, { value: 'c' }])
    faults.fail('rename', { code: 'EIO', skip: 2 })
    await expect(log.truncateTo(1)).rejects.toMatchObject({ code: 'LOG_POISONED' })
    expect([faults.firedCount, log.state, log.readableEndOffset]).toEqual([1, 'poisoned', 1])
    expect(await readOffsets(log)).toEqual([0])
    expect(log.getSync(0)?.value?.toString()).toBe('a')
    expect(await log.get(1)).toBeUndefined()
  })
})
