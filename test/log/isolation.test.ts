import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBatch, type Log, type ReadOptions } from '../../src/index.ts'
import {
  dataBatch,
  handMadeLog,
  type HandMadeSegment,
  marker,
  transactionalBatch,
} from '../helpers/hand-made.ts'
import { logReferences } from '../helpers/log-parts.ts'
import { seed } from '../helpers/seed.ts'
import { openTempLog, readAll } from '../helpers/temp-log.ts'

const [A, B] = [10, 20]

async function openHandMade(segments: readonly HandMadeSegment[]): Promise<Log> {
  return openTempLog({}, await handMadeLog(segments))
}

async function committed(log: Log, options: ReadOptions = {}): Promise<number[]> {
  const records = await readAll(log, { ...options, isolation: 'committed' })
  expect(logReferences(log)).toBe(0)
  return records.map(({ offset }) => offset)
}

describe('reading what is committed', () => {
  const segments = [
    [dataBatch(0, 2), transactionalBatch(2, 2, A), dataBatch(4, 1), marker(5, A, 'COMMIT')],
    [transactionalBatch(6, 2, A), transactionalBatch(8, 1, B)],
    [transactionalBatch(9, 1, A), marker(10, A, 'ABORT'), dataBatch(11, 1), marker(12, B, 'COMMIT')],
  ]

  it('gives what a consumer of Kafka gets with read_committed', async () => {
    const log = await openHandMade(segments)
    expect(await committed(log)).toEqual([0, 1, 2, 3, 4, 8, 11])
    expect(await committed(log, { from: 3, until: 9 })).toEqual([3, 4, 8])
    expect(await committed(log, { from: { last: 5 } })).toEqual([8, 11])
    expect(await committed(log, { from: { timestamp: 1007 } })).toEqual([8, 11])
    expect((await readAll(log)).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 6, 7, 8, 9, 11])
  })

  it('ends before the first open transaction, until it is decided', async () => {
    const open = [...segments, [transactionalBatch(13, 1, B), dataBatch(14, 1)]]
    expect(await committed(await openHandMade(open))).toEqual([0, 1, 2, 3, 4, 8, 11])
    const decided = [...open, [marker(15, B, 'COMMIT')]]
    expect(await committed(await openHandMade(decided))).toEqual([0, 1, 2, 3, 4, 8, 11, 13, 14])
  })

  it('passes over what is written without a transaction though its producer has an id', async () => {
    const idempotent = dataBatch(0, 2, { producerId: A, producerEpoch: 0, baseSequence: 0 })
    expect(await committed(await openHandMade([[idempotent, marker(2, A, 'ABORT')]]))).toEqual([0, 1])
  })

  it('says the same of any log as Kafka would (property)', async () => {
    const step = fc.record({
      kind: fc.constantFrom('data', 'plain', 'ABORT', 'COMMIT'),
      producer: fc.constantFrom(A, B, 30),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 8 }),
        async (steps, perSegment) => {
          const batches = steps.map(({ kind, producer }, offset) => {
            if (kind === 'plain') return dataBatch(offset, 1)
            return kind === 'data'
              ? transactionalBatch(offset, 1, producer)
              : marker(offset, producer, kind as 'ABORT')
          })
          const outcomes = steps.map(({ kind, producer }, offset) => {
            if (kind === 'plain') return 'COMMIT'
            if (kind !== 'data') return 'marker'
            return steps.find(
              (other, at) =>
                at > offset && other.producer === producer && ['ABORT', 'COMMIT'].includes(other.kind),
            )?.kind
          })
          const lastStable = outcomes.includes(undefined) ? outcomes.indexOf(undefined) : steps.length
          const expected = outcomes.flatMap((outcome, offset) =>
            outcome === 'COMMIT' && offset < lastStable ? [offset] : [],
          )
          const count = Math.ceil(batches.length / perSegment)
          const cut = Array.from({ length: count }, (_, slot) =>
            batches.slice(slot * perSegment, (slot + 1) * perSegment),
          )
          const log = await openHandMade(cut)
          expect(await committed(log, { maxBytes: 1 })).toEqual(expected)
          await log.close()
        },
      ),
      { seed, numRuns: 30 },
    )
  })
})

it('a follower waits at what a producer has begun here, and sees all else up to it', async () => {
  const log = await openTempLog({ durability: 'os' })
  await log.append(['a', 'b'])
  const now = Date.now()
  const begun = { producerId: A, producerEpoch: 0, baseSequence: 0, isTransactional: true }
  await log.appendBatch(encodeBatch([{ timestamp: now, value: 'begun' }], begun))
  await log.append('c')
  expect(await committed(log)).toEqual([0, 1])
  const iterator = log.read({ isolation: 'committed', follow: true })
  expect([(await iterator.next()).value?.offset, (await iterator.next()).value?.offset]).toEqual([0, 1])
  const next = iterator.next()
  await log.append('d')
  await log.close()
  await expect(next).rejects.toMatchObject({ code: 'LOG_CLOSED' })
})
