import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { rivalPart, type RivalSubject, tallyRival } from '../rivals/subjects.ts'
import { loadEngine, tallyLog } from '../support/engine.ts'
import { watchLoop } from '../support/loop-watch.ts'
import { createBatches } from '../support/payload.ts'
import { sumSegmentBytes } from '../support/segments.ts'
import { checkTally, tallyOf } from '../support/tally.ts'
import { type Context, type Outcome, type Row, scenario } from '../scenario.ts'

interface DiskParameters extends Record<string, number> {
  readonly payloadMiB: number
}

const BATCH_COUNT = 4
const SHAPES = {
  '100 B × 1000': { valueBytes: 100, recordsPerBatch: 1000, limit: 1.1 },
  '1 KiB × 100': { valueBytes: 1024, recordsPerBatch: 100, limit: 1.01 },
} as const
const SHAPE_NAMES = ['100 B × 1000', '1 KiB × 100'] as const

const rivals = rivalPart<DiskParameters>({ level: 'os' }, writeAndWeighRival)

/** What a log takes on disk for each byte of payload, in its segments and in all. */
export const diskBytes = scenario<DiskParameters>({
  name: 'disk-bytes',
  isOnlyFull: true,
  title: 'Bytes on disk per payload byte',
  parameters: {
    full: { payloadMiB: 64 },
    quick: { payloadMiB: 4 },
    smoke: { payloadMiB: 1 },
  },
  subjects: {
    '100 B × 1000': (context) => writeAndWeigh(context, SHAPES['100 B × 1000']),
    '1 KiB × 100': (context) => writeAndWeigh(context, SHAPES['1 KiB × 100']),
    ...rivals.subjects,
  },
  libraries: rivals.libraries,
  leftOut: rivals.leftOut,
  rows: SHAPE_NAMES.flatMap((subject): Row[] => [
    {
      work: `Segment bytes per payload byte, ${subject} a batch`,
      unit: 'bytes/byte',
      subject,
      metric: 'segmentsPerPayload',
      // The goal has two decimals: what rounds to it meets it.
      goal: { kind: 'figure-max', limit: SHAPES[subject].limit + 0.0049 },
    },
    {
      work: `the same with every other file of the log, ${subject} a batch`,
      unit: 'bytes/byte',
      subject,
      metric: 'allPerPayload',
    },
    ...rivals.list.map(
      ({ name }): Row => ({
        work: `All files per payload byte, ${subject} a batch: ${name}`,
        unit: 'bytes/byte',
        subject: name,
        metric: metricOf(subject),
        beside: { subject, metric: 'allPerPayload' },
      }),
    ),
  ]),
})

async function writeAndWeigh(
  { directory, parameters }: Context<DiskParameters>,
  shape: { valueBytes: number; recordsPerBatch: number },
): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const path = join(directory, 'log')
  const batches = createBatches({ batchCount: BATCH_COUNT, ...shape })
  const log = await openLog(path, { durability: 'os' })
  const payloadBytes = shape.valueBytes * shape.recordsPerBatch
  const batchCount = Math.ceil((parameters.payloadMiB * 1024 * 1024) / payloadBytes)
  await watchLoop(async () => {
    for (let count = 0; count < batchCount; count++) await log.append(batches[count % BATCH_COUNT]!)
  })
  const checked = checkTally(await tallyLog(log), tallyOf(batches, batchCount * shape.recordsPerBatch))
  await log.close()
  const payload = batchCount * payloadBytes
  const metrics = {
    segmentsPerPayload: sumSegmentBytes(path) / payload,
    allPerPayload: allBytes(path) / payload,
  }
  return { metrics, checked }
}

/** A library's log of both shapes, one after the other, weighed when it is closed. */
async function writeAndWeighRival(
  { open }: RivalSubject,
  { directory, parameters }: Context<DiskParameters>,
): Promise<Outcome> {
  const metrics: Record<string, number> = {}
  let checked = { count: 0, hash: 0 }
  for (const name of SHAPE_NAMES) {
    const { valueBytes, recordsPerBatch } = SHAPES[name]
    const path = join(directory, metricOf(name))
    mkdirSync(path)
    const batches = createBatches({ batchCount: BATCH_COUNT, valueBytes, recordsPerBatch })
    const payloadBytes = valueBytes * recordsPerBatch
    const batchCount = Math.ceil((parameters.payloadMiB * 1024 * 1024) / payloadBytes)
    const log = await open(path)
    await watchLoop(async () => {
      for (let count = 0; count < batchCount; count++) await log.appendBatch(batches[count % BATCH_COUNT]!)
    })
    checked = checkTally(await tallyRival(log), tallyOf(batches, batchCount * recordsPerBatch))
    await log.close()
    metrics[metricOf(name)] = allBytes(path) / (batchCount * payloadBytes)
  }
  return { metrics, checked }
}

function metricOf(shape: string): string {
  return `allPerPayload-${shape.replaceAll(/[^\w]+/g, '-')}`
}

function allBytes(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}
