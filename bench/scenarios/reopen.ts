import { join } from 'node:path'
import { copyForOpening, copyOpenLog, fill, openAndCheck, type Shape } from '../support/reopening.ts'
import { openUnsynced, writeSegments } from '../support/segments.ts'
import { type Context, type Outcome, type Row, scenario } from '../scenario.ts'

interface CleanParameters extends Record<string, number> {
  readonly fewSegments: number
  readonly manySegments: number
  readonly recordsPerBatch: number
  readonly valueBytes: number
  /** Of the log with one large segment. */
  readonly largeMiB: number
}

const shape = { recordsPerBatch: 10, valueBytes: 100 }
const MIB = 1024 * 1024
/** Of the logs that are told by their size. */
export const largeShape = { recordsPerBatch: 64, valueBytes: 1024 }

/** The first opening in a fresh process, of logs that were closed in order. */
export const reopenClean = scenario<CleanParameters>({
  name: 'reopen-clean',
  title: 'Open after a clean close, first opening of the process',
  isCold: true,
  parameters: {
    full: { ...shape, fewSegments: 100, manySegments: 10_000, largeMiB: 128 },
    quick: { ...shape, fewSegments: 100, manySegments: 10_000, largeMiB: 64 },
    smoke: { ...shape, fewSegments: 3, manySegments: 20, largeMiB: 1 },
  },
  async prepare({ prepared, parameters }) {
    const { fewSegments, manySegments, largeMiB } = parameters
    const few = await writeSegments(join(prepared, 'few'), { ...parameters, segments: fewSegments })
    const many = await writeSegments(join(prepared, 'many'), { ...parameters, segments: manySegments })
    const large = await openUnsynced(join(prepared, 'large'), {})
    await fill(large, mebibytes(largeMiB))
    const largeEnd = large.endOffset
    await large.close()
    return { fewEnd: few.endOffset, manyEnd: many.endOffset, largeEnd }
  },
  subjects: {
    'few segments': (context) => openClean(context, 'few'),
    'many segments': (context) => openClean(context, 'many'),
    'one large segment': (context) => openClean(context, 'large'),
  },
  rows: [
    cleanRow('Open after a clean close, 100 small segments', 'few segments'),
    {
      ...cleanRow('Open after a clean close, one large segment (beside 100 small ones)', 'one large segment'),
      beside: { subject: 'few segments' },
    },
    {
      ...cleanRow('Open after a clean close, 10,000 segments (beside 100)', 'many segments'),
      beside: { subject: 'few segments' },
      goal: { kind: 'figure-max', limit: 150 },
    },
  ],
  growth: [
    {
      work: 'First opening after a clean close',
      by: 'the segments',
      unit: 'ms',
      metric: 'openMs',
      sizes: ({ fewSegments, manySegments }) => ({
        'few segments': fewSegments,
        'many segments': manySegments,
      }),
    },
  ],
})

interface KillParameters extends Record<string, number> {
  readonly shortMiB: number
  readonly longMiB: number
  /** Written, synced and rolled before the short tail. */
  readonly sealedMiB: number
}

/** Opening what a killed process leaves: everything past the recovery point is read and checked. */
export const reopenKilled = scenario<KillParameters>({
  name: 'reopen-killed',
  title: 'Open after a kill, first opening of the process',
  isCold: true,
  parameters: {
    full: { shortMiB: 8, longMiB: 32, sealedMiB: 128 },
    quick: { shortMiB: 8, longMiB: 32, sealedMiB: 64 },
    smoke: { shortMiB: 1, longMiB: 2, sealedMiB: 2 },
  },
  async prepare({ prepared, parameters }) {
    const { shortMiB, longMiB, sealedMiB } = parameters
    const shortEnd = await leaveOpen(prepared, 'short', { sealedMiB: 0, tailMiB: shortMiB })
    const longEnd = await leaveOpen(prepared, 'long', { sealedMiB: 0, tailMiB: longMiB })
    const behindEnd = await leaveOpen(prepared, 'behind', { sealedMiB, tailMiB: shortMiB })
    return { shortEnd, longEnd, behindEnd }
  },
  subjects: {
    'short tail': (context) => openKilled(context, 'short'),
    'long tail': (context) => openKilled(context, 'long'),
    'short tail behind more': (context) => openKilled(context, 'behind'),
  },
  rows: [
    killedRow('Open after a kill, 8 MiB past the recovery point', 'short tail'),
    {
      ...killedRow('the same, 32 MiB past it (beside 8 MiB)', 'long tail'),
      beside: { subject: 'short tail' },
    },
    {
      ...killedRow('the same, 8 MiB past it in a log many times as large', 'short tail behind more'),
      beside: { subject: 'short tail' },
    },
  ],
})

function cleanRow(work: string, subject: string): Row {
  return { work, unit: 'ms', subject, metric: 'openMs' }
}

function killedRow(work: string, subject: string): Row {
  return { work, unit: 'ms', subject, metric: 'openMs' }
}

/** Opens what was prepared, and closes it in order again. */
async function openClean(context: Context<CleanParameters>, which: string): Promise<Outcome> {
  const expected = which === 'large' ? largeShape : context.parameters
  const { recovery, ...outcome } = await open(context, { which, directory: context.prepared, expected })
  if (!recovery.clean) throw new Error('the log was not found as it was closed')
  return outcome
}

/** Opens a copy of what was prepared: recovery changes what it finds. */
async function openKilled(context: Context<KillParameters>, which: string): Promise<Outcome> {
  const { directory, prepared } = context
  copyForOpening(join(prepared, which), join(directory, which))
  const { recovery, ...outcome } = await open(context, { which, directory, expected: largeShape })
  if (recovery.clean || recovery.cut !== undefined)
    throw new Error('the log was not found as a kill leaves it')
  return { ...outcome, metrics: { ...outcome.metrics, scannedMiB: recovery.scannedBytes / MIB } }
}

async function open({ facts }: Context, log: { which: string; directory: string; expected: Shape }) {
  const { which, directory, expected } = log
  const opening = await openAndCheck(join(directory, which), { ...expected, records: facts[`${which}End`]! })
  const { openMs, recovery, checked } = opening
  return { metrics: { openMs }, checked, recovery }
}

/** Writes a log and copies its files while it is open: what SIGKILL would leave at that moment. */
export async function leaveOpen(
  prepared: string,
  name: string,
  size: { sealedMiB: number; tailMiB: number },
): Promise<number> {
  const directory = join(prepared, `${name}-open`)
  const log = await openUnsynced(directory, {})
  if (size.sealedMiB > 0) {
    await fill(log, mebibytes(size.sealedMiB))
    await log.roll()
  }
  await fill(log, mebibytes(size.tailMiB))
  copyOpenLog(directory, join(prepared, name))
  const { endOffset } = log
  await log.close()
  return endOffset
}

function mebibytes(count: number): Shape & { batches: number } {
  return { ...largeShape, batches: (count * MIB) / (largeShape.recordsPerBatch * largeShape.valueBytes) }
}
