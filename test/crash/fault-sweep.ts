/*
 * A run once for each call that can fail: that call fails, once or from then on for good, and the log has to do as it
 * says. Afterwards the process is killed, or the power goes, at the end and at moments after the failure, and what is
 * left has to keep every promise made before. I15: every call settles. I16: after a failed sync nothing is
 * acknowledged until the log is opened again, and readers get what is durable.
 */
import {
  type CrashFileSystem,
  type CrashPoint,
  describeOperation,
  type DiskOperation,
  type FaultKind,
  FaultPlan,
  SeededRandom,
} from '../../src/testing/index.ts'
import { findBroken, plantForeign } from './invariants.ts'
import { DIRECTORY, Stage, type Workload } from './workloads.ts'

/** Which calls fail, and how. */
export interface Sweep {
  readonly name: string
  readonly kinds: readonly FaultKind[]
  readonly code: string
  readonly times: number
  /** How much of a write gets through before it fails. */
  readonly shortBytes: number
}

const SYNCS: readonly FaultKind[] = ['syncData', 'syncDirectory']
const NAMES: readonly FaultKind[] = ['open', 'rename', 'remove', 'makeDirectory', 'overwrite']
const ROOM: readonly FaultKind[] = ['open', 'write', 'extend', 'overwrite', 'rename', 'makeDirectory']

/** Every sweep there is. */
export const SWEEPS: readonly Sweep[] = [
  { name: 'sync-eio-once', kinds: SYNCS, code: 'EIO', times: 1, shortBytes: 0 },
  { name: 'sync-eio-for-good', kinds: SYNCS, code: 'EIO', times: Infinity, shortBytes: 0 },
  { name: 'no-room-once', kinds: ROOM, code: 'ENOSPC', times: 1, shortBytes: 0 },
  { name: 'no-room-short-write', kinds: ['write', 'extend'], code: 'ENOSPC', times: 1, shortBytes: 70 },
  { name: 'no-room-for-good', kinds: ROOM, code: 'ENOSPC', times: Infinity, shortBytes: 100 },
  { name: 'write-eio', kinds: ['write', 'extend', 'truncate'], code: 'EIO', times: 1, shortBytes: 130 },
  { name: 'names-eio', kinds: NAMES, code: 'EIO', times: 1, shortBytes: 0 },
  { name: 'read-eio', kinds: ['read'], code: 'EIO', times: 1, shortBytes: 0 },
  { name: 'no-descriptors', kinds: ['open'], code: 'EMFILE', times: 3, shortBytes: 0 },
]

/** A call that was made to fail, as it is written in a message and given back to replay it. */
export interface FaultName {
  readonly workload: string
  readonly seed: number
  readonly sweep: string
  /** How many calls of the sweep's kinds went well before it. */
  readonly call: number
}

/** Writes a fault as `--replay` takes it: workload:seed:sweep:call. */
export function formatFaultName({ workload, seed, sweep, call }: FaultName): string {
  return [workload, seed, sweep, call].join(':')
}

/** Reads what `formatFaultName` wrote; undefined when it is no name of a fault. */
export function parseFaultName(text: string): FaultName | undefined {
  const [workload = '', seed, sweep = '', call, ...more] = text.split(':')
  if (more.length > 0 || !SWEEPS.some(({ name }) => name === sweep)) return undefined
  return { workload, seed: Number(seed), sweep, call: Number(call) }
}

/** What a sweep came to. */
export interface SweepResult {
  /** Runs, in each of which another call failed. */
  readonly runs: number
  readonly states: number
  readonly broken: readonly { readonly at: string; readonly complaints: readonly string[] }[]
}

/** Crash points visited in each run, besides its end. */
const POINTS_A_RUN = 3
const FAILED = `${DIRECTORY}/FAILED`

/** Runs `workload` with its n-th call failing, for every n; `stride` leaves some out. */
export async function sweepFaults(
  workload: Workload,
  sweep: Sweep,
  {
    seed,
    stride = 1,
    brokenMax = 5,
    only,
  }: { seed: number; stride?: number; brokenMax?: number /** Only this call. */; only?: number },
): Promise<SweepResult> {
  const broken: { at: string; complaints: readonly string[] }[] = []
  let runs = 0
  let states = 0
  for (let skip = only ?? seed % stride; broken.length < brokenMax; skip += stride) {
    if (only !== undefined && skip !== only) break
    const run = await runWithFault(workload, sweep, { seed, skip })
    if (run.stage.fileSystem.faults.firedCount === 0) break // there is no such call: all have been visited
    runs++
    const at = formatFaultName({ workload: workload.name, seed, sweep: sweep.name, call: skip })
    const complaints = [...checkSettled(run.stage), ...run.stage.broken]
    for (const { point, name, left } of crashesAfter(run)) {
      states++
      const { clock, config, model } = run.stage
      const kind = name === 'kill' ? 'kill' : 'power loss'
      const { operations } = run.stage.fileSystem
      // What a failed sync loses lies in the middle, whatever becomes of the rest.
      const isReordered = name === 'torn-some' || operations.slice(0, point.step).some(isFailedSync)
      const context = { config, clock, model, step: point.step, kind, isReordered } as const
      const found = await findBroken(left, context)
      if (found.length > 0)
        complaints.push(`${name} at step ${point.step}, ${operationName(point.operation)}:`, ...found)
    }
    if (complaints.length > 0) broken.push({ at, complaints })
  }
  return { runs, states, broken }
}

interface FaultyRun {
  readonly stage: Stage
  /** Steps before the call that failed. */
  readonly failedAt: number
}

async function runWithFault(
  workload: Workload,
  { kinds, code, times, shortBytes }: Sweep,
  { seed, skip }: { seed: number; skip: number },
): Promise<FaultyRun> {
  const faults = new FaultPlan()
  const stage = new Stage({ seed, config: workload.config, faults })
  await plantForeign(stage.fileSystem)
  let failedAt = Infinity
  faults.fail(kinds, {
    code,
    skip,
    times,
    shortBytes,
    onFire: () => {
      failedAt = Math.min(failedAt, stage.fileSystem.step)
    },
  })
  try {
    await workload.run(stage)
  } catch (error) {
    if (faults.firedCount === 0) throw error // it would not open: a failing disk may refuse that
  }
  return { stage, failedAt }
}

/** I15 and I16. */
function checkSettled({ fileSystem, model, pendingCount, openedAt }: Stage): string[] {
  const complaints: string[] = []
  if (pendingCount > 0) complaints.push(`I15: ${pendingCount} calls have not settled`)
  if (fileSystem.held.length > 0) complaints.push(`I17: still held at the end: ${fileSystem.held.join(' ')}`)
  for (const [step, operation] of fileSystem.operations.entries()) {
    if (!isFailedSync(operation)) continue
    const nextLife = openedAt.find((openedStep) => openedStep > step) ?? Infinity
    const late = model.notes.find(
      (note) => note.kind === 'acknowledged' && note.step > step && note.step < nextLife,
    )
    if (late !== undefined)
      complaints.push(`I16: acknowledged at step ${late.step}, after a sync failed at ${step}`)
  }
  return complaints
}

/** Any sync but that of the note which says that one has failed. */
function isFailedSync(operation: DiskOperation): boolean {
  const isSync = operation.kind === 'syncData' || operation.kind === 'syncDirectory'
  return isSync && operation.phase === 'failed' && operation.path !== FAILED
}

interface Crash {
  readonly point: CrashPoint<CrashFileSystem>
  readonly name: string
  readonly left: CrashFileSystem
}

/** A kill and power losses at the end of a run and at some moments after the failure. */
function* crashesAfter({ stage, failedAt }: FaultyRun): IterableIterator<Crash> {
  const { fileSystem, seed } = stage
  const random = new SeededRandom(seed + failedAt)
  const span = fileSystem.step - failedAt
  const steps = new Set([fileSystem.step])
  for (let count = 0; count < POINTS_A_RUN; count++) steps.add(failedAt + random.below(span + 1))
  for (const point of fileSystem.crashPoints({ from: failedAt })) {
    if (!steps.has(point.step)) continue
    // A process killed between a failed sync and its note of it can't be told from one that was merely killed.
    if (!isUnnoted(fileSystem, point.step)) yield { point, name: 'kill', left: point.kill() }
    yield { point, name: 'lost-lost', left: point.powerLoss({ bytes: 'lost', names: 'lost' }) }
    yield { point, name: 'torn-some', left: point.powerLoss({ bytes: 'torn', names: 'some' }) }
  }
}

function isUnnoted({ operations }: CrashFileSystem, step: number): boolean {
  const before = operations.slice(0, step)
  const failed = before.findLastIndex((operation) => isFailedSync(operation))
  return failed !== -1 && before.findLastIndex((operation) => isNote(operation)) < failed
}

function operationName(operation: DiskOperation | undefined): string {
  return operation === undefined ? 'before anything' : `after ${describeOperation(operation)}`
}

function isNote({ kind, path }: DiskOperation): boolean {
  return kind === 'create' && path === FAILED
}
