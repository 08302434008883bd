import { join } from 'node:path'
import type { Log } from '../../src/index.ts'
import type { RivalLog } from '../rivals/rival.ts'
import {
  bestRow,
  planOf,
  RIVAL_PLAN,
  type RivalPlan,
  rivalPart,
  rivalRows,
  type RivalSubject,
} from '../rivals/subjects.ts'
import { BareDocumentFile } from '../support/bare-document-file.ts'
import {
  createDocuments,
  DocumentTally,
  encodeDocuments,
  encodeKeyedRecord,
  keyedRecordsOf,
  tallyOfDocuments,
} from '../support/documents.ts'
import { loadEngine } from '../support/engine.ts'
import { checkTally, type Tally } from '../support/tally.ts'
import { time } from '../support/timing.ts'
import { type Context, type Outcome, scenario } from '../scenario.ts'

interface JsonParameters extends RivalPlan {
  readonly recordsPerBatch: number
  readonly batchesPerCall: number
  readonly calls: number
  readonly warmupCalls: number
}

/** Different batches to write in turn. */
const BATCH_COUNT = 8
const TITLE = 'Append JSON documents with key and two headers, 100 a batch, level os, encoding in the clock'
const figure = { unit: 'records/s', metric: 'recordsPerSecond' } as const
const rivals = rivalPart<JsonParameters>({ level: 'os' }, appendToRival)

/**
 * Documents of about 300 bytes, made into JSON and bytes inside the clock, beside length-prefixing the same fields. A
 * library that only knows values has key and headers in its JSON, and makes that inside the clock too.
 */
export const appendJson = scenario<JsonParameters>({
  name: 'append-json',
  isOnlyFull: true,
  title: TITLE,
  parameters: {
    full: { ...RIVAL_PLAN.full, recordsPerBatch: 100, batchesPerCall: 10, calls: 200, warmupCalls: 150 },
    quick: { ...RIVAL_PLAN.quick, recordsPerBatch: 100, batchesPerCall: 10, calls: 50, warmupCalls: 25 },
    smoke: { ...RIVAL_PLAN.smoke, recordsPerBatch: 100, batchesPerCall: 1, calls: 2, warmupCalls: 1 },
  },
  subjects: { seglog: appendToLog, bare: appendToFile, ...rivals.subjects },
  libraries: rivals.libraries,
  leftOut: rivals.leftOut,
  rows: [
    { ...figure, work: TITLE, subject: 'seglog', beside: { subject: 'bare' } },
    bestRow(rivals, { ...figure, work: `${TITLE}, beside the best library` }),
    ...rivalRows(rivals, { ...figure, work: TITLE, beside: 'bare' }),
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

async function appendToRival(
  { open }: RivalSubject,
  { directory, parameters }: Context<JsonParameters>,
): Promise<Outcome> {
  const { recordsPerBatch, batchesPerCall } = parameters
  const batches = createDocuments({ batchCount: BATCH_COUNT, recordsPerBatch })
  const records = batches.map(keyedRecordsOf)
  const log = await open(directory)
  let written = 0
  const work = async (): Promise<void> => {
    for (let slot = 0; slot < batchesPerCall; slot++) {
      const done = log.appendKeyed(records[written++ % BATCH_COUNT]!)
      if (done !== undefined) await done
    }
  }
  const timing = await time(work, { ...planOf(parameters), isAsync: true })
  const checked = checkTally(await tallyKeyed(log), tallyOfDocuments(batches, written))
  await log.close()
  return { metrics: { recordsPerSecond: timing.perSecond * batchesPerCall * recordsPerBatch }, checked }
}

async function tallyKeyed(log: RivalLog): Promise<Tally> {
  const tally = new DocumentTally()
  await log.scanKeyed((record) => tally.add(encodeKeyedRecord(record)))
  return tally.take()
}
