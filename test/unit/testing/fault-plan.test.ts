import { describe, expect, it } from 'vitest'
import { FaultPlan } from '../../../src/testing/index.ts'

const codes = (plan: FaultPlan, count: number): (string | undefined)[] =>
  Array.from({ length: count }, () => plan.check('write', '/log/a.log')?.code)

describe('a plan of faults', () => {
  it('fails nothing until it is told to', () => {
    expect(codes(new FaultPlan(), 2)).toEqual([undefined, undefined])
  })

  it('fails the next call, or so many after some, or all from then on', () => {
    const once = new FaultPlan()
    once.fail('write', { code: 'EIO' })
    expect(codes(once, 3)).toEqual(['EIO', undefined, undefined])
    const later = new FaultPlan()
    later.fail('write', { code: 'EIO', skip: 2, times: 2 })
    expect(codes(later, 5)).toEqual([undefined, undefined, 'EIO', 'EIO', undefined])
    const always = new FaultPlan()
    always.fail('write', { code: 'ENOSPC', times: Infinity })
    expect(codes(always, 100)).toEqual(Array.from({ length: 100 }, () => 'ENOSPC'))
    always.heal()
    expect([codes(always, 1), always.firedCount]).toEqual([[undefined], 100])
  })

  it('counts only the calls it is about: those of a kind, of some kinds, of a name', () => {
    const plan = new FaultPlan()
    plan.fail(['rename', 'remove'], { code: 'EIO', name: /^a/, skip: 1 })
    expect(plan.check('write', '/a')).toBeUndefined()
    expect(plan.check('rename', '/b')).toBeUndefined()
    expect(plan.check('rename', '/a')).toBeUndefined() // the one that is skipped
    expect(plan.check('remove', '/a1')).toMatchObject({ code: 'EIO', path: '/a1', shortBytes: 0 })
    plan.fail('any', { code: 'EMFILE', shortBytes: 7 })
    expect(plan.check('makeDirectory', '/x')).toMatchObject({ code: 'EMFILE', shortBytes: 7 })
  })

  it('counts a call for each rule that is about it, and fails it by the first', () => {
    const plan = new FaultPlan()
    plan.fail('write', { code: 'ENOSPC', skip: 2 })
    plan.fail('any', { code: 'EIO', skip: 3 })
    plan.fail('write', { code: 'EMFILE', skip: 2 })
    expect(codes(plan, 6)).toEqual([undefined, undefined, 'ENOSPC', 'EIO', 'EMFILE', undefined])
  })

  it('tells of each call that it makes fail, before it does', () => {
    const plan = new FaultPlan()
    const seen: number[] = []
    plan.fail('any', { code: 'EIO', times: 2, onFire: () => seen.push(plan.firedCount) })
    codes(plan, 3)
    expect(seen).toEqual([1, 2])
  })
})
