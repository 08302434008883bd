import { describe, expect, it } from 'vitest'
import type { LogNote } from '../../../src/testing/index.ts'
import { type CrashKind, promisesAt } from '../../../src/testing/log-history.ts'

const tried = (step: number, call: number, baseOffset: number, ...prints: string[]): LogNote => ({
  kind: 'tried',
  step,
  call,
  baseOffset,
  prints,
})
const told = (
  step: number,
  call: number,
  lastOffset: number,
  durability: 'memory' | 'os' | 'disk',
): LogNote => ({
  kind: 'acknowledged',
  step,
  call,
  lastOffset,
  durability,
})

function at(notes: readonly LogNote[], step: number, kind: CrashKind = 'power loss') {
  const { endMin, candidates, startMin, startMax } = promisesAt(notes, { step, kind })
  return { endMin, may: candidates.map(({ print }) => print).join(''), start: [startMin, startMax] }
}

describe('what a crash may leave', () => {
  it('is what was acknowledged at a level that survives it, and at most what was tried', () => {
    const notes = [tried(1, 0, 0, 'a'), told(2, 0, 0, 'disk'), tried(3, 1, 1, 'b'), told(4, 1, 1, 'os')]
    expect(at(notes, 0)).toMatchObject({ endMin: 0, may: '' })
    expect(at(notes, 1)).toMatchObject({ endMin: 0, may: 'a' })
    expect(at(notes, 3)).toMatchObject({ endMin: 1, may: 'ab' })
    expect(at(notes, 9)).toMatchObject({ endMin: 1, may: 'ab' })
    expect(at(notes, 9, 'kill')).toMatchObject({ endMin: 2, may: 'ab' })
    expect(at([...notes, told(5, 1, 1, 'memory')], 9)).toMatchObject({ endMin: 1 })
    expect(at([...notes, { kind: 'durable', step: 5, offset: 2 }], 9)).toMatchObject({ endMin: 2 })
  })

  it('is nothing of what was refused as not written, and perhaps what was refused with an unknown outcome', () => {
    const notes: LogNote[] = [tried(1, 0, 0, 'a'), tried(1, 1, 1, 'b', 'c')]
    expect(at([...notes, { kind: 'refused', step: 2, call: 1, isWritten: 'no' }], 3).may).toBe('a')
    expect(at([...notes, { kind: 'refused', step: 2, call: 1, isWritten: 'unknown' }], 3).may).toBe('abc')
    expect(at([...notes, { kind: 'refused', step: 2, call: 7, isWritten: 'no' }], 3).may).toBe('abc')
  })

  it('is what took an offset last, where it was given out twice', () => {
    expect(at([tried(1, 0, 0, 'a', 'b'), tried(2, 1, 1, 'c')], 3).may).toBe('ac')
  })

  it('during a truncation ends anywhere from where it cuts, and after it there', () => {
    const notes: LogNote[] = [
      tried(1, 0, 0, 'a', 'b', 'c'),
      told(2, 0, 2, 'disk'),
      { kind: 'truncating', step: 3, offset: 1 },
    ]
    expect(at(notes, 3)).toMatchObject({ endMin: 1, may: 'abc' })
    expect([...promisesAt(notes, { step: 3, kind: 'kill' }).cuts]).toEqual([1])
    expect(at([...notes, told(4, 0, 2, 'disk')], 5).endMin).toBe(1) // a late word of what is being cut
    const done: LogNote[] = [...notes, { kind: 'truncated', step: 5, offset: 1 }, tried(6, 1, 1, 'd')]
    expect(at(done, 5)).toMatchObject({ endMin: 1, may: 'a' })
    expect(at([...done, told(7, 1, 1, 'disk')], 8)).toMatchObject({ endMin: 2, may: 'ad' })
  })

  it('ends inside a call only while a truncation cuts there', () => {
    const notes: LogNote[] = [
      tried(1, 0, 0, 'a', 'b', 'c'),
      { kind: 'truncating', step: 2, offset: 1 },
      { kind: 'truncated', step: 3, offset: 1 },
    ]
    const cutsAt = (step: number) => [...promisesAt(notes, { step, kind: 'kill' }).cuts]
    expect([cutsAt(2), cutsAt(3)]).toEqual([[1], []])
  })

  it('is promised again once a truncation was refused, and what comes after it is promised too', () => {
    const notes: LogNote[] = [
      tried(1, 0, 0, 'a', 'b'),
      told(2, 0, 1, 'disk'),
      { kind: 'truncating', step: 3, offset: 0 },
      { kind: 'truncationRefused', step: 4 },
      tried(5, 1, 2, 'c'),
      told(6, 1, 2, 'disk'),
    ]
    expect([3, 4, 6].map((step) => at(notes, step).endMin)).toEqual([0, 2, 3])
  })

  it('is what was found by opening, which made it durable', () => {
    const notes: LogNote[] = [
      tried(1, 0, 0, 'a'),
      tried(1, 1, 1, 'b'),
      tried(1, 2, 2, 'c'),
      { kind: 'truncating', step: 2, offset: 0 }, // and the process ended in it
      { kind: 'opened', step: 3, startOffset: 1, endOffset: 2 },
    ]
    expect(at(notes, 3)).toEqual({ endMin: 2, may: 'ab', start: [1, 1] })
    expect(promisesAt(notes, { step: 3, kind: 'kill' }).cuts.size).toBe(0)
  })

  it('starts between where the start had moved for good and where it was asked to move', () => {
    const notes: LogNote[] = [
      { kind: 'startMoving', step: 1, offset: 5 },
      { kind: 'startMoved', step: 2, offset: 3 },
    ]
    expect(at(notes, 1).start).toEqual([0, 5])
    expect(at(notes, 2).start).toEqual([3, 5])
  })

  it('has a configuration from before an update or after it, and after it once that was acknowledged', () => {
    const notes: LogNote[] = [
      { kind: 'configuring', step: 1, call: 1, key: 'retention.ms', value: '5' },
      { kind: 'configured', step: 2, call: 1, key: 'retention.ms', value: '5' },
      { kind: 'configuring', step: 3, call: 2, key: 'retention.ms', value: undefined },
    ]
    const values = [1, 2, 3].map((step) =>
      promisesAt(notes, { step, kind: 'kill' }).config.get('retention.ms'),
    )
    expect(values).toEqual([[undefined, '5'], ['5'], ['5', undefined]])
    const reset: LogNote = { kind: 'configured', step: 4, call: 2, key: 'retention.ms', value: undefined }
    expect(promisesAt([...notes, reset], { step: 4, kind: 'kill' }).config.get('retention.ms')).toEqual([
      undefined,
    ])
  })

  it('may have a later update that was asked for before an earlier one was acknowledged', () => {
    const notes = ['1', '2', '3'].map(
      (value, call): LogNote => ({ kind: 'configuring', step: 1, call, key: 'segment.ms', value }),
    )
    notes.push({ kind: 'configured', step: 2, call: 1, key: 'segment.ms', value: '2' })
    expect(promisesAt(notes, { step: 2, kind: 'kill' }).config.get('segment.ms')).toEqual(['2', '3'])
  })
})
