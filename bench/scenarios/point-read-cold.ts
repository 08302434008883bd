/*
 * What cold means here, for each subject alike:
 * - it is opened, in a process of its own, and has read no record; opening is not in the clock;
 * - then every byte of its files is taken out of the page cache, and found not to be there;
 * - then the clock starts, and each read is of a batch that none before it has touched, in random order.
 * What stays: names and inodes of the files, the pages of the index that SQLite has read for opening, and whatever the
 * disk, or the machine under a virtual one, keeps for itself, which nobody can empty from here.
 */
import { closeSync, cpSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { loadEngine } from '../support/engine.ts'
import { dropFromPageCache, whyPageCacheStays } from '../support/page-cache.ts'
import { createBatches, Noise } from '../support/payload.ts'
import { openUnsynced, segmentPaths } from '../support/segments.ts'
import { checkTally, RecordTally, type Tally } from '../support/tally.ts'
import { time } from '../support/timing.ts'
import { type Context, type Numbers, type Outcome, type Row, scenario } from '../scenario.ts'
import { writePositions } from './point-read.ts'

interface ColdParameters extends Record<string, number> {
  readonly valueBytes: number
  readonly recordsPerBatch: number
  readonly records: number
  readonly reads: number
}

const BATCH_COUNT = 8
const shape = { valueBytes: 100, recordsPerBatch: 100 }

/** Reads single records from the disk, each in a batch of its own, beside reading their bytes at known positions. */
export const pointReadCold = scenario<ColdParameters>({
  name: 'point-read-cold',
  isOnlyFull: true,
  title: 'Random reads of 100 B, 100 a batch, nothing in the page cache, each batch once',
  parameters: {
    full: { ...shape, records: 1_000_000, reads: 3000 },
    quick: { ...shape, records: 200_000, reads: 500 },
    smoke: { ...shape, records: 2000, reads: 10 },
  },
  missing: whyPageCacheStays,
  prepare: writeLogs,
  subjects: { get: readFromLog, getSync: readFromLogSync, bare: readFromFile },
  rows: [
    ...readRows('getSync', 'Cold random getSync'),
    ...readRows('get', 'Cold random get, awaited one after another'),
  ],
})

function readRows(subject: string, work: string): Row[] {
  const row = { unit: 'µs', subject, beside: { subject: 'bare' } } as const
  return [
    { ...row, work: `${work}, median`, metric: 'p50Microseconds' },
    { ...row, work: `${work}, 99th percentile`, metric: 'p99Microseconds' },
  ]
}

/** One log for each subject: none may find in memory what another has read. */
async function writeLogs({ prepared, parameters }: Context<ColdParameters>): Promise<Numbers> {
  const { records, recordsPerBatch } = parameters
  const directory = join(prepared, 'log')
  const batches = createBatches({ batchCount: BATCH_COUNT, ...parameters })
  const log = await openUnsynced(directory, {})
  for (let count = 0; count * recordsPerBatch < records; count++)
    await log.append(batches[count % BATCH_COUNT]!)
  await log.close()
  await writePositions(prepared, parameters)
  for (const subject of ['get', 'getSync', 'bare'])
    cpSync(directory, join(prepared, subject), { recursive: true })
  return {}
}

async function readFromLog(context: Context<ColdParameters>): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const directory = join(context.prepared, 'get')
  const log = await openLog(directory)
  const offsets = randomOffsets(context.parameters)
  const tally = new RecordTally()
  let slot = 0
  const work = async (): Promise<void> => tally.add((await log.get(offsets[slot++]!))!.value!)
  const metrics = await measure(work, { directory, isAsync: true, parameters: context.parameters })
  await log.close()
  return { metrics, checked: checkTally(tally.take(), expectedOf(offsets, context.parameters)) }
}

async function readFromLogSync(context: Context<ColdParameters>): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const directory = join(context.prepared, 'getSync')
  const log = await openLog(directory)
  const offsets = randomOffsets(context.parameters)
  const tally = new RecordTally()
  let slot = 0
  const work = (): void => tally.add(log.getSync(offsets[slot++]!)!.value!)
  const metrics = await measure(work, { directory, isAsync: false, parameters: context.parameters })
  await log.close()
  return { metrics, checked: checkTally(tally.take(), expectedOf(offsets, context.parameters)) }
}

async function readFromFile({ prepared, parameters }: Context<ColdParameters>): Promise<Outcome> {
  const directory = join(prepared, 'bare')
  const bytes = readFileSync(join(prepared, 'positions'))
  const positions = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  const descriptor = openSync(segmentPaths(directory)[0]!, 'r')
  const value = Buffer.allocUnsafeSlow(parameters.valueBytes)
  const offsets = randomOffsets(parameters)
  const tally = new RecordTally()
  let slot = 0
  const work = (): void => {
    readSync(descriptor, value, 0, value.length, positions[offsets[slot++]!]!)
    tally.add(value)
  }
  const metrics = await measure(work, { directory, isAsync: false, parameters })
  closeSync(descriptor)
  return { metrics, checked: checkTally(tally.take(), expectedOf(offsets, parameters)) }
}

/** Makes the files cold, and times so many reads. */
async function measure(
  work: () => unknown,
  how: { directory: string; isAsync: boolean; parameters: ColdParameters },
): Promise<Numbers> {
  dropFromPageCache(filesOf(how.directory))
  const plan = { iterations: how.parameters.reads, warmupIterations: 0, isAsync: how.isAsync }
  const { p50Ms, p99Ms } = await time(work, plan)
  return { p50Microseconds: p50Ms * 1000, p99Microseconds: p99Ms * 1000 }
}

/** All files but the one that SQLite shares between processes, which lies in memory as long as it is open. */
function filesOf(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('-shm'))
    .map(({ parentPath, name }) => join(parentPath, name))
}

/** An offset in each of so many different batches, in random order. */
function randomOffsets({ records, recordsPerBatch, reads }: ColdParameters): number[] {
  const noise = new Noise(19)
  const batches = Array.from({ length: records / recordsPerBatch }, (_, slot) => slot)
  if (reads > batches.length) throw new Error(`${reads} reads need as many batches`)
  return Array.from({ length: reads }, (_, slot) => {
    const other = slot + noise.below(batches.length - slot)
    const batch = batches[other]!
    batches[other] = batches[slot]!
    return batch * recordsPerBatch + noise.below(recordsPerBatch)
  })
}

function expectedOf(offsets: readonly number[], parameters: ColdParameters): Tally {
  const values = createBatches({ batchCount: BATCH_COUNT, ...parameters }).flat()
  const tally = new RecordTally()
  for (const offset of offsets) tally.add(values[offset % values.length]!)
  return tally.take()
}
