import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSeglogError } from '../../../src/core/index.ts'
import {
  BATCH,
  checkBatch,
  checkClientBatch,
  encodeBatch,
  type LogRecord,
  locateRecords,
  validateRecords,
} from '../../../src/record/index.ts'
import { seed } from '../../helpers/seed.ts'
import { sparseRecords } from './arbitraries.ts'
import { compressed, decode, limits, resealed } from './batches.ts'

/** A batch that is wrong inside and right outside: overwritten here and there, with a length and a CRC to match. */
const hostileBatch = fc
  .tuple(
    sparseRecords,
    fc.constantFrom(0, 0, 1, 4),
    fc.array(fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 4 })), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([records, codecId, edits]) => {
    const damage = (copy: Buffer): void => {
      const first = codecId === 0 ? BATCH.attributes : BATCH.records
      for (const [where, bytes] of edits) {
        const at = first + (where % Math.max(1, copy.length - first))
        copy.set(bytes.subarray(0, copy.length - at), at)
      }
    }
    const batch = encodeBatch(records, {})
    // Half of the compressed ones are damaged inside, half outside.
    if (codecId === 0) return resealed(batch, damage)
    return edits.length % 2 === 0
      ? compressed(resealed(batch, damage), codecId)
      : resealed(compressed(batch, codecId), damage)
  })

/** What `action` gives; undefined when it fails with an error of ours. Any other error comes through. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (isSeglogError(error)) return undefined
    throw error
  }
}

function readAll(bytes: Buffer): LogRecord[] | undefined {
  if (checkBatch(bytes, 0, limits) !== undefined) return undefined
  return attempt(() => {
    const batch = decode(bytes)
    validateRecords(batch)
    return [...batch.rawRecords()]
  })
}

describe('a batch that is wrong inside its good CRC', () => {
  it('decodes to records that make sense, or fails with an error of ours', () => {
    const property = fc.property(hostileBatch, (bytes) => {
      const records = readAll(bytes)
      if (records === undefined) return
      const batch = decode(bytes)
      expect(records).toHaveLength(batch.recordCount)
      let previous = batch.baseOffset - 1
      for (const { offset } of records) {
        expect(offset).toBeGreaterThan(previous)
        expect(offset).toBeLessThanOrEqual(batch.lastOffset)
        previous = offset
      }
    })
    fc.assert(property, { seed, numRuns: 300 })
  })

  it('that decodes, decodes the same after it was encoded again', () => {
    const property = fc.property(hostileBatch, (bytes) => {
      const records = readAll(bytes)
      const again = records === undefined ? undefined : attemptEncode(records, bytes)
      if (again !== undefined) expect([...decode(again).rawRecords()]).toEqual(records)
    })
    fc.assert(property, { seed, numRuns: 300 })
  })

  it('gives point reads and clients an answer or an error of ours', () => {
    const property = fc.property(hostileBatch, (bytes) => {
      if (checkBatch(bytes, 0, limits) === undefined) attempt(() => locateRecords(bytes, 0))
      const taken = attempt(() => checkClientBatch(bytes, limits))
      if (taken !== undefined) expect([...taken]).toHaveLength(taken.lastOffset + 1)
    })
    fc.assert(property, { seed, numRuns: 300 })
  })
})

/** Encoding holds to rules for writers that a damaged header may break: those batches are left out. */
function attemptEncode(records: LogRecord[], bytes: Buffer): Buffer | undefined {
  try {
    return encodeBatch(records, decode(bytes))
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
