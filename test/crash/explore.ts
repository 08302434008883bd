/*
 * Every crash point of a run, and at each one a kill and several power losses; and for some of them every crash point of
 * the recovery after it. States that are alike, down to what had been promised, are checked once.
 */
import { createHash, type Hash } from 'node:crypto'
import {
  type CrashFileSystem,
  type CrashPoint,
  describeOperation,
  type Fate,
  SeededRandom,
} from '../../src/testing/index.ts'
import { type CrashContext, findBroken, openLeft, plantForeign, segmentsOf } from './invariants.ts'
import { Stage, type Workload } from './workloads.ts'

/** A crash, as it is written in a message and given back to replay it. */
export interface CrashName {
  readonly workload: string
  readonly seed: number
  readonly step: number
  readonly fate: string
  /** A crash in the recovery from that crash. */
  readonly inRecovery: { readonly step: number; readonly fate: string } | undefined
}

/** Writes a crash as `--replay` takes it: workload:seed:step:fate, and the same of the crash in its recovery. */
export function formatCrashName({ workload, seed, step, fate, inRecovery }: CrashName): string {
  return [
    workload,
    seed,
    step,
    fate,
    ...(inRecovery === undefined ? [] : [inRecovery.step, inRecovery.fate]),
  ].join(':')
}

/** Reads what `formatCrashName` wrote. */
export function parseCrashName(text: string): CrashName {
  const [workload = '', seed, step, fate = '', thenStep, thenFate = ''] = text.split(':')
  const inRecovery = thenStep === undefined ? undefined : { step: Number(thenStep), fate: thenFate }
  return { workload, seed: Number(seed), step: Number(step), fate, inRecovery }
}

/** What exploring came to. */
export interface Exploration {
  readonly operations: number
  /** States that were built, and those of them that were new. */
  readonly states: number
  readonly distinct: number
  /** A short hash of each distinct one. */
  readonly hashes: readonly string[]
  /** Of the distinct ones, those in which the recovery had crashed, too. */
  readonly inRecovery: number
  readonly broken: readonly { readonly at: string; readonly complaints: readonly string[] }[]
}

/** How far to go. */
export interface ExploreLimits {
  /** Stop after so many distinct states. */
  readonly statesMax: number
  /** In how many of a hundred states the crash points of recovery are visited as well. */
  readonly recoveryPercent: number
  /** Stop after so many broken ones. */
  readonly brokenMax: number
  /** Every so many-th crash point only. */
  readonly pointStride?: number
  /** Only this crash. */
  readonly only?: CrashName
}

interface NamedFate {
  readonly name: string
  readonly fate: Fate | 'kill' | 'kill in write'
  readonly salt: number
}

const RANDOM_FATES = 4

const FATES: readonly NamedFate[] = [
  { name: 'kill', fate: 'kill', salt: 0 },
  { name: 'kill-in-write', fate: 'kill in write', salt: 0 },
  { name: 'lost-lost', fate: { bytes: 'lost', names: 'lost' }, salt: 0 },
  { name: 'lost-kept', fate: { bytes: 'lost', names: 'kept' }, salt: 0 },
  { name: 'kept-lost', fate: { bytes: 'kept', names: 'lost' }, salt: 0 },
  { name: 'kept-kept', fate: { bytes: 'kept', names: 'kept' }, salt: 0 },
  { name: 'zeros-kept', fate: { bytes: 'zeros', names: 'kept' }, salt: 0 },
  ...Array.from(
    { length: RANDOM_FATES },
    (_, salt): NamedFate => ({
      name: `torn-some.${salt}`,
      fate: { bytes: 'torn', names: 'some' },
      salt,
    }),
  ),
]
/** On a disk that has everything already all power losses are alike. */
const SYNCED_FATES = FATES.filter(({ name }) => /^(?:kill|kill-in-write|lost-lost)$/.test(name))
const RECOVERY_FATES = FATES.filter(({ name }) =>
  /^(?:kill|kill-in-write|lost-lost|zeros-kept|torn-some\.0)$/.test(name),
)

/** Runs a workload and visits its crash points. */
export async function explore(workload: Workload, seed: number, limits: ExploreLimits): Promise<Exploration> {
  const stage = new Stage({ seed, config: workload.config })
  await plantForeign(stage.fileSystem)
  const from = stage.fileSystem.step
  await workload.run(stage)
  const found = await new Explorer(workload, stage, limits).visit(from)
  if (stage.broken.length === 0) return found
  const at = formatCrashName({
    workload: workload.name,
    seed,
    step: stage.fileSystem.step,
    fate: 'kill',
    inRecovery: undefined,
  })
  return { ...found, broken: [{ at, complaints: ['in the run', ...stage.broken] }, ...found.broken] }
}

class Explorer {
  readonly #workload: Workload
  readonly #stage: Stage
  readonly #limits: ExploreLimits
  readonly #random: SeededRandom
  readonly #seen = new Set<string>()
  readonly #broken: { at: string; complaints: readonly string[] }[] = []
  #states = 0
  #inRecovery = 0

  constructor(workload: Workload, stage: Stage, limits: ExploreLimits) {
    this.#workload = workload
    this.#stage = stage
    this.#limits = limits
    this.#random = new SeededRandom(stage.seed)
  }

  async visit(from: number): Promise<Exploration> {
    const { fileSystem } = this.#stage
    const { pointStride = 1 } = this.#limits
    for (const point of fileSystem.crashPoints({ from })) {
      if (point.step % pointStride !== this.#stage.seed % pointStride) continue
      for (const named of point.isSynced ? SYNCED_FATES : FATES) {
        if (this.#isDone) break
        await this.#visitState(point, named)
      }
    }
    return {
      operations: fileSystem.step - from,
      states: this.#states,
      distinct: this.#seen.size,
      hashes: [...this.#seen],
      inRecovery: this.#inRecovery,
      broken: this.#broken,
    }
  }

  get #isDone(): boolean {
    const { statesMax, brokenMax } = this.#limits
    return this.#seen.size >= statesMax || this.#broken.length >= brokenMax
  }

  async #visitState(point: CrashPoint<CrashFileSystem>, named: NamedFate): Promise<void> {
    const { only, recoveryPercent } = this.#limits
    if (only !== undefined && (only.step !== point.step || only.fate !== named.name)) return
    const crash = this.#name(point, named)
    const context = this.#context(point, named)
    const left = survivor(point, named)
    if (left === undefined) return
    const goesOn =
      only === undefined ? this.#random.below(100) < recoveryPercent : only.inRecovery !== undefined
    const isNew = this.#isNew(left, context)
    if (!isNew && only === undefined) return
    if (only?.inRecovery === undefined)
      await this.#check(left, context, { crash, operation: point.operation })
    if (goesOn) await this.#visitRecovery(survivor(point, named)!, context, crash)
  }

  /** A crash at every step of recovery, seen as a crash of the run: it may take nothing more. */
  async #visitRecovery(left: CrashFileSystem, context: CrashContext, crash: CrashName): Promise<void> {
    const { only } = this.#limits
    const log = await openLeft(left, context).catch(() => undefined) // has been complained of by now
    if (log === undefined) return
    const recovered = segmentsOf(left)
    for (const point of left.crashPoints()) {
      for (const named of RECOVERY_FATES) {
        if (
          only?.inRecovery !== undefined &&
          (only.inRecovery.step !== point.step || only.inRecovery.fate !== named.name)
        )
          continue
        if (this.#isDone) break
        const again = survivor(point, named)
        if (again === undefined) continue
        const kind = isKill(named) && context.kind === 'kill' ? 'kill' : 'power loss'
        const isReordered = context.isReordered || isReordering(named)
        // After a kill a power loss may still take what the recovery before it had found.
        const isSame = context.kind === 'power loss' || kind === 'kill'
        const later = { ...context, kind, isReordered, recovered: isSame ? recovered : undefined } as const
        if (!this.#isNew(again, later) && only === undefined) continue
        this.#inRecovery++
        const inRecovery = { step: point.step, fate: named.name }
        await this.#check(again, later, { crash: { ...crash, inRecovery }, operation: point.operation })
      }
    }
    await log.close()
  }

  async #check(
    left: CrashFileSystem,
    context: CrashContext,
    { crash, operation }: { crash: CrashName; operation: CrashPoint<CrashFileSystem>['operation'] },
  ): Promise<void> {
    const complaints = await findBroken(left, context)
    if (complaints.length === 0) return
    const where = operation === undefined ? 'before anything' : `after ${describeOperation(operation)}`
    this.#broken.push({ at: formatCrashName(crash), complaints: [where, ...complaints] })
  }

  #name({ step }: CrashPoint<CrashFileSystem>, { name: fate }: NamedFate): CrashName {
    return { workload: this.#workload.name, seed: this.#stage.seed, step, fate, inRecovery: undefined }
  }

  #context({ step }: CrashPoint<CrashFileSystem>, named: NamedFate): CrashContext {
    const { clock, model } = this.#stage
    const kind = isKill(named) ? 'kill' : 'power loss'
    return { config: this.#stage.config, clock, model, step, kind, isReordered: isReordering(named) }
  }

  /** Takes note of a state: the bytes of every file, in the cache and on disk, and all that had been promised. */
  #isNew(left: CrashFileSystem, { model, step, kind, isReordered, recovered }: CrashContext): boolean {
    this.#states++
    const hash = createHash('sha1')
    addFiles(hash, left)
    if (kind === 'kill') addFiles(hash, left.powerLoss()) // else all of it is on disk
    for (const [path, bytes] of recovered ?? []) hash.update(path).update('\0').update(bytes).update('\0')
    const { endMin, candidates, startMin, startMax, cuts, config } = model.promises({ step, kind })
    const promises = [endMin, candidates, startMin, startMax, [...cuts], [...config], kind, isReordered]
    const key = hash.update(JSON.stringify(promises)).digest('base64').slice(0, 12)
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    return true
  }
}

/** What a crash leaves; undefined when there is no such crash at this point. */
function survivor(
  point: CrashPoint<CrashFileSystem>,
  { fate, salt }: NamedFate,
): CrashFileSystem | undefined {
  if (fate === 'kill') return point.kill()
  return fate === 'kill in write' ? point.killInWrite(salt) : point.powerLoss(fate, salt)
}

function isKill({ fate }: NamedFate): boolean {
  return fate === 'kill' || fate === 'kill in write'
}

function addFiles(hash: Hash, left: CrashFileSystem): void {
  for (const path of left.paths) hash.update(path).update('\0').update(left.bytesOf(path)).update('\0')
}

/** Bytes may be there in part, so that sound batches can follow a hole. */
function isReordering({ fate }: NamedFate): boolean {
  return typeof fate === 'object' && (fate.bytes === 'torn' || fate.bytes === 'zeros')
}
