/*
 * The process that fills a small disk; started as `small-disk-child.ts DIRECTORY OPTIONS`, the options as JSON. It opens
 * the log in the directory, appends until the disk is full and a while longer, truncates, deletes, cleans, sees appends
 * resume, fills the disk again, and closes, or goes on until it is killed. Whatever it is told, it tells at once, a JSON
 * value a line.
 */
import { existsSync, statfsSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { isSeglogError, type Log, type LogOptions, openLog } from '../../src/index.ts'

/** How one run goes. */
export interface SmallDiskRun {
  /** What runs out first is files, not bytes: then no ballast helps. */
  readonly isShortOfFiles: boolean
  readonly ending: 'close' | 'kill'
  readonly options: LogOptions
}

/** What the child tells. */
export type SmallDiskEvent =
  | { readonly kept: readonly number[]; readonly offset: number }
  | { readonly refused: readonly number[] }
  | { readonly truncatedTo: number }
  | { readonly startMax: number }
  | { readonly seen: string }
  | { readonly complaint: string }

const LEVELS = ['os', 'disk', 'os', 'disk', 'memory'] as const
const ROUNDS_MAX = 20_000
/** What has to be left of the ballast's 1 MiB when appends are refused: the index has had some of it. */
const ROOM_BYTES = 512 * 1024

/** The value of the record that was appended as number `id`: from 20 to 2,019 bytes. */
export function smallDiskValue(id: number): string {
  return `record ${id} `.padEnd(20 + ((id * 7919) % 2000), String.fromCharCode(97 + (id % 26)))
}

function tell(event: SmallDiskEvent): void {
  writeSync(1, `${JSON.stringify(event)}\n`) // a line that is out stays out
}

class Filler {
  readonly #log: Log
  #nextId = 0

  constructor(log: Log) {
    this.#log = log
  }

  /** Three calls of one to three records that wait together; true when all were taken. */
  async round(): Promise<boolean> {
    const taken = await Promise.all([1, 3, 2].map((count, slot) => this.#append(count, slot)))
    return taken.every(Boolean)
  }

  /** Until the disk is full. */
  async fill(): Promise<void> {
    for (let count = 0; count < ROUNDS_MAX; count++) if (!(await this.round())) return
    tell({ complaint: 'the disk never was full' })
  }

  async #append(count: number, slot: number): Promise<boolean> {
    const ids = Array.from({ length: count }, () => this.#nextId++)
    const durability = LEVELS[(ids[0]! + slot) % LEVELS.length]!
    try {
      const { baseOffset } = await this.#log.append(ids.map(smallDiskValue), { durability })
      if (durability !== 'memory') tell({ kept: ids, offset: baseOffset })
      return true
    } catch (error) {
      const isFull = isSeglogError(error, 'DISK_FULL') && error.outcome === 'not-written'
      if (isFull) tell({ refused: ids })
      else tell({ complaint: `append: ${String(error)}` })
      return false
    }
  }
}

/** Runs what may find no room, unless there is that of the ballast; false when it found none. */
async function attempt(
  { what, hasRoom }: { what: string; hasRoom: boolean },
  task: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await task()
    return true
  } catch (error) {
    if (hasRoom || !isSeglogError(error, 'DISK_FULL')) tell({ complaint: `${what}: ${String(error)}` })
    else tell({ seen: `${what} found no room` })
    return false
  }
}

/** Says how things stand with the ballast of a full disk; true when it was spent, and its room is there. */
function lookAtBallast(directory: string, { isShortOfFiles }: SmallDiskRun): boolean {
  const path = join(directory, 'ballast')
  const size = existsSync(path) ? statSync(path).size : -1
  tell({ seen: size === -1 ? 'no room for a ballast' : size === 0 ? 'ballast spent' : 'ballast whole' })
  const { bavail, blocks, bsize } = statfsSync(directory)
  // On a disk of less than its size it was never whole: one that is empty is about to be removed.
  const hasRoom = size === 0 && !isShortOfFiles && blocks * bsize > 1024 * 1024
  if (hasRoom && bavail * bsize < ROOM_BYTES)
    tell({ complaint: `of the ballast's room, ${bavail * bsize} bytes are left` })
  return hasRoom
}

async function changeWhileFull(log: Log, { hasRoom }: { hasRoom: boolean }): Promise<void> {
  const offset = Math.max(log.startOffset, log.readableEndOffset - 1)
  const end = log.readableEndOffset
  const isCut = await attempt({ what: 'truncateTo', hasRoom }, () => log.truncateTo(offset))
  if (isCut) tell({ truncatedTo: offset })
  else if (log.readableEndOffset !== end) tell({ complaint: 'a truncation that was refused moved the end' })
  const start = Math.min(log.readableEndOffset, log.startOffset + 3)
  tell({ startMax: start })
  await attempt({ what: 'deleteRecordsBefore', hasRoom }, () => log.deleteRecordsBefore(start))
}

/** Retention while the disk is full; then appends go on, if it made room for the ballast. */
async function clean(log: Log, filler: Filler, { hasRoom }: { hasRoom: boolean }): Promise<void> {
  const before = log.segments()
  tell({ startMax: before.at(-1)!.nextOffset })
  const report = await log.clean()
  const [failure] = report.failures
  if (failure !== undefined && hasRoom) tell({ complaint: `clean: ${JSON.stringify(failure)}` })
  else if (failure !== undefined) tell({ seen: 'clean found no room' })
  for (let turn = 0; turn < 10_000 && log.stats().waitingToBeRemoved > 0; turn++)
    await new Promise((resolve) => setImmediate(resolve))
  if (log.stats().waitingToBeRemoved > 0)
    tell({ complaint: 'deleted segments wait although the disk is full' })
  const goneBytes = report.deleted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (goneBytes === 0) return
  tell({ seen: 'clean made room' })
  let isResumed = false
  for (let count = 0; count < 3; count++) isResumed = (await filler.round()) || isResumed
  if (isResumed) tell({ seen: 'appends resumed' })
  else if (goneBytes > 1_300_000) tell({ complaint: `appends did not resume after ${goneBytes} bytes went` })
}

async function run(directory: string, how: SmallDiskRun): Promise<void> {
  const { ending, options } = how
  let log: Log
  try {
    log = await openLog(directory, options)
  } catch (error) {
    if (!isSeglogError(error, 'DISK_FULL')) tell({ complaint: `opening: ${String(error)}` })
    return tell({ seen: 'opening found no room' })
  }
  tell({ seen: `index ${log.stats().index} after opening` })
  const filler = new Filler(log)
  await filler.fill()
  for (let count = 0; count < 10; count++) await filler.round()
  const hasRoom = lookAtBallast(directory, how)
  await changeWhileFull(log, { hasRoom })
  await clean(log, filler, { hasRoom })
  await filler.fill()
  const hasRoomStill = lookAtBallast(directory, how)
  tell({ seen: `index ${log.stats().index} at the end` })
  if (log.state !== 'open') tell({ complaint: `the log is ${log.state}` })
  if (ending === 'close') {
    await log.flush().then(
      () => tell({ complaint: 'flush said nothing of records that were told at memory and then refused' }),
      (error: unknown) => tell({ seen: `flush: ${isSeglogError(error) ? error.code : String(error)}` }),
    )
    const isClosed = await attempt({ what: 'close', hasRoom: hasRoomStill }, () => log.close())
    return tell({ seen: isClosed ? 'closed on a full disk' : 'not closed in order' })
  }
  tell({ seen: 'ready to be killed' })
  for (;;) {
    await filler.round()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const [directory, runText] = process.argv.slice(2)
if (process.argv[1] === import.meta.filename && directory !== undefined && runText !== undefined)
  await run(directory, JSON.parse(runText) as SmallDiskRun)
