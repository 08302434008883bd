import { join } from 'node:path'
import { copyForOpening, copyOpenLog, fill, openAndCheck } from '../support/reopening.ts'
import { openUnsynced } from '../support/segments.ts'
import { type Context, type Outcome, type Row, scenario } from '../scenario.ts'

interface MillionParameters extends Record<string, number> {
  readonly records: number
  /** Of the log that has many, a batch each but for the last. */
  readonly segments: number
  /** Batches written after everything else was synced and its segment closed. */
  readonly tailBatches: number
  readonly recordsPerBatch: number
  readonly valueBytes: number
}

const MIB = 1024 * 1024
const shape = { recordsPerBatch: 100, valueBytes: 100 }

/**
 * Opening large logs, with code that earlier processes have compiled. After a kill the same bytes lie past the recovery
 * point in each of them: alone, behind one large segment, and behind many small ones.
 */
export const reopenMillion = scenario<MillionParameters>({
  name: 'reopen-million',
  isOnlyFull: true,
  title: 'Open a large log after a clean close and after a kill',
  parameters: {
    full: { ...shape, records: 1_000_000, segments: 10_000, tailBatches: 750 },
    quick: { ...shape, records: 200_000, segments: 1500, tailBatches: 500 },
    smoke: { ...shape, records: 1000, segments: 8, tailBatches: 2 },
  },
  async prepare(context) {
    const { records, recordsPerBatch, tailBatches } = context.parameters
    const batches = records / recordsPerBatch
    const clean = await openUnsynced(join(context.prepared, 'clean'), {})
    await fill(clean, { ...context.parameters, batches })
    await clean.close()
    const tailEnd = await leaveOpen(context, 'tail', { sealedBatches: 0 })
    const largeEnd = await leaveOpen(context, 'large', { sealedBatches: batches - tailBatches })
    const manyEnd = await leaveOpen(context, 'many', { sealedBatches: context.parameters.segments - 1 })
    return { cleanEnd: records, tailEnd, largeEnd, manyEnd }
  },
  subjects: {
    clean: openClean,
    'killed, tail alone': (context) => openKilled(context, 'tail'),
    'killed, large segment': (context) => openKilled(context, 'large'),
    'killed, many segments': (context) => openKilled(context, 'many'),
  },
  rows: [
    openRow('Open a large log after a clean close', 'clean'),
    openRow('Open after a kill a log that all lies past the recovery point', 'killed, tail alone'),
    {
      ...openRow('the same bytes past it, behind one large segment', 'killed, large segment'),
      beside: { subject: 'killed, tail alone' },
    },
    {
      ...openRow('the same bytes past it, behind many segments', 'killed, many segments'),
      beside: { subject: 'killed, tail alone' },
    },
  ],
})

function openRow(work: string, subject: string): Row {
  return { work, unit: 'ms', subject, metric: 'openMs' }
}

/** Writes a log whose recovery point is where its tail begins, and copies it while it is open. */
async function leaveOpen(
  { prepared, parameters }: Context<MillionParameters>,
  name: 'tail' | 'large' | 'many',
  { sealedBatches }: { sealedBatches: number },
): Promise<number> {
  const directory = join(prepared, `${name}-open`)
  const log = await openUnsynced(directory, {})
  if (name === 'many') await log.updateConfig({ 'internal.segment.bytes': batchRoom(parameters) })
  await fill(log, { ...parameters, batches: sealedBatches })
  if (sealedBatches > 0) await log.roll()
  await log.updateConfig({ 'internal.segment.bytes': null })
  await fill(log, { ...parameters, batches: parameters.tailBatches })
  const segments = name === 'many' ? parameters.segments : name === 'large' ? 2 : 1
  if (log.segments().length !== segments) throw new Error(`${log.segments().length} segments were made`)
  copyOpenLog(directory, join(prepared, name))
  const { endOffset } = log
  await log.close()
  return endOffset
}

/** Room for one batch, and none for two. */
function batchRoom({ recordsPerBatch, valueBytes }: MillionParameters): number {
  return 61 + recordsPerBatch * (valueBytes + 16)
}

async function openClean({ prepared, parameters, facts }: Context<MillionParameters>): Promise<Outcome> {
  const expected = { ...parameters, records: facts['cleanEnd']! }
  const { openMs, recovery, checked } = await openAndCheck(join(prepared, 'clean'), expected)
  if (!recovery.clean || recovery.scannedBytes > 0) throw new Error('the log was not found as it was closed')
  return { metrics: { openMs }, checked }
}

async function openKilled(
  { directory, prepared, parameters, facts }: Context<MillionParameters>,
  which: 'tail' | 'large' | 'many',
): Promise<Outcome> {
  const path = join(directory, 'log')
  copyForOpening(join(prepared, which), path)
  const expected = { ...parameters, records: facts[`${which}End`]! }
  const { openMs, recovery, checked } = await openAndCheck(path, expected)
  if (recovery.clean || recovery.cut !== undefined || recovery.scannedBatches !== parameters.tailBatches)
    throw new Error(`not as a kill leaves it: ${recovery.scannedBatches} batches were scanned`)
  return { metrics: { openMs, scannedMiB: recovery.scannedBytes / MIB }, checked }
}
