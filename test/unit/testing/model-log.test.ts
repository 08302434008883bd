import { describe, expect, it } from 'vitest'
import { type Log, openLog, type RecordInput } from '../../../src/index.ts'
import { CrashFileSystem, FaultPlan, ModelLog } from '../../../src/testing/index.ts'

async function begin(options: { faults?: FaultPlan } = {}) {
  const fileSystem = new CrashFileSystem(options)
  const open = (on = fileSystem) => openLog('/log', { fileSystem: on, cleanup: false })
  const log = await open()
  const model = new ModelLog({ step: () => fileSystem.step })
  return { fileSystem, model, log, open }
}

/** A log that is not what the model was told of. */
async function otherLog(...calls: readonly (readonly RecordInput[])[]): Promise<Log> {
  const { log } = await begin()
  for (const records of calls) await log.append(records)
  return log
}

describe('a model of a log', () => {
  it('has nothing to complain of where a log keeps its word, at every crash point', async () => {
    const { fileSystem, model, log, open } = await begin()
    await model.append(log, { value: 'a', key: 'k', headers: { h: 'x' } })
    await model.append(log, [{ value: null }, { value: Buffer.from('c') }], { durability: 'os' })
    await model.flush(log)
    await model.roll(log)
    await model.updateConfig(log, 'retention.ms', '100000')
    await model.truncateTo(log, 2)
    await model.append(log, { value: 'd' }, { durability: 'memory' })
    await model.deleteRecordsBefore(log, 1)
    await model.clean(log)
    await model.close(log)
    expect(model.notes.at(-1)).toMatchObject({ kind: 'durable', offset: 3, step: fileSystem.step })
    for (const point of fileSystem.crashPoints()) {
      const { step } = point
      const killed = await open(point.kill())
      expect(await model.complaints(killed, { step, kind: 'kill' })).toEqual([])
      const left = await open(point.powerLoss({ bytes: 'torn', names: 'some' }))
      expect(await model.complaints(left, { step, kind: 'power loss' })).toEqual([])
    }
  })

  it.each<[string, readonly (readonly RecordInput[])[], RegExp]>([
    ['lost a record', [[{ value: 'a' }]], /ends at 1, and all below 3 was promised/],
    [
      'has one too many',
      [[{ value: 'a' }], [{ value: 'b' }, { value: 'c' }], [{ value: 'd' }]],
      /ends at 4, and 3 was never/,
    ],
    [
      'has another in its place',
      [[{ value: 'a' }], [{ value: 'b' }, { value: 'x' }]],
      /record at 2 is not the one/,
    ],
    [
      'lost a key',
      [[{ value: 'a' }], [{ value: 'b' }, { value: 'c', key: 'k' }]],
      /record at 2 is not the one/,
    ],
  ])('complains of a log that %s', async (_, calls, complaint) => {
    const { model, log } = await begin()
    await model.append(log, { value: 'a' })
    await model.append(log, [{ value: 'b' }, { value: 'c' }])
    const complaints = await model.complaints(await otherLog(...calls), { kind: 'power loss' })
    expect(complaints.join('\n')).toMatch(complaint)
  })

  it('complains of half a call', async () => {
    const { model, log } = await begin()
    await model.append(log, [{ value: 'a' }, { value: 'b' }], { durability: 'memory' })
    const half = await otherLog([{ value: 'a' }])
    expect(await model.complaints(half, { kind: 'power loss' })).toEqual(['the log ends at 1, inside a call'])
  })

  it('complains of a start that went back, or went further than anyone asked', async () => {
    const { model, log } = await begin()
    await model.append(log, [{ value: 'a' }, { value: 'b' }])
    await model.deleteRecordsBefore(log, 1)
    const same = await otherLog([{ value: 'a' }, { value: 'b' }])
    expect(await model.complaints(same, { kind: 'kill' })).toEqual([
      'the log starts at 0, and 1 was promised',
    ])
    await same.deleteRecordsBefore(2)
    expect(await model.complaints(same, { kind: 'kill' })).toEqual([
      'the log starts at 2, and nobody asked beyond 1',
    ])
  })

  it('of a log as it is promises all of it', async () => {
    const log = await otherLog([{ value: 'a' }, { value: 'b' }], [{ value: 'c' }])
    await log.deleteRecordsBefore(1)
    const model = await ModelLog.of(log)
    expect(model.promises({ kind: 'power loss' })).toMatchObject({ endMin: 3, startMin: 1 })
    expect(await model.complaints(log, { kind: 'power loss' })).toEqual([])
    expect(await model.complaints(await otherLog([{ value: 'a' }]), { kind: 'kill' })).not.toEqual([])
  })

  it('complains of a time that is not the one given, and of none that was not given', async () => {
    const { model, log } = await begin()
    await model.append(log, [{ value: 'a', timestamp: 5 }, { value: 'b' }])
    const same = await otherLog([
      { value: 'a', timestamp: 5 },
      { value: 'b', timestamp: 7 },
    ])
    expect(await model.complaints(same, { kind: 'kill' })).toEqual([])
    const other = await otherLog([{ value: 'a', timestamp: 6 }, { value: 'b' }])
    expect(await model.complaints(other, { kind: 'kill' })).toEqual([
      'the record at 0 is not the one that was appended',
    ])
  })

  it('is not begun in the middle of a log', async () => {
    const log = await otherLog([{ value: 'a' }])
    await expect(new ModelLog().append(log, { value: 'b' })).rejects.toThrow('begin with ModelLog.of(log)')
    const model = await ModelLog.of(log)
    await model.append(log, { value: 'b' })
    expect(model.promises({ kind: 'power loss' }).endMin).toBe(2)
  })

  it('holds a log to its records again once a truncation was refused, and to what opening has found', async () => {
    const faults = new FaultPlan()
    const { fileSystem, model, log, open } = await begin({ faults })
    await model.append(log, [{ value: 'a' }, { value: 'b' }])
    faults.fail('rename', { code: 'ENOSPC' })
    await expect(model.truncateTo(log, 1)).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect([log.state, model.promises({ kind: 'power loss' }).endMin]).toEqual(['open', 2])
    await model.append(log, { value: 'c' }, { durability: 'os' })
    const again = await open(fileSystem.kill())
    expect(model.promises({ kind: 'power loss' }).endMin).toBe(2)
    model.opened(again)
    expect(model.promises({ kind: 'power loss' }).endMin).toBe(3)
  })

  it('holds a log that refused a call to that, and one whose disk failed to nothing but what it had told', async () => {
    const faults = new FaultPlan()
    const { fileSystem, model, log, open } = await begin({ faults })
    await model.append(log, { value: 'a' })
    faults.fail('write', { code: 'ENOSPC', name: /\.log$/ })
    await expect(model.append(log, { value: 'refused' })).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(model.promises({ kind: 'kill' }).candidates).toHaveLength(1)
    faults.fail('syncData', { code: 'EIO', name: /\.log$/ })
    await expect(model.append(log, { value: 'unknown' })).rejects.toMatchObject({ code: 'LOG_POISONED' })
    await model.close(log)
    expect(model.promises({ kind: 'kill' })).toMatchObject({ endMin: 1, candidates: [{}, {}] })
    await expect(model.append(log, { value: 'never' })).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    const left = await open(fileSystem.kill())
    expect(await model.complaints(left, { kind: 'kill' })).toEqual([])
  })

  it('does not hold it to records told at memory that a full disk took, once flush has said so', async () => {
    const faults = new FaultPlan()
    const { model, log } = await begin({ faults })
    faults.fail('write', { code: 'ENOSPC', name: /\.log$/ })
    await model.append(log, { value: 'a' }, { durability: 'memory' })
    await expect(model.flush(log)).rejects.toMatchObject({ code: 'DISK_FULL', outcome: 'not-written' })
    await model.close(log)
    expect(model.promises({ kind: 'power loss' }).endMin).toBe(0)
  })
})
