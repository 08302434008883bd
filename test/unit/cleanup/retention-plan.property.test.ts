import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CleanInput, type CleanRule, planClean } from '../../../src/cleanup/index.ts'
import { carryOut, log, NOW, type SegmentSketch } from './fixtures.ts'

const seed = Number(process.env['SEGLOG_SEED'] ?? Date.now() % 0x7fff_ffff)
const settings = { seed, numRuns: 1500 }

const time = fc.oneof(
  fc.integer({ min: NOW - 20, max: NOW + 20 }),
  fc.constantFrom(-1, 0, 1, NOW - 10, Number.MAX_SAFE_INTEGER),
)
const sketch: fc.Arbitrary<SegmentSketch> = fc.record({
  count: fc.integer({ min: 1, max: 4 }),
  bytes: fc.integer({ min: 0, max: 8 }),
  maxTimestamp: time,
  appendedAtMs: fc.integer({ min: NOW - 20, max: NOW + 3 }),
})
const limit = fc.integer({ min: -1, max: 20 })

const input: fc.Arbitrary<CleanInput> = fc
  .record({
    sealed: fc.array(sketch, { maxLength: 7 }),
    active: fc.oneof(sketch, fc.constant<SegmentSketch>({ count: 0 })),
    start: fc.nat(30),
    unreadable: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(30)),
    policy: fc.subarray<'delete' | 'compact'>(['delete', 'compact']),
    retentionMs: limit,
    retentionBytes: limit,
    firstWriteMs: fc.option(fc.integer({ min: NOW - 20, max: NOW }), { nil: undefined }),
    segmentMs: fc.integer({ min: 1, max: 20 }),
    timeBlocked: fc.constantFrom<'clock-jump' | null>(null, null, null, 'clock-jump'),
    otherBlock: fc.constantFrom(undefined, undefined, undefined, undefined, 'a reason'),
  })
  .map((made) => {
    const { firstWriteMs, policy, retentionMs, retentionBytes, segmentMs, timeBlocked, otherBlock } = made
    const active = firstWriteMs === undefined ? made.active : { ...made.active, firstWriteMs }
    const limits = { policy, retentionMs, retentionBytes, segmentMs }
    const full = log([...made.sealed, active], { limits, timeBlocked, otherBlock })
    const readableEndOffset = Math.max(0, full.endOffset - made.unreadable)
    return { ...full, readableEndOffset, startOffset: Math.min(made.start, readableEndOffset) }
  })

/**
 * The rules said another way: of all prefixes, each rule takes the longest of which every shorter one is right too,
 * where right is a closed statement about the prefix and not about one step.
 */
function oracle(given: CleanInput): (CleanRule | null)[] {
  const { segments, limits, nowMs, readableEndOffset } = given
  const ends = segments.map((_, slot) => segments[slot + 1]?.baseOffset ?? given.endOffset)
  const bytesFrom = (from: number) => segments.slice(from).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const mayGo = (length: number) =>
    ends.slice(0, length).every((end) => end <= readableEndOffset) &&
    !(length === segments.length && segments.at(-1)?.sizeBytes === 0)
  const longest = (from: number, isRight: (length: number) => boolean) => {
    const lengths = segments.map((_, slot) => slot + 1).filter((length) => length > from)
    const wrong = lengths.find((length) => !mayGo(length) || !isRight(length))
    return wrong === undefined ? segments.length : wrong - 1
  }
  if (given.otherBlock !== undefined) return segments.map(() => null)
  const deletes = limits.policy.includes('delete')
  const belowStart = longest(
    0,
    (length) => length < segments.length && ends[length - 1]! <= given.startOffset,
  )
  const bySize =
    deletes && limits.retentionBytes >= 0
      ? longest(belowStart, (length) => bytesFrom(length) >= limits.retentionBytes)
      : belowStart
  const isOld = ({ maxTimestamp, appendedAtMs }: CleanInput['segments'][0]) =>
    appendedAtMs < nowMs - limits.retentionMs ||
    (maxTimestamp > 0 && maxTimestamp < nowMs - limits.retentionMs)
  const byAge =
    deletes && limits.retentionMs >= 0 && given.timeBlocked === null
      ? longest(bySize, (length) => segments.slice(bySize, length).every(isOld))
      : bySize
  return segments.map((_, slot) => {
    if (slot < belowStart) return 'log-start-offset'
    if (slot < bySize) return 'retention.bytes'
    return slot < byAge ? 'retention.ms' : null
  })
}

describe(`any log (seed ${seed})`, () => {
  it('is planned as the rules said another way say', () => {
    fc.assert(
      fc.property(input, (given) => {
        expect(planClean(given).segments.map(({ rule }) => rule)).toEqual(oracle(given))
      }),
      settings,
    )
  })

  it('loses a prefix, and totals that fit it', () => {
    fc.assert(
      fc.property(input, (given) => {
        const plan = planClean(given)
        const actions = plan.segments.map(({ action }) => action)
        expect(actions.lastIndexOf('delete')).toBe(plan.deleteCount - 1)
        expect(actions.slice(0, plan.deleteCount)).not.toContain('keep')
        const gone = plan.segments.slice(0, plan.deleteCount)
        expect(plan.deleteBytes).toBe(gone.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
        expect(plan.newStartOffset).toBeGreaterThanOrEqual(plan.startOffset)
      }),
      settings,
    )
  })

  it('keeps retention.bytes when only size takes segments', () => {
    fc.assert(
      fc.property(input, (given) => {
        const limits = { ...given.limits, policy: ['delete'] as const, retentionMs: -1 }
        const plan = planClean({ ...given, limits, startOffset: 0 })
        if (limits.retentionBytes < 0) expect(plan.deleteCount).toBe(0)
        else if (plan.deleteCount > 0)
          expect(plan.sizeBytes - plan.deleteBytes).toBeGreaterThanOrEqual(limits.retentionBytes)
      }),
      settings,
    )
  })

  it('never loses a record at or above the acknowledged end, and its start never passes that end', () => {
    fc.assert(
      fc.property(input, (given) => {
        const plan = planClean(given)
        for (const segment of plan.segments.slice(0, plan.deleteCount)) {
          expect(segment.nextOffset).toBeLessThanOrEqual(given.readableEndOffset)
        }
        expect(plan.newStartOffset).toBeLessThanOrEqual(given.readableEndOffset)
      }),
      settings,
    )
  })

  it('has nothing left to delete once its plan has been carried out', () => {
    fc.assert(
      fc.property(input, (given) => {
        const first = planClean(given)
        const second = planClean(carryOut(given, first))
        // A roll by segment.ms gives the segment a successor, which the start offset rule asks for.
        const isFreed = first.roll === 'segment.ms' && given.startOffset === given.endOffset
        expect(second.deleteCount).toBe(isFreed ? first.segments.length - first.deleteCount : 0)
        expect(second.roll).toBeNull()
      }),
      settings,
    )
  })

  it('always keeps a last segment, after the roll it asks for', () => {
    fc.assert(
      fc.property(input, (given) => {
        const after = carryOut(given, planClean(given))
        expect(after.segments.at(-1)?.active).toBe(true)
        expect(after.segments.filter(({ active }) => active)).toHaveLength(1)
      }),
      settings,
    )
  })

  it('says a block only of what stays, and a reason of everything', () => {
    fc.assert(
      fc.property(input, (given) => {
        for (const segment of planClean(given).segments) {
          if (segment.action === 'delete') expect(segment.blockedBy).toBeNull()
          expect(segment.reason.startsWith('stays: ')).toBe(segment.action === 'keep')
          expect(segment.reason).not.toMatch(/NaN|undefined|Infinity/)
        }
      }),
      settings,
    )
  })

  it('loses a segment to age at its dueAt and not before, when age is all there is', () => {
    fc.assert(
      fc.property(input, (given) => {
        const limits = { ...given.limits, policy: ['delete'] as const, retentionBytes: -1 }
        const whole = { ...given, limits, startOffset: 0, readableEndOffset: given.endOffset }
        const free = { ...whole, otherBlock: undefined, timeBlocked: null }
        for (const [slot, { dueAt }] of planClean(free).segments.entries()) {
          if (dueAt === null) continue
          expect(planClean({ ...free, nowMs: dueAt }).deleteCount).toBeGreaterThan(slot)
          expect(planClean({ ...free, nowMs: dueAt - 1 }).deleteCount).toBeLessThanOrEqual(slot)
        }
      }),
      settings,
    )
  })
})
