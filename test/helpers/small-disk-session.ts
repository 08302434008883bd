/*
 * Runs logs on small disks of their own, one after another, and says what was wrong: started as
 * `small-disk-session.ts DIRECTORY TRIALS`, the trials as JSON. Each disk is a tmpfs mounted at the directory; a child
 * fills it; this process opens what the child left, on the disk that is still full, and again when there is room.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { isSeglogError, type Log, type LogOptions, openLog } from '../../src/index.ts'
import { readLogDirectory } from './independent-reader.ts'
import { type SmallDiskEvent, type SmallDiskRun, smallDiskValue } from './small-disk-child.ts'

/** One small disk, and what becomes of it. */
export interface SmallDiskTrial {
  readonly sizeKib: number
  /** Most files and directories there can be; without it, as many as fit. */
  readonly inodes?: number
  readonly ending: SmallDiskRun['ending']
  /** Whether somebody else takes the room that is left, before the log is opened again. */
  readonly isFilled: boolean
}

/** What a trial has to say. */
export interface SmallDiskVerdict {
  readonly trial: SmallDiskTrial
  readonly complaints: string[]
  readonly seen: string[]
  /** Acknowledged, and found again. */
  kept: number
}

const child = fileURLToPath(new URL('small-disk-child.ts', import.meta.url))

function optionsFor({ sizeKib }: SmallDiskTrial): LogOptions {
  return {
    cleanup: false,
    config: {
      'internal.segment.bytes': Math.max(8 * 1024, Math.min(256 * 1024, sizeKib * 64)),
      'index.interval.bytes': 256,
      'retention.ms': -1,
      'retention.bytes': sizeKib * 128,
    },
  }
}

function mount(directory: string, { sizeKib, inodes }: Pick<SmallDiskTrial, 'sizeKib' | 'inodes'>): string {
  const limits = `size=${sizeKib}k,mode=700${inodes === undefined ? '' : `,nr_inodes=${inodes}`}`
  return command('mount', ['-t', 'tmpfs', '-o', limits, 'seglog-small-disk', directory])
}

/** Runs a command; gives back what went wrong, or an empty string. */
function command(name: string, args: readonly string[]): string {
  const { status, stderr, error } = spawnSync(name, args, { encoding: 'utf8' })
  return status === 0 ? '' : `${name}: ${error?.message ?? stderr.trim()}`
}

/** What the log was told to be, by what its child was told. */
class Ledger {
  readonly #kept = new Map<number, number>()
  readonly #gone = new Set<string>()
  #startMax = 0
  readonly #verdict: SmallDiskVerdict

  constructor(verdict: SmallDiskVerdict) {
    this.#verdict = verdict
  }

  note(event: SmallDiskEvent): void {
    if ('kept' in event) {
      for (const [slot, id] of event.kept.entries()) {
        if (this.#kept.has(event.offset + slot))
          this.complain(`offset ${event.offset + slot} was given twice`)
        this.#kept.set(event.offset + slot, id)
      }
    } else if ('refused' in event) for (const id of event.refused) this.#gone.add(smallDiskValue(id))
    else if ('truncatedTo' in event) this.#truncate(event.truncatedTo)
    else if ('startMax' in event) this.#startMax = Math.max(this.#startMax, event.startMax)
    else if ('seen' in event) this.#verdict.seen.push(event.seen)
    else this.complain(event.complaint)
  }

  complain(what: string): void {
    this.#verdict.complaints.push(what)
  }

  /** Compares with a log, and with its files as the independent reader sees them. */
  async check(log: Log, when: string): Promise<void> {
    if (log.startOffset > this.#startMax) this.complain(`${when}: starts at ${log.startOffset}`)
    const read = new Map<number, string>()
    for await (const { offset, value } of log.read()) read.set(offset, String(value))
    const plain = new Map<number, string>()
    for (const { name, records, validBytes, sizeBytes } of readLogDirectory(log.directory)) {
      if (validBytes !== sizeBytes)
        this.complain(`${when}: ${name} has ${sizeBytes} bytes, ${validBytes} good`)
      for (const { offset, value } of records) plain.set(Number(offset), String(value))
    }
    let kept = 0
    for (const [offset, id] of this.#kept) {
      if (offset < log.startOffset) continue
      kept++
      for (const found of [read, plain])
        if (found.get(offset) !== smallDiskValue(id)) this.complain(`${when}: offset ${offset} is lost`)
    }
    for (const [offset, value] of read) {
      if (this.#gone.has(value)) this.complain(`${when}: offset ${offset} was refused, and is there`)
      if (plain.get(offset) !== value) this.complain(`${when}: offset ${offset} is read as it is not written`)
    }
    if (read.size !== log.endOffset - log.startOffset) this.complain(`${when}: there are holes`)
    this.#verdict.kept = kept
  }

  #truncate(end: number): void {
    for (const [offset, id] of this.#kept) {
      if (offset < end) continue
      this.#kept.delete(offset)
      this.#gone.add(smallDiskValue(id))
    }
  }
}

async function fillByChild(directory: string, run: SmallDiskRun, ledger: Ledger): Promise<void> {
  const running: ChildProcess = spawn(process.execPath, [child, directory, JSON.stringify(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(running, 'exit')
  let isKilled = false
  let refusals = 0
  for await (const line of createInterface(running.stdout!)) {
    if (!line.endsWith('}')) continue // it was killed in the middle of a line
    const event = JSON.parse(line) as SmallDiskEvent
    ledger.note(event)
    if ('seen' in event && event.seen === 'ready to be killed') isKilled = true
    if (isKilled && 'refused' in event && ++refusals > 5) running.kill('SIGKILL')
  }
  const [code] = (await exited) as [number | null]
  if (!isKilled && code !== 0) ledger.complain(`the child ended with ${code}`)
}

/** Takes all room that is left, as another program would. */
function takeRoom(path: string): void {
  for (const bytes of [Buffer.alloc(65_536), Buffer.alloc(4096), Buffer.alloc(1)]) {
    try {
      for (;;) appendFileSync(path, bytes)
    } catch {
      // It is full.
    }
  }
}

async function reopen(
  directory: string,
  options: LogOptions,
  task: (log: Log) => Promise<void>,
  mayFail: (error: unknown) => boolean,
): Promise<string> {
  try {
    const log = await openLog(directory, options)
    try {
      await task(log)
    } finally {
      await log.close()
    }
    return ''
  } catch (error) {
    return mayFail(error) ? '' : String(error instanceof Error ? error.stack : error)
  }
}

async function runTrial(mountPoint: string, trial: SmallDiskTrial): Promise<SmallDiskVerdict> {
  const verdict: SmallDiskVerdict = { trial, complaints: [], seen: [], kept: 0 }
  const ledger = new Ledger(verdict)
  const problem = mount(mountPoint, trial)
  if (problem !== '') return { ...verdict, complaints: [problem] }
  try {
    const directory = join(mountPoint, 'log')
    const options = optionsFor(trial)
    const isShortOfFiles = trial.inodes !== undefined
    await fillByChild(directory, { isShortOfFiles, ending: trial.ending, options }, ledger)
    const filler = join(mountPoint, 'filler')
    const isMade = !verdict.seen.includes('opening found no room')
    if (trial.isFilled) takeRoom(filler)
    let hasOpened = false
    const onFull = async (log: Log): Promise<void> => {
      hasOpened = true
      verdict.seen.push('opened on a full disk')
      await ledger.check(log, 'on the full disk')
    }
    const isFull = (error: unknown): boolean => isSeglogError(error, 'DISK_FULL') && (hasOpened || !isMade)
    const onFullProblem = await reopen(directory, options, onFull, isFull)
    if (onFullProblem !== '') ledger.complain(`on the full disk: ${onFullProblem}`)
    rmSync(filler, { force: true })
    command('mount', ['-o', `remount,size=${trial.sizeKib + 8192}k,nr_inodes=1000`, mountPoint])
    for (const when of ['with room', 'once more'] as const) {
      const withRoom = async (log: Log): Promise<void> => {
        await ledger.check(log, when)
        await log.append(['room', 'again'])
        if (when === 'once more' && !log.recovery.clean) ledger.complain('it was not closed in order')
        if (log.recovery.unrecognisedFiles.length > 0)
          ledger.complain(`left behind: ${log.recovery.unrecognisedFiles.join()}`)
      }
      const found = await reopen(directory, options, withRoom, () => false)
      if (found !== '') ledger.complain(`${when}: ${found}`)
    }
    const left = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.tmp')) : []
    if (left.length > 0) ledger.complain(`left behind: ${left.join()}`)
  } finally {
    command('umount', [mountPoint])
  }
  return verdict
}

const [mountPoint, trialsText] = process.argv.slice(2)
if (process.argv[1] === import.meta.filename && mountPoint !== undefined && trialsText !== undefined) {
  for (const trial of JSON.parse(trialsText) as SmallDiskTrial[])
    writeSync(1, `${JSON.stringify(await runTrial(mountPoint, trial))}\n`)
}
