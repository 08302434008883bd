import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadEngine } from '../support/engine.ts'
import { createBatches, Noise } from '../support/payload.ts'
import { openUnsynced } from '../support/segments.ts'
import { checkTally, type Tally } from '../support/tally.ts'
import { time } from '../support/timing.ts'
import { type Context, type Numbers, type Outcome, type Row, scenario } from '../scenario.ts'

interface LookupParameters extends Record<string, number> {
  readonly valueBytes: number
  readonly recordsPerBatch: number
  readonly records: number
  readonly lookupsPerCall: number
  readonly calls: number
  readonly warmupCalls: number
}

/** A record every 1 to this many ms. */
const GAP_MS_MAX = 20
const FIRST_MS = 1_767_225_600_000
const TIMESTAMP_BYTES = 8
const LIST_COUNT = 8
const shape = { valueBytes: 100, recordsPerBatch: 100 }
const TITLE = 'Look up the first offset at or after a random time, warm, 100 B × 100 a batch'

/**
 * `offsetForTimestamp` in a log whose records lie in the order of their times, beside two programs that keep every time
 * of every record, as the log does not: one in memory, one in a file of its own.
 */
export const timeLookup = scenario<LookupParameters>({
  name: 'time-lookup',
  isOnlyFull: true,
  title: TITLE,
  parameters: {
    full: { ...shape, records: 1_000_000, lookupsPerCall: 100, calls: 50, warmupCalls: 20 },
    quick: { ...shape, records: 200_000, lookupsPerCall: 50, calls: 20, warmupCalls: 10 },
    smoke: { ...shape, records: 2000, lookupsPerCall: 10, calls: 1, warmupCalls: 1 },
  },
  prepare: writeLog,
  subjects: { seglog: findInLog, 'bare in memory': findInMemory, 'bare in a file': findInFile },
  rows: [
    lookupRow(TITLE, 'bare in a file'),
    lookupRow('the same, beside a binary search in memory of a time for each record', 'bare in memory'),
  ],
})

function lookupRow(work: string, beside: string): Row {
  return { work, unit: 'µs', subject: 'seglog', metric: 'lookupMicroseconds', beside: { subject: beside } }
}

/** The time of every record, the same in every process. */
function createTimestamps(records: number): Float64Array {
  const noise = new Noise(13)
  const timestamps = new Float64Array(records)
  let timestamp = FIRST_MS
  for (let offset = 0; offset < records; offset++) {
    timestamp += 1 + noise.below(GAP_MS_MAX)
    timestamps[offset] = timestamp
  }
  return timestamps
}

async function writeLog({ prepared, parameters }: Context<LookupParameters>): Promise<Numbers> {
  const { records, recordsPerBatch } = parameters
  const timestamps = createTimestamps(records)
  const [values] = createBatches({ batchCount: 1, ...parameters })
  const log = await openUnsynced(join(prepared, 'log'), {})
  for (let offset = 0; offset < records; offset += recordsPerBatch)
    await log.append(values!.map((value, slot) => ({ value, timestamp: timestamps[offset + slot]! })))
  await log.close()
  writeFileSync(join(prepared, 'timestamps'), timestamps)
  return { firstMs: timestamps[0]!, lastMs: timestamps.at(-1)! }
}

async function findInLog(context: Context<LookupParameters>): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const log = await openLog(join(context.prepared, 'log'))
  const offsets = createTally()
  const outcome = await measure(context, {
    isAsync: true,
    async work(times) {
      for (const timestampMs of times) offsets.add((await log.offsetForTimestamp(timestampMs))!.offset)
      return offsets.take()
    },
  })
  await log.close()
  return outcome
}

async function findInMemory(context: Context<LookupParameters>): Promise<Outcome> {
  const timestamps = readTimestamps(context)
  const offsets = createTally()
  return measure(context, {
    isAsync: false,
    work(times) {
      for (const timestampMs of times)
        offsets.add(firstSlotAt(timestamps.length, timestampMs, (slot) => timestamps[slot]!))
      return offsets.take()
    },
  })
}

async function findInFile(context: Context<LookupParameters>): Promise<Outcome> {
  const descriptor = openSync(join(context.prepared, 'timestamps'), 'r')
  const timestamp = new Float64Array(1)
  const bytes = Buffer.from(timestamp.buffer)
  const offsets = createTally()
  const read = (slot: number): number => {
    readSync(descriptor, bytes, 0, TIMESTAMP_BYTES, slot * TIMESTAMP_BYTES)
    return timestamp[0]!
  }
  const outcome = await measure(context, {
    isAsync: false,
    work(times) {
      for (const timestampMs of times) offsets.add(firstSlotAt(context.parameters.records, timestampMs, read))
      return offsets.take()
    },
  })
  closeSync(descriptor)
  return outcome
}

function readTimestamps({ prepared }: Context<LookupParameters>): Float64Array {
  const bytes = readFileSync(join(prepared, 'timestamps'))
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

/** The first slot whose time is not before `timestampMs`, by halving. */
function firstSlotAt(count: number, timestampMs: number, timeOf: (slot: number) => number): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (timeOf(middle) < timestampMs) low = middle + 1
    else high = middle
  }
  return low
}

/** Counts and hashes offsets; starts anew with each `take`. */
function createTally() {
  let [count, hash] = [0, 0]
  return {
    add(offset: number): void {
      count++
      hash = (Math.imul(hash, 31) + offset) | 0
    },
    take(): Tally {
      const tally = { count, hash }
      count = 0
      hash = 0
      return tally
    },
  }
}

/** Times the look-ups of one list of times after another; each answer is checked by walking through all times. */
async function measure(
  { parameters, facts }: Context<LookupParameters>,
  subject: { isAsync: boolean; work: (times: readonly number[]) => Tally | Promise<Tally> },
): Promise<Outcome> {
  const { lookupsPerCall, calls, warmupCalls, records } = parameters
  const noise = new Noise(17)
  const first = facts['firstMs']!
  const spanMs = facts['lastMs']! - first
  const lists = Array.from({ length: LIST_COUNT }, () =>
    Array.from({ length: lookupsPerCall }, () => first + noise.below(spanMs)),
  )
  const expected = expectedOf(lists, createTimestamps(records))
  let call = 0
  let checked: Tally = { count: 0, hash: 0 }
  const check = (found: Tally, slot: number): void => {
    checked = checkTally(found, expected[slot]!)
  }
  const work = subject.isAsync
    ? async (): Promise<void> => {
        const slot = call++ % LIST_COUNT
        check(await subject.work(lists[slot]!), slot)
      }
    : (): void => {
        const slot = call++ % LIST_COUNT
        check(subject.work(lists[slot]!) as Tally, slot)
      }
  const plan = { iterations: calls, warmupIterations: warmupCalls, isAsync: subject.isAsync }
  const timing = await time(work, plan)
  return { metrics: { lookupMicroseconds: (timing.meanMs * 1000) / lookupsPerCall }, checked }
}

/** What each list must find, by going through the times in order once. */
function expectedOf(lists: readonly (readonly number[])[], timestamps: Float64Array): Tally[] {
  const sorted = [...new Set(lists.flat())].sort((a, b) => a - b)
  const offsets = new Map<number, number>()
  let offset = 0
  for (const timestampMs of sorted) {
    while (timestamps[offset]! < timestampMs) offset++
    offsets.set(timestampMs, offset)
  }
  return lists.map((times) => {
    const tally = createTally()
    for (const timestampMs of times) tally.add(offsets.get(timestampMs)!)
    return tally.take()
  })
}
