import * as fc from 'fast-check'
import type { RecordToEncode } from '../../../src/record/index.ts'

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.uint8Array({ minLength: 60, maxLength: 70 }),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
)

const field = fc.option(bytes, { freq: 4 })

/** Few names, so that they repeat; the empty one is one. */
const headerKey = fc.oneof(
  fc.constantFrom('', 'a', '__proto__'),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
)

/** Near one another, far apart, missing. */
export const timestamp = fc.oneof(
  fc.constant(-1),
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
  fc.maxSafeNat(),
)

/** What an append may hold. */
export const record = fc.record({
  key: field,
  value: field,
  headers: fc.array(fc.tuple(headerKey, field), { maxLength: 3 }),
  timestamp,
})

/** Records with rising offsets, with holes among them, as compaction leaves them. */
export const sparseRecords: fc.Arbitrary<(RecordToEncode & { offset: number })[]> = fc
  .tuple(
    fc.oneof(fc.nat(), fc.integer({ min: 2 ** 40, max: 2 ** 52 })),
    fc.array(fc.tuple(record, fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 100_000 }))), {
      maxLength: 12,
    }),
  )
  .map(([firstOffset, steps]) => {
    let offset = firstOffset
    return steps.map(([fields, step]) => ({ ...fields, offset: (offset += step) }))
  })
