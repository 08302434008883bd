/*
 * The writing process of the soak: `soak-writer.ts DIRECTORY LIFE SEED SPACE_BYTES`. Appends without end and does all that
 * moves the log about, and tells what it is about to do before it does it, until it is killed or reads `stop`.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type AppendResult, isSeglogError, type Log, type LogOptions, openLog } from '../../src/index.ts'
import { SeededRandom } from '../../src/testing/index.ts'
import { encodeId } from './soak-records.ts'
import { describeError, report, sharedNow } from './soak-reports.ts'

const [directory = '', lifeText = '', seedText = '', spaceText = ''] = process.argv.slice(2)
const life = Number(lifeText)
const random = new SeededRandom(Number(seedText))
/** Where the disk is not small, nobody may wait for it to be full. */
const isSmallDisk = spaceText !== 'Infinity'
const spaceBytes = isSmallDisk ? Number(spaceText) : 8 * 1024 * 1024

const LEVELS = ['memory', 'os', 'os', 'disk'] as const
const OPEN_TRIES = 400
const ROOM_TRIES = 400
const TRY_AGAIN_MS = 25
const ALIVE_MS = 25

/** A hoarder cleans only when the disk is full; two lives of three are one's. */
const isHoarder = life % 3 > 0 && isSmallDisk
const config: NonNullable<LogOptions['config']> = {
  'internal.segment.bytes': [16, 32, 128][random.below(3)]! * 1024,
  'index.interval.bytes': 1024,
  'retention.bytes': Math.floor(spaceBytes * (0.2 + random.below(30) / 100)),
  'retention.ms': [2_000, 10_000, -1][random.below(3)]!,
  'file.delete.delay.ms': [0, 0, 200, 2_000][random.below(4)]!,
}

/** Appends that have not been answered. */
const underWay = new Set<Promise<void>>()
const now = {
  counter: 0,
  isStopping: false,
  /** An append was refused for want of room. */
  isFull: false,
  /** The log in hand takes no more appends. */
  isPoisoned: false,
}

function failed(doing: string, error: unknown): void {
  const { code, message } = describeError(error)
  if (code === 'DISK_FULL' || code === 'ENOSPC') now.isFull = true
  if (code === 'LOG_POISONED') now.isPoisoned = true
  report(['failed', sharedNow(), doing, code, message])
}

function append(log: Log): void {
  const first = now.counter
  const baseOffset = log.endOffset
  const isLarge = random.below(isHoarder ? 2 : 6) === 0
  const count = 1 + random.below(isLarge ? 4 : 50)
  const fillerMax = isLarge ? 3_000 : 200
  const timestamp = Date.now()
  const records = Array.from({ length: count }, (_, slot) => ({
    value: encodeId({ life, counter: first + slot, offset: baseOffset + slot }, random.below(fillerMax)),
    timestamp,
  }))
  now.counter += count
  report(['try', sharedNow(), baseOffset, first, count])
  const durability = LEVELS[random.below(LEVELS.length)]!
  const answered: Promise<void> = log
    .append(records, { durability })
    .then(
      (result: AppendResult) => report(['ack', sharedNow(), first, result.baseOffset, result.durability]),
      (error: unknown) => {
        const { code, message } = describeError(error)
        report(['reject', sharedNow(), first, code])
        if (code === 'DISK_FULL') now.isFull = true
        else if (code === 'LOG_POISONED') now.isPoisoned = true
        else if (code !== 'LOG_TRUNCATED') report(['wrong', sharedNow(), `append: ${code} ${message}`])
      },
    )
    .finally(() => void underWay.delete(answered))
  underWay.add(answered)
}

async function settle(): Promise<void> {
  while (underWay.size > 0) await Promise.all(underWay)
}

async function truncate(log: Log): Promise<void> {
  const range = log.readableEndOffset - log.startOffset
  const back = random.below(10) === 0 ? random.below(range + 1) : random.below(Math.min(range, 200) + 1)
  const toOffset = log.readableEndOffset - back
  report(['cut-begin', sharedNow(), toOffset])
  let isDone = false
  try {
    await log.truncateTo(toOffset)
    isDone = true
  } catch (error) {
    failed('truncateTo', error)
  }
  report(['cut-end', sharedNow(), isDone])
}

async function deleteSome(log: Log, share: number): Promise<void> {
  const offset = log.startOffset + Math.floor((log.readableEndOffset - log.startOffset) * share)
  report(['start-begin', sharedNow(), offset])
  try {
    await log.deleteRecordsBefore(offset)
  } catch (error) {
    failed('deleteRecordsBefore', error)
  }
  report(['start-end', sharedNow(), log.startOffset])
}

async function clean(log: Log): Promise<void> {
  report(['start-begin', sharedNow(), log.endOffset])
  try {
    const { failures } = await log.clean({ force: true })
    for (const { error } of failures) failed('clean', error)
  } catch (error) {
    failed('clean', error)
  }
  report(['start-end', sharedNow(), log.startOffset])
}

/** Cleans until an append goes through again; asks for help when cleaning itself has no room. */
async function makeRoom(log: Log): Promise<void> {
  await settle()
  report(['full', sharedNow()])
  for (let tries = 0; now.isFull && !now.isPoisoned && tries < ROOM_TRIES; tries++) {
    now.isFull = false
    await deleteSome(log, 0.3 + random.below(60) / 100)
    await clean(log)
    append(log)
    await settle()
    if (!now.isFull) break
    report(['no-room', sharedNow(), 'cleaning'])
    await pause(TRY_AGAIN_MS)
  }
  if (now.isFull) report(['wrong', sharedNow(), 'cleaning made no room'])
  else report(['room', sharedNow()])
}

async function open(): Promise<Log> {
  const options: LogOptions = {
    config: { ...(config as object), preallocate: random.below(2) === 0 },
    cleanup: false,
    index: random.below(2) === 0 ? 'sqlite' : 'memory',
  }
  for (let tries = 0; ; tries++) {
    try {
      const log = await openLog(directory, options)
      report(['opened', sharedNow(), log.startOffset, log.endOffset])
      now.isFull = false
      now.isPoisoned = false
      return log
    } catch (error) {
      const { code } = describeError(error)
      failed('open', error)
      const isOfRoom = code === 'ENOSPC' || isSeglogError(error, 'DISK_FULL')
      if (!isOfRoom || tries === OPEN_TRIES) throw error
      report(['no-room', sharedNow(), 'opening'])
      await pause(TRY_AGAIN_MS)
    }
  }
}

async function close(log: Log): Promise<void> {
  await settle()
  const { startOffset, endOffset } = log
  try {
    await log.close()
  } catch (error) {
    failed('close', error)
  }
  report(['closed', sharedNow(), startOffset, endOffset])
}

async function act(log: Log): Promise<void> {
  const dice = random.below(1_000)
  if (dice < 25) return truncate(log)
  if (dice < 30) return deleteSome(log, random.below(isHoarder ? 5 : 50) / 100)
  if (dice < 50 && !isHoarder) return clean(log)
  if (dice < 60) return log.roll().catch((error: unknown) => failed('roll', error))
  if (dice < 70) return log.flush().catch((error: unknown) => failed('flush', error))
  for (let burst = random.below(10); burst >= 0; burst--) append(log)
  if (random.below(3) > 0 || underWay.size > 50) await settle()
  await pause(random.below(isHoarder ? 6 : 30))
}

async function writeUntilReopening(log: Log): Promise<void> {
  for (let turns = 50 + random.below(400); turns > 0 && !now.isStopping && !now.isPoisoned; turns--) {
    await act(log)
    if (now.isFull) await makeRoom(log)
  }
}

process.on('SIGINT', () => {}) // the parent says when to stop
process.stdin.on('data', () => {
  now.isStopping = true
})
process.stdin.on('end', () => process.exit(1)) // the parent is gone
setInterval(() => report(['alive', sharedNow()]), ALIVE_MS).unref()

while (!now.isStopping) {
  const log = await open()
  await writeUntilReopening(log)
  await close(log)
}
process.exit(0)
