/*
 * A log under random commands against a model of it that is a list in memory. After every command the two agree on what
 * there is; at the end every byte of the files is read once more by code that shares nothing with the log's.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Durability,
  encodeBatch,
  type Log,
  type LogOptions,
  openLog,
  type SegmentInfo,
} from '../../src/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { copyOf } from '../helpers/log-files.ts'
import { seed } from '../helpers/seed.ts'
import { expectIndependentReaderAgrees, readAll } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const NOW = Date.UTC(2026, 0, 1)
const LEVELS: readonly Durability[] = ['memory', 'os', 'disk']

interface ModelRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
}

/** What a record is made of, before the log gives it an offset and a time. */
interface Draft {
  readonly key: string | null
  readonly value: string | null
  /** Ms before now; undefined for the clock's time, null for none. */
  readonly ageMs: number | null | undefined
}

type Command =
  | {
      readonly kind: 'append'
      readonly calls: readonly { readonly records: readonly Draft[]; readonly level: number }[]
    }
  | { readonly kind: 'appendBatch'; readonly records: readonly Draft[] }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'clean' | 'roll' | 'flush' | 'reopen' | 'crash' }
  | { readonly kind: 'deleteRecordsBefore' | 'truncateTo' | 'read'; readonly at: number }
  | {
      readonly kind: 'updateConfig'
      readonly key: 'retention.ms' | 'retention.bytes' | 'internal.segment.bytes'
      readonly value: number | null
    }

const draft: fc.Arbitrary<Draft> = fc.record({
  key: fc.option(fc.string({ maxLength: 8 })),
  value: fc.option(
    fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.nat(600).map((length) => 'v'.repeat(length)),
    ),
  ),
  ageMs: fc.oneof(fc.constant(undefined), fc.constant(null), fc.nat(30_000)),
})
const drafts = fc.array(draft, { minLength: 1, maxLength: 6 })
const calls = fc.array(fc.record({ records: drafts, level: fc.nat(2) }), { minLength: 1, maxLength: 5 })
const place = fc.nat(1000)
const setting = fc.oneof(
  fc.record({ key: fc.constant('retention.ms' as const), value: fc.option(fc.nat(40_000)) }),
  fc.record({ key: fc.constant('retention.bytes' as const), value: fc.option(fc.nat(8_000)) }),
  fc.record({
    key: fc.constant('internal.segment.bytes' as const),
    value: fc.option(fc.integer({ min: 5_000, max: 9_000 })),
  }),
)
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('append' as const), calls }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('appendBatch' as const), records: drafts }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(20_000) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('clean' as const, 'roll' as const, 'flush' as const) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('reopen' as const, 'crash' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('deleteRecordsBefore' as const, 'truncateTo' as const),
      at: place,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), at: place }) },
  { weight: 1, arbitrary: setting.map((values) => ({ kind: 'updateConfig' as const, ...values })) },
)

/** The log and its model, which every command moves together. */
class Pair {
  readonly clock = new ManualClock({ wallMs: NOW, settleTurns: 1 })
  readonly #options: LogOptions
  log!: Log
  records: ModelRecord[] = []
  start = 0
  end = 0

  constructor(index: 'memory' | 'sqlite', preallocate: boolean) {
    this.#options = {
      cleanup: false,
      clock: this.clock,
      index,
      config: { 'log.retention.check.interval.ms': 60_000, preallocate },
    }
  }

  async open(directory: string): Promise<void> {
    this.log = await openLog(directory, this.#options)
  }

  async run(step: Command): Promise<void> {
    switch (step.kind) {
      case 'append': {
        const under = step.calls.map(({ records, level }) => this.#append(records, LEVELS[level]!))
        for (const check of under) await check()
        await this.log.flush() // what was only told at `memory` is readable from here on
        break
      }
      case 'appendBatch':
        await this.#appendBatch(step.records)
        break
      case 'pass':
        await this.clock.advance(step.ms)
        break
      case 'clean':
        await this.#clean()
        break
      case 'roll':
        await this.log.roll()
        break
      case 'flush':
        await this.log.flush()
        expect(this.log.durableOffset).toBe(this.end)
        break
      case 'reopen':
        await this.log.close()
        await this.open(this.log.directory)
        expect(this.log.recovery.clean).toBe(true)
        break
      case 'crash':
        await this.#crash()
        break
      case 'deleteRecordsBefore': {
        const offset = this.#offset(step.at)
        await this.log.deleteRecordsBefore(offset)
        this.#moveStart(Math.max(this.start, offset))
        break
      }
      case 'truncateTo':
        this.end = this.#offset(step.at)
        await this.log.truncateTo(this.end)
        this.records = this.records.filter(({ offset }) => offset < this.end)
        break
      case 'read':
        await this.#read(this.#offset(step.at), step.at)
        break
      case 'updateConfig':
        await this.log.updateConfig({ [step.key]: step.value })
        break
    }
    const { startOffset, endOffset, readableEndOffset, state } = this.log
    expect([startOffset, endOffset, readableEndOffset, state]).toEqual([
      this.start,
      this.end,
      this.end,
      'open',
    ])
  }

  /** Appends, does not wait, and gives back what will check the answer. */
  #append(records: readonly Draft[], durability: Durability): () => Promise<void> {
    const expected = this.#add(records)
    const call = this.log.append(
      records.map((record) => this.#input(record)),
      { durability, expectedOffset: expected[0]!.offset },
    )
    return async () => {
      const { baseOffset, lastOffset, timestamp, durability: reached } = await call
      expect([baseOffset, lastOffset]).toEqual([expected[0]!.offset, expected.at(-1)!.offset])
      expect(timestamp).toBe(Math.max(...expected.map((record) => record.timestamp)))
      expect(LEVELS.indexOf(reached)).toBeGreaterThanOrEqual(LEVELS.indexOf(durability))
    }
  }

  async #appendBatch(records: readonly Draft[]): Promise<void> {
    const batch = encodeBatch(
      records.map((record) => this.#input(record)),
      {},
    )
    const expected = this.#add(records)
    expect((await this.log.appendBatch(batch)).baseOffset).toBe(expected[0]!.offset)
  }

  #add(records: readonly Draft[]): ModelRecord[] {
    const added = records.map((record, slot) => {
      const { key, value, timestamp } = this.#input(record)
      return { offset: this.end + slot, timestamp, key, value }
    })
    this.records.push(...added)
    this.end += added.length
    return added
  }

  #input({ key, value, ageMs }: Draft): { key: string | null; value: string | null; timestamp: number } {
    return { key, value, timestamp: ageMs === null ? -1 : this.clock.now() - (ageMs ?? 0) }
  }

  async #clean(): Promise<void> {
    await this.log.plan() // a sealed segment's largest timestamp may not be known before
    const expected = expectedStart(this.log, { start: this.start, end: this.end, nowMs: this.clock.now() })
    const report = await this.log.clean()
    expect([report.failures, report.skipped, report.startOffset]).toEqual([[], [], expected])
    this.#moveStart(expected)
    const first = this.log.segments()[0]!
    expect(first.baseOffset).toBeLessThanOrEqual(this.start)
  }

  /** The directory as a process that is killed now leaves it, in another place. */
  async #crash(): Promise<void> {
    const copy = copyOf(this.log.directory)
    await this.log.close()
    await this.open(copy)
    const { cut, damage } = this.log.recovery
    expect([damage, cut?.kind ?? 'zeros']).toEqual([[], 'zeros'])
  }

  #moveStart(start: number): void {
    this.start = start
    this.records = this.records.filter(({ offset }) => offset >= start)
  }

  /** A place in the log, from its start to its end. */
  #offset(at: number): number {
    return this.start + (at % (this.end - this.start + 1))
  }

  async #read(from: number, salt: number): Promise<void> {
    const tail = this.records.filter(({ offset }) => offset >= from)
    const until = from + (salt % 7)
    expect((await readAll(this.log, { from, maxBytes: 4096 })).map(plain)).toEqual(tail)
    expect((await readAll(this.log, { from, until })).map(plain)).toEqual(
      tail.filter(({ offset }) => offset < until),
    )
    const last = salt % 5
    expect((await readAll(this.log, { from: { last } })).map(plain)).toEqual(
      last === 0 ? [] : this.records.slice(-last),
    )
    for await (const batch of this.log.readBatches({ from })) {
      expect(batch.lastOffset).toBeGreaterThanOrEqual(from)
      for (const record of batch)
        if (record.offset >= this.start)
          expect(plain(record)).toEqual(this.records[record.offset - this.start])
    }
    const one = await this.log.get(from)
    expect(one === undefined ? undefined : plain(one)).toEqual(tail[0])
    const sync = this.log.getSync(from)
    expect(sync === undefined ? undefined : plain(sync)).toEqual(tail[0])
    const moment = NOW - 30_000 + salt * 60
    const found = this.records.find(({ timestamp }) => timestamp >= moment)
    expect(await this.log.offsetForTimestamp(moment)).toEqual(
      found === undefined ? undefined : { offset: found.offset, timestamp: found.timestamp },
    )
    const since = found === undefined ? [] : this.records.filter(({ offset }) => offset >= found.offset)
    expect((await readAll(this.log, { from: { timestamp: moment } })).map(plain)).toEqual(since)
  }
}

function plain({
  offset,
  timestamp,
  key,
  value,
}: {
  offset: number
  timestamp: number
  key: Buffer | null
  value: Buffer | null
}): ModelRecord {
  return { offset, timestamp, key: key?.toString() ?? null, value: value?.toString() ?? null }
}

/** What a segment's age counts from. */
const timeOf = ({ maxTimestamp, appendedAt }: SegmentInfo): number =>
  maxTimestamp > 0 ? Math.min(maxTimestamp, appendedAt) : appendedAt

/** Where retention leaves the start, worked out from the segments once more: start offset, then bytes, then time. */
function expectedStart(
  log: Log,
  { start, end, nowMs }: { start: number; end: number; nowMs: number },
): number {
  const left = log.segments()
  let newStart = start
  const take = (rule: (segment: SegmentInfo, next: SegmentInfo | undefined) => boolean): void => {
    for (let segment = left[0]; segment !== undefined; segment = left[0]) {
      if (left.length === 1 && segment.sizeBytes === 0) return
      if (!rule(segment, left[1])) return
      left.shift()
      newStart = Math.max(newStart, left[0]?.baseOffset ?? end)
    }
  }
  take((_, next) => next !== undefined && next.baseOffset <= start)
  const { 'retention.bytes': bytes, 'retention.ms': ms } = log.config
  let surplus = left.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) - bytes
  if (bytes >= 0 && surplus >= 0) {
    take(({ sizeBytes }) => {
      surplus -= sizeBytes
      return surplus >= 0
    })
  }
  if (ms >= 0) take((segment) => nowMs - timeOf(segment) > ms)
  return newStart
}

describe('a log under random commands', () => {
  it.each(['memory', 'sqlite'] as const)(
    'agrees with a model of it on everything (index: %s)',
    async (index) => {
      const property = fc.asyncProperty(
        fc.array(command, { minLength: 1, maxLength: 25 }),
        fc.boolean(),
        async (commands, preallocate) => {
          const pair = new Pair(index, preallocate)
          await pair.open(temporaryDirectory())
          try {
            await pair.log.updateConfig({
              'internal.segment.bytes': 5_000,
              'retention.ms': 25_000,
              'index.interval.bytes': 200,
            })
            for (const step of commands) await pair.run(step)
            await pair.run({ kind: 'reopen' }) // so that there are no zeros behind the records
            expect((await readAll(pair.log)).map(plain)).toEqual(pair.records)
            await expectIndependentReaderAgrees(pair.log)
          } finally {
            await pair.log.close()
          }
        },
      )
      // A failure is to be told before the time of a test is over.
      await fc.assert(property, { seed, numRuns: 20, interruptAfterTimeLimit: 15_000 })
    },
  )
})
