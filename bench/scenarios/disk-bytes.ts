import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
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

/** What a log takes on disk for each byte of payload, in its segments and in all. */
export const diskBytes = scenario<DiskParameters>({
  name: 'disk-bytes',
  title: 'Bytes on disk per payload byte',
  parameters: {
    full: { payloadMiB: 64 },
    quick: { payloadMiB: 16 },
    smoke: { payloadMiB: 1 },
  },
  subjects: {
    '100 B × 1000': (context) => writeAndWeigh(context, SHAPES['100 B × 1000']),
    '1 KiB × 100': (context) => writeAndWeigh(context, SHAPES['1 KiB × 100']),
  },
  rows: Object.entries(SHAPES).flatMap(([subject, { limit }]): Row[] => [
    {
      work: `Segment bytes per payload byte, ${subject} a batch`,
      unit: 'bytes/byte',
      subject,
      metric: 'segmentsPerPayload',
      // The goal has two decimals: what rounds to it meets it.
      goal: { kind: 'figure-max', limit: limit + 0.0049 },
    },
    {
      work: `the same with every other file of the log, ${subject} a batch`,
      unit: 'bytes/byte',
      subject,
      metric: 'allPerPayload',
    },
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

function allBytes(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}
