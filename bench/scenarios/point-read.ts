import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadEngine, loadLayer } from '../support/engine.ts'
import { createBatches, Noise } from '../support/payload.ts'
import { openUnsynced, segmentPaths } from '../support/segments.ts'
import { checkTally, RecordTally, type Tally } from '../support/tally.ts'
import { time } from '../support/timing.ts'
import { type Context, type Outcome, scenario } from '../scenario.ts'

interface PointParameters extends Record<string, number> {
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

/** Reads single records at random offsets of a log that is in memory, beside reading their bytes at known positions. */
export const pointRead = scenario<PointParameters>({
  name: 'point-read',
  title: 'Random getSync, warm: 1 M records of 100 B, 100 a batch',
  parameters: {
    full: { ...shape, records: 1e6, readsPerCall: 10_000, calls: 10, timeMs: 1000, warmupCalls: 20 },
    quick: { ...shape, records: 1e6, readsPerCall: 10_000, calls: 5, timeMs: 200, warmupCalls: 10 },
    smoke: { ...shape, records: 2000, readsPerCall: 100, calls: 1, timeMs: 0, warmupCalls: 1 },
  },
  prepare: writeLog,
  subjects: { seglog: readFromLog, bare: readFromFile },
  rows: [
    {
      work: 'Random getSync, warm: 1 M records of 100 B, 100 a batch',
      unit: 'reads/s',
      subject: 'seglog',
      metric: 'readsPerSecond',
      beside: { subject: 'bare' },
    },
  ],
})

async function writeLog({ prepared, parameters }: Context<PointParameters>) {
  const directory = join(prepared, 'log')
  const { records, recordsPerBatch } = parameters
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const log = await openUnsynced(directory, {})
  for (let count = 0; count * recordsPerBatch < records; count++)
    await log.append(batches[count % BATCH_COUNT]!)
  await log.close()
  await writePositions(prepared, parameters)
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

async function measure(parameters: PointParameters, read: (offset: number) => Uint8Array): Promise<Outcome> {
  const lists = randomOffsets(parameters)
  const expected = lists.map((offsets) => expectedOf(offsets, parameters))
  let call = 0
  let checked: Tally = { count: 0, hash: 0 }
  const work = (): void => {
    const slot = call++ % lists.length
    const tally = new RecordTally()
    for (const offset of lists[slot]!) tally.add(read(offset))
    checked = checkTally(tally.take(), expected[slot]!)
  }
  const { calls, timeMs, warmupCalls, readsPerCall } = parameters
  const plan = { iterations: calls, timeMs, warmupIterations: warmupCalls, isAsync: false }
  const timing = await time(work, plan)
  return { metrics: { readsPerSecond: timing.perSecond * readsPerCall }, checked }
}
