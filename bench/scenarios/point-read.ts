import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RivalLog } from '../rivals/rival.ts'
import {
  batchesHeld,
  bestRow,
  logDirectory,
  planOf,
  RIVAL_PLAN,
  type RivalPlan,
  rivalPart,
  rivalRows,
  type RivalSubject,
  writeRivalLogs,
} from '../rivals/subjects.ts'
import { loadEngine, loadLayer } from '../support/engine.ts'
import { createBatches, Noise } from '../support/payload.ts'
import { openUnsynced, segmentPaths } from '../support/segments.ts'
import { checkTally, RecordTally, type Tally } from '../support/tally.ts'
import { time, type Timing, type TimingPlan } from '../support/timing.ts'
import { type Context, type Outcome, scenario } from '../scenario.ts'

interface PointParameters extends RivalPlan {
  readonly valueBytes: number
  readonly recordsPerBatch: number
  readonly records: number
  readonly readsPerCall: number
  readonly calls: number
  readonly timeMs: number
  readonly warmupCalls: number
}

const BATCH_COUNT = 8
const shape = { valueBytes: 100, recordsPerBatch: 100 }
const title = 'Random getSync, warm, of records of 100 B, 100 a batch'
const figure = { unit: 'reads/s', metric: 'readsPerSecond' } as const
const rivals = rivalPart<PointParameters>({ level: 'os', isReadByNumber: true }, readFromRival)

/** Reads single records at random offsets of a log that is in memory, beside reading their bytes at known positions. */
export const pointRead = scenario<PointParameters>({
  name: 'point-read',
  title,
  parameters: {
    full: {
      ...shape,
      ...RIVAL_PLAN.full,
      records: 1e6,
      readsPerCall: 10_000,
      calls: 10,
      timeMs: 1000,
      warmupCalls: 20,
    },
    quick: {
      ...shape,
      ...RIVAL_PLAN.quick,
      records: 150_000,
      readsPerCall: 10_000,
      calls: 5,
      timeMs: 100,
      warmupCalls: 10,
    },
    smoke: {
      ...shape,
      ...RIVAL_PLAN.smoke,
      records: 2000,
      readsPerCall: 100,
      calls: 1,
      timeMs: 0,
      warmupCalls: 1,
    },
  },
  prepare: writeLog,
  subjects: { seglog: readFromLog, bare: readFromFile, ...rivals.subjects },
  libraries: rivals.libraries,
  leftOut: rivals.leftOut,
  rows: [
    { ...figure, work: title, subject: 'seglog', beside: { subject: 'bare' } },
    bestRow(rivals, { ...figure, work: `${title}, beside the best library`, ratioMin: 1.2 }),
    ...rivalRows(rivals, { ...figure, work: title, beside: 'bare' }),
  ],
})

async function writeLog(context: Context<PointParameters>) {
  const { prepared, parameters } = context
  const directory = join(prepared, 'log')
  const { records, recordsPerBatch } = parameters
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const log = await openUnsynced(directory, {})
  for (let count = 0; count * recordsPerBatch < records; count++)
    await log.append(batches[count % BATCH_COUNT]!)
  await log.close()
  await writePositions(prepared, parameters)
  await writeRivalLogs(rivals, context, { batches, count: records / recordsPerBatch })
  return {}
}

/** Writes down where each value lies, for the baseline, which must not have to look for it. */
export async function writePositions(
  prepared: string,
  { records, valueBytes }: Pick<PointParameters, 'records' | 'valueBytes'>,
): Promise<void> {
  const { batchSizeAt, locateRecords } = await loadLayer('record/index.ts')
  const positions = new Float64Array(records)
  const bytes = readFileSync(segmentPaths(join(prepared, 'log'))[0]!)
  let slot = 0
  for (let at = 0; at < bytes.length; at += batchSizeAt(bytes, at)) {
    const { starts } = locateRecords(bytes, at)!
    // A value is followed by one byte, the count of headers.
    for (let record = 1; record < starts.length; record++)
      positions[slot++] = at + starts[record]! - 1 - valueBytes
  }
  if (slot !== records) throw new Error(`${slot} records were written`)
  writeFileSync(join(prepared, 'positions'), positions)
}

/** Offsets to read, the same for both: every one is as likely as the next. */
function randomOffsets({ records, readsPerCall }: PointParameters): Int32Array[] {
  const noise = new Noise(7)
  return Array.from({ length: 16 }, () =>
    Int32Array.from({ length: readsPerCall }, () => noise.below(records)),
  )
}

/** What the reads of one call must find. */
function expectedOf(offsets: Int32Array, parameters: PointParameters): Tally {
  const values = createBatches({ batchCount: BATCH_COUNT, ...parameters }).flat()
  const tally = new RecordTally()
  for (const offset of offsets) tally.add(values[offset % values.length]!)
  return tally.take()
}

async function readFromLog({ prepared, parameters }: Context<PointParameters>): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const log = await openLog(join(prepared, 'log'))
  for (let offset = 0; offset < parameters.records; offset += parameters.recordsPerBatch) log.getSync(offset)
  const outcome = await measure(parameters, (offset) => log.getSync(offset)!.value!)
  await log.close()
  return outcome
}

async function readFromFile({ prepared, parameters }: Context<PointParameters>): Promise<Outcome> {
  const positionBytes = readFileSync(join(prepared, 'positions'))
  const positions = new Float64Array(positionBytes.length / 8)
  Buffer.from(positions.buffer).set(positionBytes)
  const descriptor = openSync(segmentPaths(join(prepared, 'log'))[0]!, 'r')
  const value = Buffer.allocUnsafeSlow(parameters.valueBytes)
  const outcome = await measure(parameters, (offset) => {
    readSync(descriptor, value, 0, value.length, positions[offset]!)
    return value
  })
  closeSync(descriptor)
  return outcome
}

async function readFromRival(
  { name, rival, open }: RivalSubject,
  { prepared, parameters }: Context<PointParameters>,
): Promise<Outcome> {
  const { recordsPerBatch, readsPerCall } = parameters
  const records = batchesHeld(rival, parameters.records / recordsPerBatch) * recordsPerBatch
  const held = { ...parameters, records, readsPerCall: batchesHeld(rival, readsPerCall) }
  const log = await open(logDirectory(prepared, name))
  // Enough random reads to have all of it in the library's caches, as seglog's are when it is measured.
  const plan = { ...planOf(parameters), warmupIterations: parameters.warmupCalls }
  const isAsync = log.read!(0) instanceof Promise
  const outcome = isAsync ? await measureAwaited(held, log, plan) : await measure(held, readerOf(log), plan)
  await log.close()
  return outcome
}

function readerOf(log: RivalLog): (offset: number) => Uint8Array {
  return (offset) => log.read!(offset) as Uint8Array
}

async function measure(
  parameters: PointParameters,
  read: (offset: number) => Uint8Array,
  plan: TimingPlan = seglogPlan(parameters),
): Promise<Outcome> {
  const calls = new Calls(parameters)
  const work = (): void => {
    const { offsets, tally } = calls.next()
    for (const offset of offsets) tally.add(read(offset))
  }
  return calls.outcome(await time(work, { ...plan, isAsync: false }))
}

/** The same for a library whose reads are promises. */
async function measureAwaited(
  parameters: PointParameters,
  log: RivalLog,
  plan: TimingPlan,
): Promise<Outcome> {
  const calls = new Calls(parameters)
  const work = async (): Promise<void> => {
    const { offsets, tally } = calls.next()
    for (const offset of offsets) tally.add(await log.read!(offset))
  }
  return calls.outcome(await time(work, { ...plan, isAsync: true }))
}

function seglogPlan({ calls, timeMs, warmupCalls }: PointParameters): TimingPlan {
  return { iterations: calls, timeMs, warmupIterations: warmupCalls }
}

/** Which offsets each call reads; what it has found is checked before the next. */
class Calls {
  readonly #parameters: PointParameters
  readonly #lists: readonly Int32Array[]
  readonly #expected: readonly Tally[]
  #count = 0
  #tally: RecordTally | undefined
  #checked: Tally = { count: 0, hash: 0 }

  constructor(parameters: PointParameters) {
    this.#parameters = parameters
    this.#lists = randomOffsets(parameters)
    this.#expected = this.#lists.map((offsets) => expectedOf(offsets, parameters))
  }

  next(): { offsets: Int32Array; tally: RecordTally } {
    this.#check()
    const offsets = this.#lists[this.#count++ % this.#lists.length]!
    this.#tally = new RecordTally()
    return { offsets, tally: this.#tally }
  }

  outcome({ perSecond }: Timing): Outcome {
    this.#check()
    const readsPerSecond = perSecond * this.#parameters.readsPerCall
    return { metrics: { readsPerSecond }, checked: this.#checked }
  }

  #check(): void {
    if (this.#tally === undefined) return
    const expected = this.#expected[(this.#count - 1) % this.#lists.length]!
    this.#checked = checkTally(this.#tally.take(), expected)
  }
}
