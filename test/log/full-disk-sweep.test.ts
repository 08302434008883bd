/*
 * No room at every call: a workload that appends, rolls, deletes, cleans, truncates, changes its configuration, closes and
 * opens again runs once for each call it makes, and that call, alone or with all after it, finds no room. Afterwards, and
 * whatever was told meanwhile: nothing acknowledged is lost, nothing refused turns up, the log opens and takes appends.
 */
import { describe, expect, it } from 'vitest'
import { isSeglogError, type Log, type LogOptions, openLog } from '../../src/index.ts'
import { FaultFileSystem, type FaultKind, ManualClock } from '../../src/testing/index.ts'
import { readSegment } from '../helpers/independent-reader.ts'
import { MemoryFileSystem } from '../helpers/memory-file-system.ts'

const DIRECTORY = '/log'
const LEVELS = ['os', 'disk', 'memory'] as const
/** Opening an existing file needs no room. */
const MAKING = ['create', 'replace', 'overwrite'] as const

/** What fails: the call of a kind after `skip` others, then no more or all that follow. */
interface Fault {
  readonly kinds: readonly FaultKind[]
  readonly skip: number
  readonly forGood: boolean
  readonly shortBytes: number | undefined
}

/** One run of the workload, with what it was told. */
class Trial {
  readonly complaints: string[] = []
  readonly disk = new MemoryFileSystem()
  readonly fileSystem = new FaultFileSystem(this.disk)
  readonly clock = new ManualClock({ settleTurns: 2 })
  readonly #options: LogOptions = {
    fileSystem: this.fileSystem,
    clock: this.clock,
    index: 'memory',
    cleanup: false,
    config: { 'internal.segment.bytes': 700, 'retention.bytes': 2000, 'retention.ms': -1 },
  }
  #log: Log | undefined
  #values = 0
  /** Acknowledged, and not dropped since. */
  readonly #kept = new Map<number, string>()
  /** Refused as not written, or dropped by a truncation that resolved. */
  readonly #gone = new Set<string>()
  /** Below it records may have been deleted. */
  #startMax = 0

  /** Opens the log; `mayFail`: for want of room. */
  async open({ mayFail }: { mayFail: boolean }): Promise<Log | undefined> {
    try {
      this.#log = await openLog(DIRECTORY, this.#options)
    } catch (error) {
      this.#log = undefined
      if (!mayFail || !isSeglogError(error, 'DISK_FULL')) this.#complain('opening', error)
    }
    return this.#log
  }

  async close({ mayFail }: { mayFail: boolean }): Promise<void> {
    const log = this.#log
    this.#log = undefined
    try {
      await log?.close()
    } catch (error) {
      if (!mayFail || !isSeglogError(error)) this.#complain('closing', error)
    }
  }

  async run(): Promise<void> {
    for (const step of STEPS) {
      if (this.#log === undefined || this.#log.state === 'poisoned') {
        await this.close({ mayFail: true })
        if ((await this.open({ mayFail: true })) === undefined) continue
      }
      await step(this)
    }
    await this.close({ mayFail: true })
  }

  /** Appends calls of one, two and three records that wait together. */
  async append(counts: readonly number[]): Promise<void> {
    const calls = counts.map(async (count, slot) => {
      const values = Array.from({ length: count }, () => `value ${this.#values++}`.padEnd(90, '.'))
      try {
        const { baseOffset } = await this.#log!.append(values, { durability: LEVELS[slot % 3]! })
        if (LEVELS[slot % 3] !== 'memory') this.#keep(baseOffset, values)
      } catch (error) {
        if (!isSeglogError(error)) return this.#complain('append', error)
        if (error.outcome === 'not-written') for (const value of values) this.#gone.add(value)
      }
    })
    await Promise.all(calls)
    await this.clock.advance(0) // the ballast
  }

  async deleteBefore(behindEnd: number): Promise<void> {
    const offset = Math.max(0, this.#log!.readableEndOffset - behindEnd)
    this.#startMax = Math.max(this.#startMax, offset)
    const done = await this.#attempt('deleteRecordsBefore', (log) => log.deleteRecordsBefore(offset))
    if (done && this.#log!.startOffset < offset)
      this.complaints.push(`starts at ${this.#log!.startOffset}, not ${offset}`)
  }

  async clean(): Promise<void> {
    await this.#attempt('clean', (log) => log.clean())
    this.#startMax = Math.max(this.#startMax, this.#log!.startOffset)
    await this.clock.advance(60_000)
  }

  async truncate(behindEnd: number): Promise<void> {
    const log = this.#log!
    const offset = Math.max(log.startOffset, log.endOffset - behindEnd)
    const end = log.readableEndOffset
    const done = await this.#attempt('truncateTo', () => log.truncateTo(offset))
    if (!done && log.state === 'open') {
      if (log.readableEndOffset !== end)
        this.complaints.push(`readable to ${log.readableEndOffset}, not ${end}`)
      return
    }
    for (const [at, value] of this.#kept) {
      if (at < offset) continue
      this.#kept.delete(at)
      if (done) this.#gone.add(value)
    }
  }

  async updateConfig(): Promise<void> {
    await this.#attempt('updateConfig', (log) => log.updateConfig({ 'retention.bytes': 1500 }))
  }

  async roll(): Promise<void> {
    await this.#attempt('roll', (log) => log.roll())
  }

  /** What must hold of an open log. */
  async check(when: string): Promise<void> {
    const log = this.#log
    if (log === undefined) return
    const found = new Map<number, string>()
    try {
      for await (const { offset, value } of log.read()) found.set(offset, String(value))
    } catch (error) {
      this.#complain(`reading ${when}`, error)
    }
    if (log.startOffset > this.#startMax)
      this.complaints.push(`${when}: starts at ${log.startOffset}, past ${this.#startMax}`)
    for (const [offset, value] of this.#kept)
      if (offset >= log.startOffset && found.get(offset) !== value)
        this.complaints.push(`${when}: ${offset} lost`)
    for (const [offset, value] of found)
      if (this.#gone.has(value)) this.complaints.push(`${when}: ${offset} is back`)
    if (found.size !== log.readableEndOffset - log.startOffset) this.complaints.push(`${when}: holes`)
  }

  /** The same of the files, by code that shares nothing with the log's. */
  checkFiles(): void {
    const records = this.disk.paths
      .filter((path) => path.endsWith('.log'))
      .flatMap((path) => {
        const { records: found, validBytes } = readSegment(this.disk.bytesOf(path))
        if (validBytes !== this.disk.bytesOf(path).length) this.complaints.push(`${path} is torn`)
        return found
      })
    const values = new Map(records.map(({ offset, value }) => [Number(offset), String(value)]))
    for (const [offset, value] of this.#kept)
      if (offset >= this.#startMax && values.get(offset) !== value)
        this.complaints.push(`${offset} is not in the files`)
    const strangers = this.disk.paths.filter((path) => /\.(?:tmp|deleted)$/.test(path))
    if (strangers.length > 0) this.complaints.push(`left behind: ${strangers.join()}`)
  }

  #keep(baseOffset: number, values: readonly string[]): void {
    for (const [slot, value] of values.entries()) {
      const offset = baseOffset + slot
      if (this.#kept.has(offset)) this.complaints.push(`${offset} was given twice`)
      this.#kept.set(offset, value)
    }
  }

  async #attempt(what: string, task: (log: Log) => Promise<unknown>): Promise<boolean> {
    try {
      await task(this.#log!)
      return true
    } catch (error) {
      if (!isSeglogError(error)) this.#complain(what, error)
      return false
    }
  }

  #complain(what: string, error: unknown): void {
    this.complaints.push(`${what}: ${String(error)}`)
  }
}

const STEPS: readonly ((trial: Trial) => Promise<void>)[] = [
  (trial) => trial.append([1, 2]),
  (trial) => trial.append([3, 1, 2, 1]),
  (trial) => trial.append([2]),
  (trial) => trial.deleteBefore(7),
  (trial) => trial.append([1, 3, 1]),
  (trial) => trial.truncate(1),
  (trial) => trial.append([3, 2]),
  (trial) => trial.clean(),
  (trial) => trial.updateConfig(),
  (trial) => trial.truncate(4),
  (trial) => trial.append([1, 1, 1]),
  (trial) => trial.roll(),
  (trial) => trial.append([2, 2]),
  (trial) => trial.close({ mayFail: true }),
  (trial) => trial.append([1, 2]),
  (trial) => trial.truncate(1),
]

/** Runs the workload with a fault; gives back what was wrong, and the calls it made. */
async function runTrial(fault?: Fault): Promise<Trial> {
  const trial = new Trial()
  const { fileSystem } = trial
  if (fault !== undefined) {
    const { kinds, skip, forGood, shortBytes } = fault
    fileSystem.fail(kinds, {
      code: 'ENOSPC',
      skip,
      times: forGood ? Infinity : 1,
      shortBytes,
      modes: MAKING,
    })
  }
  await trial.run()
  const has = (ending: string): boolean => trial.disk.paths.some((path) => path.endsWith(ending))
  // A log has to be made, a failed sync to be made good, leftovers to be removed: only then an opening needs room.
  const mayFail = !has('.log') || has('FAILED') || fault?.kinds.includes('remove') === true
  const log = await trial.open({ mayFail })
  if (log !== undefined) await trial.check('with the fault')
  await trial.close({ mayFail: true })
  fileSystem.heal()
  await trial.open({ mayFail: false })
  await trial.check('without the fault')
  await trial.append([1, 2, 3])
  await trial.check('after the last append')
  await trial.close({ mayFail: false })
  trial.checkFiles()
  return trial
}

describe('no room', () => {
  it('nowhere: the workload has nothing to complain of, and makes calls of every kind', async () => {
    const trial = await runTrial()
    expect(trial.complaints).toEqual([])
    for (const kind of ['open', 'write', 'overwrite', 'rename', 'remove', 'makeDirectory'] as const)
      expect([kind, trial.fileSystem.count(kind) > 0]).toEqual([kind, true])
  })

  const once = { forGood: false, shortBytes: undefined }
  const onceShort = { forGood: false, shortBytes: 7 }
  const forGood = { forGood: true, shortBytes: undefined }
  const forGoodShort = { forGood: true, shortBytes: 7 }
  const sweeps: readonly (readonly [
    string,
    readonly FaultKind[],
    readonly Omit<Fault, 'kinds' | 'skip'>[],
  ])[] = [
    ['opening a file', ['open'], [once, forGood]],
    ['writing', ['write'], [once, onceShort, forGoodShort]],
    ['overwriting', ['overwrite'], [onceShort, forGood]],
    ['renaming', ['rename'], [once, forGood]],
    ['removing', ['remove'], [once, forGood]],
    ['making a directory', ['makeDirectory'], [once, forGood]],
    ['anything that may need some', ['open', 'write', 'overwrite', 'rename', 'makeDirectory'], [forGood]],
  ]

  it.each(sweeps)(
    'for %s, at any time, once or for good, loses nothing',
    async (_, kinds, shapes) => {
      const complaints: string[] = []
      let runs = 0
      for (const shape of shapes) {
        for (let skip = 0; ; skip++) {
          const fault = { kinds, skip, ...shape }
          const trial = await runTrial(fault)
          runs++
          complaints.push(...trial.complaints.map((each) => `${JSON.stringify(fault)} ${each}`))
          if (!trial.fileSystem.hasFailed) break
        }
      }
      expect(complaints.slice(0, 20)).toEqual([])
      expect(runs).toBeGreaterThan(shapes.length)
    },
    120_000, // a few seconds, on a machine that is not busy
  )
})
