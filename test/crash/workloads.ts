/*
 * What logs are made to do while every step they take on a disk is written down. Each workload is small, seeded, and
 * driven by a clock that stands still unless it is moved: the same seed gives the same operations.
 */
import {
  type ConfigInput,
  type Durability,
  isSeglogError,
  type Log,
  type LogOptions,
  openLog,
  type RecordInput,
} from '../../src/index.ts'
import {
  CrashFileSystem,
  type FaultPlan,
  ManualClock,
  ModelLog,
  SeededRandom,
} from '../../src/testing/index.ts'

/** The directory every workload keeps its log in. */
export const DIRECTORY = '/log'
/** A file that is not ours, which nothing may ever touch. */
export const FOREIGN = `${DIRECTORY}/notes.txt`

/** Enough for what was accepted to be written, with all the syncs of a roll on the way. */
const SETTLE_TURNS = 8
/** How long the log may leave what it has written without a sync. */
const UNSYNCED_MS_MAX = 1_000

const LEVELS: readonly Durability[] = ['memory', 'os', 'disk']

const BASE_CONFIG: ConfigInput = {
  'internal.segment.bytes': 1024,
  'index.interval.bytes': 200,
  'retention.ms': -1,
  'file.delete.delay.ms': 1000,
}

/** One run: the disk, the clock, chance, and what the log was asked and answered. */
export class Stage {
  readonly seed: number
  readonly clock: ManualClock
  readonly random: SeededRandom
  readonly fileSystem: CrashFileSystem
  readonly model: ModelLog
  /** That of the workload, and what chance has added to it. */
  readonly config: ConfigInput
  /** The codes of calls that were refused, in order. */
  readonly refusals: string[] = []
  /** The steps at which a log was opened: each begins a life of its own. */
  readonly openedAt: number[] = []
  /** Promises that were broken while the run was going on. */
  readonly broken: string[] = []
  #log: Log | undefined
  #pending = 0
  #serial = 0

  constructor(options: { seed: number; config?: ConfigInput; faults?: FaultPlan }) {
    const { seed, config = {}, faults } = options
    this.seed = seed
    this.config = drawConfig(config, seed)
    this.clock = new ManualClock({ settleTurns: 3 })
    this.random = new SeededRandom(seed)
    this.fileSystem = new CrashFileSystem({
      seed,
      now: () => this.clock.now(),
      ...(faults === undefined ? {} : { faults }),
    })
    this.model = new ModelLog({ step: () => this.fileSystem.step })
  }

  async open(options: LogOptions = {}): Promise<Log> {
    this.openedAt.push(this.fileSystem.step)
    const log = await openLog(DIRECTORY, {
      ...optionsFor(this.config, this.clock),
      fileSystem: this.fileSystem,
      ...options,
    })
    await this.#checkReopened(log)
    this.model.opened(log)
    this.#log = log
    return log
  }

  /** Records that no other call of this run has. */
  records(count: number): RecordInput[] {
    return Array.from({ length: count }, () => {
      const serial = this.#serial++
      const value = `${serial}`.padEnd(this.random.below(80), 'v')
      return serial % 7 === 3
        ? { key: `k${serial}`, value: null, headers: { h: value } }
        : { key: serial % 2 === 0 ? null : `k${serial}`, value }
    })
  }

  /** One call of one to four records; by default at whatever level chance says. */
  append(log: Log, durability: Durability = LEVELS[this.random.below(3)]!): Promise<void> {
    return this.try(() => this.model.append(log, this.records(1 + this.random.below(4)), { durability }))
  }

  flush = (log: Log): Promise<void> => this.try(() => this.model.flush(log))
  roll = (log: Log): Promise<void> => this.try(() => this.model.roll(log))
  clean = (log: Log): Promise<void> => this.try(() => this.model.clean(log))
  close = (log: Log): Promise<void> => this.try(() => this.model.close(log))

  /** Lets time pass. I13: what has waited for a second is on disk. */
  async advance(log: Log, ms: number): Promise<void> {
    for (let turns = 0; turns < SETTLE_TURNS; turns++) await this.clock.advance(0) // what was accepted is written
    const { endOffset } = log
    await this.clock.advance(ms)
    const isHeld = log.state === 'open' && this.fileSystem.faults.firedCount === 0
    if (isHeld && ms >= UNSYNCED_MS_MAX && log.durableOffset < endOffset)
      this.broken.push(`I13: ${log.durableOffset} of ${endOffset} are durable after ${ms} ms`)
    this.model.observe(log)
  }

  truncateTo(log: Log, offset: number): Promise<void> {
    return this.try(() => this.model.truncateTo(log, offset))
  }

  deleteRecordsBefore(log: Log, offset: number): Promise<void> {
    return this.try(() => this.model.deleteRecordsBefore(log, offset))
  }

  updateConfig(log: Log, key: string, value: string | null): Promise<void> {
    return this.try(() => this.model.updateConfig(log, key, value))
  }

  /** Makes a call that a failing disk may refuse, and that must not fail otherwise; without faults it must not fail. */
  async try(call: () => Promise<unknown>): Promise<void> {
    this.#pending++
    try {
      await call()
    } catch (error) {
      if (!isSeglogError(error) || this.fileSystem.faults.firedCount === 0) throw error
      this.refusals.push(error.code)
      await this.#checkPoisoned()
    } finally {
      this.#pending--
    }
  }

  /** I16: what a log shows once a sync has failed is on disk, and nothing below that is missing. */
  async #checkPoisoned(): Promise<void> {
    const log = this.#log
    if (log?.state !== 'poisoned') return
    const { startOffset, readableEndOffset, durableOffset } = log
    if (readableEndOffset > durableOffset)
      this.broken.push(`I16: ${readableEndOffset} can be read, and ${durableOffset} is durable`)
    await this.#unlessFaulty(async () => {
      let expected = startOffset
      for await (const { offset } of log.read()) {
        if (offset !== expected) this.broken.push(`I16: read ${offset} where ${expected} belongs`)
        expected = offset + 1
      }
      if (log.state === 'poisoned' && expected !== readableEndOffset)
        this.broken.push(`I16: reading ends at ${expected}, and ${readableEndOffset} can be read`)
    })
  }

  /** What the process before wrote is in the cache still: to the next one it is as if that had been killed. */
  async #checkReopened(log: Log): Promise<void> {
    await this.#unlessFaulty(async () => {
      const complaints = await this.model.complaints(log, { kind: 'kill' })
      this.broken.push(...complaints.map((text) => `life ${this.openedAt.length}: ${text}`))
    })
  }

  /** Reads that are made to fail, or find the log closed meanwhile, say nothing about the log. */
  async #unlessFaulty(check: () => Promise<void>): Promise<void> {
    const { faults } = this.fileSystem
    const { firedCount } = faults
    try {
      await check()
    } catch (error) {
      if (!isSeglogError(error)) throw error
      if (faults.firedCount === firedCount && error.code !== 'LOG_CLOSED')
        this.broken.push(`a read failed: ${String(error)}`)
    }
  }

  /** Calls that have not settled. */
  get pendingCount(): number {
    return this.#pending
  }
}

/** Every other seed has zeros ahead of its records, and every fourth has room for several batches in them. */
function drawConfig(config: ConfigInput, seed: number): ConfigInput {
  const given = { ...BASE_CONFIG, ...(config as object) } as { 'internal.segment.bytes': number }
  const factor = seed % 4 === 3 ? 4 : 1
  const segmentBytes = factor * given['internal.segment.bytes']
  return { ...given, 'internal.segment.bytes': segmentBytes, preallocate: seed % 2 === 1 }
}

/** How every log of these runs is opened, on this disk or on what a crash has left of it. */
export function optionsFor(config: ConfigInput, clock: ManualClock): LogOptions {
  const whole: ConfigInput = { ...(BASE_CONFIG as object), ...(config as object) }
  return { config: whole, clock, cleanup: false, random: new SeededRandom(1), index: 'memory' }
}

/** One kind of run. */
export interface Workload {
  readonly name: string
  readonly config: ConfigInput
  run(stage: Stage): Promise<void>
}

/** Every kind of run there is, by name. */
export const WORKLOADS: readonly Workload[] = [
  {
    name: 'small-durable-appends',
    config: {},
    async run(stage) {
      const log = await stage.open()
      for (let count = 0; count < 24; count++) await stage.append(log, 'disk')
      await stage.close(log)
    },
  },
  {
    name: 'eight-writers',
    config: {},
    async run(stage) {
      const log = await stage.open()
      const writers = Array.from({ length: 8 }, async () => {
        for (let count = 0; count < 5; count++) await stage.append(log, 'disk')
      })
      await Promise.all(writers)
      await stage.close(log)
    },
  },
  {
    name: 'tiny-segments',
    config: { 'internal.segment.bytes': 500 },
    async run(stage) {
      const log = await stage.open()
      for (let count = 0; count < 14; count++) {
        await Promise.all([stage.append(log, 'os'), stage.append(log, count % 2 === 0 ? 'disk' : 'os')])
        if (count % 5 === 4) await stage.roll(log)
      }
      await stage.close(log)
    },
  },
  {
    name: 'retention',
    config: { 'internal.segment.bytes': 600, 'retention.ms': 10_000, 'retention.bytes': 3_000 },
    async run(stage) {
      const log = await stage.open()
      for (let round = 0; round < 6; round++) {
        for (let count = 0; count < 5; count++) await stage.append(log)
        await stage.advance(log, 3_000)
        await stage.clean(log)
        await stage.advance(log, 1_000)
      }
      await stage.advance(log, 20_000)
      await stage.clean(log) // everything has expired: rolls first
      await stage.append(log, 'disk')
      await stage.close(log)
    },
  },
  {
    name: 'delete-records',
    config: { 'internal.segment.bytes': 700 },
    async run(stage) {
      const log = await stage.open()
      for (let round = 0; round < 6; round++) {
        for (let count = 0; count < 4; count++) await stage.append(log, 'os')
        const left = log.readableEndOffset - log.startOffset
        await stage.deleteRecordsBefore(log, log.startOffset + stage.random.below(left + 1))
        if (round % 2 === 1) await stage.clean(log)
        await stage.advance(log, 1_000)
      }
      await stage.close(log)
    },
  },
  {
    name: 'truncate',
    config: { 'internal.segment.bytes': 500 },
    async run(stage) {
      const log = await stage.open()
      for (let round = 0; round < 6; round++) {
        for (let count = 0; count < 7; count++) await stage.append(log, count % 2 === 0 ? 'os' : 'disk')
        if (round === 3) await stage.deleteRecordsBefore(log, log.startOffset + 2)
        const left = log.endOffset - log.startOffset
        await stage.truncateTo(log, log.endOffset - stage.random.below(left + 1))
        await stage.append(log, 'os')
      }
      await stage.close(log)
    },
  },
  {
    name: 'mixed-levels',
    config: {},
    async run(stage) {
      const log = await stage.open()
      for (let round = 0; round < 8; round++) {
        const calls = Array.from({ length: 5 }, () => stage.append(log))
        if (round % 3 === 0) await stage.advance(log, 1_100) // a background sync, the recovery point
        if (round % 3 === 1) await stage.flush(log)
        await Promise.all(calls)
      }
      await stage.advance(log, 6_000)
      await stage.append(log, 'os')
      await stage.close(log)
    },
  },
  {
    name: 'update-config',
    config: {},
    async run(stage) {
      const log = await stage.open()
      for (let round = 0; round < 6; round++) {
        await stage.append(log, 'disk')
        const key = stage.random.below(2) === 0 ? 'retention.bytes' : 'segment.ms'
        const value = round % 3 === 2 ? null : `${10_000_000 + stage.random.below(1_000_000)}`
        await Promise.all([stage.updateConfig(log, key, value), stage.append(log)])
      }
      await stage.close(log)
    },
  },
  {
    name: 'close-and-reopen',
    config: { 'internal.segment.bytes': 700 },
    async run(stage) {
      for (let life = 0; life < 5; life++) {
        const log = await stage.open()
        const calls = Array.from({ length: stage.random.below(5) }, () => stage.append(log))
        if (life % 2 === 0) await Promise.all(calls)
        await stage.close(log)
        await Promise.all(calls)
      }
    },
  },
  {
    name: 'everything',
    config: { 'internal.segment.bytes': 800, 'retention.bytes': 6_000 },
    run: (stage) => everything(stage),
  },
]

/** Chance picks what comes next. */
async function everything(stage: Stage): Promise<void> {
  const { random } = stage
  let log = await stage.open()
  for (let count = 0; count < 40; count++) {
    const span = log.readableEndOffset - log.startOffset
    switch (random.below(12)) {
      case 0:
        await stage.truncateTo(log, log.endOffset - random.below(Math.min(6, span) + 1))
        break
      case 1:
        await stage.deleteRecordsBefore(log, log.startOffset + random.below(Math.min(6, span) + 1))
        break
      case 2:
        await stage.clean(log)
        break
      case 3:
        await stage.advance(log, random.below(3_000))
        break
      case 4:
        await stage.close(log)
        log = await stage.open()
        break
      case 5:
        await stage.updateConfig(log, 'segment.ms', `${1_000_000 + random.below(1_000_000)}`)
        break
      case 6:
        await stage.flush(log)
        break
      case 7:
        await stage.roll(log)
        break
      default:
        await Promise.all(Array.from({ length: 1 + random.below(3) }, () => stage.append(log)))
    }
  }
  await stage.close(log)
}

/** Finds a workload. */
export function workloadNamed(name: string): Workload {
  const workload = WORKLOADS.find((candidate) => candidate.name === name)
  if (workload === undefined) {
    const names = WORKLOADS.map((known) => known.name).join(', ')
    throw new RangeError(`there is no workload ${name}; there are ${names}`)
  }
  return workload
}
