import { join } from 'node:path'
import type { Log } from '../../src/index.ts'
import { BareDocumentFile } from '../support/bare-document-file.ts'
import { createDocuments, DocumentTally, encodeDocuments, tallyOfDocuments } from '../support/documents.ts'
import { loadEngine } from '../support/engine.ts'
import { checkTally, type Tally } from '../support/tally.ts'
import { time } from '../support/timing.ts'
import { type Context, type Outcome, scenario } from '../scenario.ts'

interface JsonParameters extends Record<string, number> {
  readonly recordsPerBatch: number
  readonly batchesPerCall: number
  readonly calls: number
  readonly warmupCalls: number
}

/** Different batches to write in turn. */
const BATCH_COUNT = 8
const TITLE = 'Append JSON documents with key and two headers, 100 a batch, level os, encoding in the clock'

/** Documents of about 300 bytes, made into JSON and bytes inside the clock, beside length-prefixing the same fields. */
export const appendJson = scenario<JsonParameters>({
  name: 'append-json',
  title: TITLE,
  parameters: {
    full: { recordsPerBatch: 100, batchesPerCall: 10, calls: 150, warmupCalls: 50 },
    quick: { recordsPerBatch: 100, batchesPerCall: 10, calls: 50, warmupCalls: 25 },
    smoke: { recordsPerBatch: 100, batchesPerCall: 1, calls: 2, warmupCalls: 1 },
  },
  subjects: { seglog: appendToLog, bare: appendToFile },
  rows: [
    {
      work: TITLE,
      unit: 'records/s',
      subject: 'seglog',
      metric: 'recordsPerSecond',
      beside: { subject: 'bare' },
    },
  ],
})

async function appendToLog({ directory, parameters }: Context<JsonParameters>): Promise<Outcome> {
  const { recordsPerBatch, batchesPerCall, calls, warmupCalls } = parameters
  const { openLog } = await loadEngine()
  const batches = createDocuments({ batchCount: BATCH_COUNT, recordsPerBatch })
  const log = await openLog(join(directory, 'log'), { durability: 'os' })
  let written = 0
  const work = async (): Promise<void> => {
    for (let slot = 0; slot < batchesPerCall; slot++)
      await log.append(encodeDocuments(batches[written++ % BATCH_COUNT]!))
  }
  const timing = await time(work, { iterations: calls, warmupIterations: warmupCalls, isAsync: true })
  const checked = checkTally(await tallyDocuments(log), tallyOfDocuments(batches, written))
  await log.close()
  return { metrics: { recordsPerSecond: timing.perSecond * batchesPerCall * recordsPerBatch }, checked }
}

async function tallyDocuments(log: Log): Promise<Tally> {
  const tally = new DocumentTally()
  for await (const batch of log.readBatches())
    for (const { key, value, headers } of batch)
      tally.add({ key: key!, value: value!, headers: headers.map(([name, bytes]) => [name, bytes!]) })
  return tally.take()
}

async function appendToFile({ directory, parameters }: Context<JsonParameters>): Promise<Outcome> {
  const { recordsPerBatch, batchesPerCall, calls, warmupCalls } = parameters
  const batches = createDocuments({ batchCount: BATCH_COUNT, recordsPerBatch })
  const file = new BareDocumentFile(join(directory, 'bare'))
  let written = 0
  const work = (): void => {
    for (let slot = 0; slot < batchesPerCall; slot++)
      file.append(encodeDocuments(batches[written++ % BATCH_COUNT]!))
  }
  const timing = await time(work, { iterations: calls, warmupIterations: warmupCalls, isAsync: false })
  const checked = checkTally(file.tally(), tallyOfDocuments(batches, written))
  file.close()
  return { metrics: { recordsPerSecond: timing.perSecond * batchesPerCall * recordsPerBatch }, checked }
}
