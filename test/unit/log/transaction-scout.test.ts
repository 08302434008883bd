import { FaultFileSystem } from '../../../src/testing/index.ts'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchReader } from '../../../src/log/batch-reader.ts'
import type { LogState } from '../../../src/log/log-state.ts'
import { type Outcome, TransactionScout } from '../../../src/log/transaction-scout.ts'
import {
  controlBatch,
  damageFile,
  dataBatch,
  flipped,
  marker,
  referencesOf,
  transactionalBatch,
  viewOf,
} from '../../helpers/hand-made.ts'
import { seed } from '../../helpers/seed.ts'
import { append, options } from './reader-harness.ts'

const [A, B, C] = [10, 20, 30]

/** Asks for the outcome of every transactional batch, in the order a reader meets them. */
async function outcomes(
  view: LogState,
  limits: { markersMax?: number } = {},
): Promise<{ outcomes: [number, Outcome][]; mostNoted: number }> {
  const found: [number, Outcome][] = []
  const reader = new BatchReader(view, { offset: view.startOffset, exact: true }, options)
  let scout: TransactionScout | undefined
  let mostNoted = 0
  for (let batch = await reader.nextAvailable(); batch !== undefined; batch = await reader.nextAvailable()) {
    if (!batch.isTransactional) continue
    scout ??= new TransactionScout(reader, limits)
    if (batch.isControl) scout.passed(batch)
    else found.push([batch.baseOffset, await scout.outcomeOf(batch)])
    mostNoted = Math.max(mostNoted, scout.notedCount)
  }
  scout?.close()
  reader.close()
  expect(referencesOf(view)).toBe(0)
  return { outcomes: found, mostNoted }
}

const mixed = [
  transactionalBatch(0, 2, A),
  transactionalBatch(2, 1, B),
  dataBatch(3, 2),
  transactionalBatch(5, 1, A),
  marker(6, B, 'ABORT'),
  transactionalBatch(7, 1, B),
  marker(8, A, 'COMMIT'),
  transactionalBatch(9, 1, A),
  marker(10, B, 'COMMIT'),
  marker(11, A, 'ABORT'),
  transactionalBatch(12, 1, C),
  transactionalBatch(13, 1, A),
]
const expected: [number, Outcome][] = [
  [0, 'committed'],
  [2, 'aborted'],
  [5, 'committed'],
  [7, 'committed'],
  [9, 'aborted'],
  [12, 'open'],
  [13, 'open'],
]

describe('outcomes', () => {
  it('are what the next marker of the same producer says', async () => {
    expect((await outcomes(viewOf([mixed]))).outcomes).toEqual(expected)
  })

  it('are the same over many segments', async () => {
    expect((await outcomes(viewOf(mixed.map((batch) => [batch])))).outcomes).toEqual(expected)
  })

  it.each([1, 2, 3])('are the same when only %i markers may be noted', async (markersMax) => {
    const result = await outcomes(viewOf([mixed]), { markersMax })
    expect(result.outcomes).toEqual(expected)
    expect(result.mostNoted).toBeLessThanOrEqual(markersMax)
  })

  it('do not depend on control records that are no ends of transactions', async () => {
    const key = Buffer.from([0, 0, 0, 2])
    const other = controlBatch([{ offset: 1, timestamp: 1, key, value: null }], { producerId: A })
    const view = viewOf([[transactionalBatch(0, 1, A), other, marker(2, A, 'COMMIT')]])
    expect((await outcomes(view)).outcomes).toEqual([[0, 'committed']])
  })

  it('are aborted for all that is open where a marker can not be read', async () => {
    const unreadable = controlBatch([{ offset: 2, timestamp: 1, key: 'x', value: null }], { producerId: A })
    const view = viewOf([
      [
        transactionalBatch(0, 1, A),
        transactionalBatch(1, 1, B),
        unreadable,
        marker(3, B, 'COMMIT'),
        marker(4, A, 'COMMIT'),
      ],
    ])
    expect((await outcomes(view)).outcomes).toEqual([
      [0, 'aborted'],
      [1, 'aborted'],
    ])
  })

  it('are aborted for all that is open at damage, and not for what comes behind it', async () => {
    const lost = dataBatch(3, 2)
    const batches = [
      transactionalBatch(0, 1, A),
      marker(1, A, 'COMMIT'),
      transactionalBatch(2, 1, B),
      lost,
      transactionalBatch(5, 1, B),
      marker(6, B, 'COMMIT'),
    ]
    for (const limits of [{}, { markersMax: 1 }]) {
      const view = viewOf([batches])
      const position = Buffer.concat(batches.slice(0, 3)).length
      damageFile(view.segments.last!.path, (bytes) => flipped(bytes, position + 70))
      const reader = new BatchReader(view, { offset: 0, exact: true }, { ...options, onDamage: () => {} })
      const scout = new TransactionScout(reader, limits)
      const found: Outcome[] = []
      for (
        let batch = await reader.nextAvailable();
        batch !== undefined;
        batch = await reader.nextAvailable()
      )
        if (batch.isTransactional && !batch.isControl) found.push(await scout.outcomeOf(batch))
      expect(found).toEqual(['committed', 'aborted', 'committed'])
      scout.close()
      reader.close()
    }
  })
})

describe('reading ahead', () => {
  it('goes no further than it must, and over each byte once', async () => {
    const fileSystem = new FaultFileSystem()
    const count = 2000
    const batches = Array.from({ length: count }, (_, slot) =>
      slot % 4 === 3 ? marker(slot, A, 'COMMIT') : transactionalBatch(slot, 1, A),
    )
    const view = viewOf([batches], { fileSystem })
    const result = await outcomes(view)
    expect(result.outcomes).toHaveLength((count / 4) * 3)
    expect(result.mostNoted).toBeLessThanOrEqual(1)
    const bytes = view.segments.last!.sizeBytes
    const chunks = bytes / (options.maxBytes / 2) + bytes / (512 * 1024)
    expect(fileSystem.count('read')).toBeLessThanOrEqual(Math.ceil(chunks * 1.1) + 4)
  })

  it('does not go over what the reader has passed without asking', async () => {
    const fileSystem = new FaultFileSystem()
    const plain = Array.from({ length: 3000 }, (_, slot) => dataBatch(2 + slot, 1, { valueBytes: 1000 }))
    const tail = [transactionalBatch(3002, 1, A), marker(3003, A, 'ABORT')]
    const view = viewOf([[transactionalBatch(0, 1, A), marker(1, A, 'COMMIT'), ...plain, ...tail]], {
      fileSystem,
    })
    const before = fileSystem.count('read')
    expect((await outcomes(view)).outcomes).toEqual([
      [0, 'committed'],
      [3002, 'aborted'],
    ])
    const once = view.segments.last!.sizeBytes / (options.maxBytes / 2)
    expect(fileSystem.count('read') - before).toBeLessThan(once * 1.5)
  })

  it('goes on where it was when more has come', async () => {
    const view = viewOf([[transactionalBatch(0, 1, A), dataBatch(1, 1)]])
    const reader = new BatchReader(view, { offset: 0, exact: true }, options)
    const batch = (await reader.nextAvailable())!
    const scout = new TransactionScout(reader)
    expect(await scout.outcomeOf(batch)).toBe('open')
    const waiting = scout.waitForChange()
    append(view, dataBatch(2, 1))
    view.setReadableEnd(3)
    await waiting
    expect(await scout.outcomeOf(batch)).toBe('open')
    append(view, marker(3, A, 'COMMIT'))
    view.setReadableEnd(4)
    await scout.waitForChange() // there is something to read: it does not wait
    expect(await scout.outcomeOf(batch)).toBe('committed')
    scout.close()
    reader.close()
    expect(referencesOf(view)).toBe(0)
  })

  it('waits, past what may be noted, where the search for the one marker is', async () => {
    const noise = [transactionalBatch(1, 1, B), marker(2, B, 'COMMIT'), marker(3, C, 'COMMIT')]
    const view = viewOf([[transactionalBatch(0, 1, A), ...noise]])
    const reader = new BatchReader(view, { offset: 0, exact: true }, options)
    const batch = (await reader.nextAvailable())!
    const scout = new TransactionScout(reader, { markersMax: 1 })
    expect(await scout.outcomeOf(batch)).toBe('open')
    let woken = false
    const waiting = scout.waitForChange().then(() => (woken = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(woken).toBe(false)
    append(view, marker(4, A, 'ABORT'))
    view.setReadableEnd(5)
    await waiting
    expect(await scout.outcomeOf(batch)).toBe('aborted')
    scout.close()
    reader.close()
    expect(referencesOf(view)).toBe(0)
  })
})

it('says of any log what a look at all of it says, whatever may be noted (property)', async () => {
  const step = fc.record({
    kind: fc.constantFrom('data', 'plain', 'ABORT', 'COMMIT'),
    producer: fc.constantFrom(A, B, C),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 10 }),
      async (steps, markersMax, perSegment) => {
        const batches = steps.map(({ kind, producer }, offset) =>
          kind === 'data'
            ? transactionalBatch(offset, 1, producer)
            : kind === 'plain'
              ? dataBatch(offset, 1)
              : marker(offset, producer, kind as 'ABORT'),
        )
        const model = steps.flatMap(({ kind, producer }, offset): [number, Outcome][] => {
          if (kind !== 'data') return []
          const end = steps.find(
            (other, at) => at > offset && other.producer === producer && /^[AC]/.test(other.kind),
          )
          return [[offset, end === undefined ? 'open' : end.kind === 'ABORT' ? 'aborted' : 'committed']]
        })
        const segments = Array.from({ length: Math.ceil(batches.length / perSegment) }, (_, slot) =>
          batches.slice(slot * perSegment, (slot + 1) * perSegment),
        )
        const view = viewOf(segments)
        expect((await outcomes(view)).outcomes).toEqual(model)
        expect((await outcomes(view, { markersMax })).outcomes).toEqual(model)
        view.files.closeAll()
      },
    ),
    { seed, numRuns: 60 },
  )
})
