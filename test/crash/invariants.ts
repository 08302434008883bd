/*
 * What must hold of whatever a crash leaves, checked on every state. The numbers are those of the invariants: I1 what was
 * acknowledged is there, I2 nothing but what was tried, in order, I3 no hole and nothing twice, I4 names, headers and
 * offsets agree, I5 look-ups give what a scan gives, I6 recovering twice changes nothing, I7 nor does being interrupted,
 * I8 nothing acknowledged has changed, I9 the start moves forward only, I10 the next append goes on and survives, I11
 * nothing else is touched, I12 the report is true, I13 losses are a suffix, I14 opening scans one segment at most, which
 * bounds its time and memory, I17 the lock is free. What can only be seen while a run goes on is in workloads.ts (I13 its
 * bound, I16 reads) and fault-sweep.ts (I15, I16).
 */
import { basename, dirname } from 'node:path'
import { type ConfigInput, isSeglogError, type Log, type LogOptions, openLog } from '../../src/index.ts'
import { CrashFileSystem, type CrashKind, ManualClock, ModelLog } from '../../src/testing/index.ts'
import { readSegment } from '../helpers/independent-reader.ts'
import { DIRECTORY, FOREIGN, optionsFor } from './workloads.ts'

/** What a check needs to know of the run and of the crash. */
export interface CrashContext {
  readonly config: ConfigInput
  readonly clock: ManualClock
  readonly model: ModelLog
  readonly step: number
  readonly kind: CrashKind
  /** Un-synced changes may have survived in part and in any order. */
  readonly isReordered: boolean
  /** I7: the segments that the recovery came to, where it was not interrupted as it was here. */
  readonly recovered?: ReadonlyMap<string, Buffer> | undefined
}

const FOREIGN_TEXT = 'not ours'

/** Puts a file that is not ours where the log will be. */
export async function plantForeign(fileSystem: CrashFileSystem): Promise<void> {
  await fileSystem.makeDirectory(DIRECTORY)
  fileSystem.put(FOREIGN, Buffer.from(FOREIGN_TEXT))
}

/** Opens what a crash has left and says everything that is wrong with it; nothing, if nothing is. */
export async function findBroken(left: CrashFileSystem, context: CrashContext): Promise<string[]> {
  try {
    return await check(left, context)
  } catch (error) {
    return [`it can't be used: ${isSeglogError(error) ? `${error.code} ` : ''}${String(error)}`]
  }
}

async function check(left: CrashFileSystem, context: CrashContext): Promise<string[]> {
  const broken = checkMarker(left)
  const before = segmentsOf(left)
  const hasForeign = left.paths.includes(FOREIGN)
  const log = await openLeft(left, context)
  broken.push(...(await checkOpened(log, { ...context, left, before })))
  if (hasForeign && left.bytesOf(FOREIGN).toString() !== FOREIGN_TEXT)
    broken.push('I11: notes.txt was touched')
  broken.push(...(await checkTwice(left, context)))
  broken.push(...(await checkGoesOn(log, left, context)))
  await log.close()
  if (left.held.length > 0) broken.push(`I17: still held after closing: ${left.held.join(' ')}`)
  return broken
}

async function checkOpened(
  log: Log,
  context: CrashContext & { left: CrashFileSystem; before: ReadonlyMap<string, Buffer> },
): Promise<string[]> {
  const { left, model, step, kind, before, isReordered } = context
  const broken = await model.complaints(log, { step, kind })
  broken.push(...(await checkConfig(log, context)), ...checkFiles(left), ...(await checkLookups(log)))
  const after = segmentsOf(left)
  broken.push(...checkCut(log, { left, before, after }))
  if (context.recovered !== undefined && !isSame(context.recovered, after))
    broken.push('I7: recovery came to something else where it was interrupted')
  const { cut } = log.recovery
  if (cut?.suspect === true && !isReordered) broken.push('I12: a plain torn tail is called suspect')
  const largestBytes = Math.max(0, ...Array.from(before.values(), ({ length }) => length))
  if (log.recovery.scannedBytes > largestBytes)
    broken.push(
      `I14: ${log.recovery.scannedBytes} bytes were scanned, the largest segment has ${largestBytes}`,
    )
  if (log.state !== 'open' || log.durableOffset !== log.endOffset)
    broken.push(`the log is ${log.state}, and durable up to ${log.durableOffset} of ${log.endOffset}`)
  // A copy in quarantine/ that was cut short counts among the copies there, and goes with the oldest.
  const leftovers = left.paths.filter((path) => /^\/log\/[^/]+\.(?:tmp|cleaned|swap)$/.test(path))
  if (leftovers.length > 0) broken.push(`I11: ${leftovers.join(' ')} left over`)
  return broken
}

/** Each key that was updated has a value that was asked for, or the one it has where nobody ever updated it. */
async function checkConfig(log: Log, { model, step, kind, config: given }: CrashContext): Promise<string[]> {
  const { config } = model.promises({ step, kind })
  if (config.size === 0) return []
  const defaults = await defaultsOf(given)
  return [...config].flatMap(([key, values]) => {
    const found = valueOf(log.config, key)
    const allowed = values.map((value) => value ?? valueOf(defaults, key))
    return allowed.includes(found) ? [] : [`${key} is ${found}, and ${allowed.join(' or ')} was promised`]
  })
}

function valueOf(config: Log['config'], key: string): string {
  return String(config[key as keyof Log['config']])
}

const DEFAULTS = new WeakMap<object, Promise<Log['config']>>()

/** The configuration of a log that was never updated. */
function defaultsOf(config: ConfigInput): Promise<Log['config']> {
  const key = config as object
  const known = DEFAULTS.get(key) ?? freshConfig(config)
  DEFAULTS.set(key, known)
  return known
}

async function freshConfig(config: ConfigInput): Promise<Log['config']> {
  const fileSystem = new CrashFileSystem()
  const log = await openLog(DIRECTORY, { ...optionsFor(config, new ManualClock()), fileSystem })
  const resolved = log.config
  await log.close()
  return resolved
}

/** I8 and I12: nothing is changed, what is cut is said, and what is said to be kept is kept. */
function checkCut(
  log: Log,
  {
    left,
    before,
    after,
  }: { left: CrashFileSystem; before: ReadonlyMap<string, Buffer>; after: ReadonlyMap<string, Buffer> },
): string[] {
  const broken: string[] = []
  const { cut } = log.recovery
  let cutBytes = 0
  for (const [path, bytes] of before) {
    const now = after.get(path)
    if (now === undefined) {
      const last = readSegment(bytes).batches.at(-1)?.lastOffset
      if (last !== undefined && Number(last) >= log.startOffset) broken.push(`I8: recovery removed ${path}`)
      continue
    }
    cutBytes += bytes.length - now.length
    if (!bytes.subarray(0, now.length).equals(now)) broken.push(`I8: recovery changed bytes of ${path}`)
    if (cut?.path !== path || cut.quarantinedTo === undefined) continue
    const kept = left.paths.includes(cut.quarantinedTo) ? left.bytesOf(cut.quarantinedTo) : NOTHING
    if (!kept.equals(bytes.subarray(now.length))) broken.push(`I12: ${cut.quarantinedTo} is not what was cut`)
  }
  if ((cut?.sizeBytes ?? 0) !== cutBytes)
    broken.push(`I12: ${cutBytes} bytes were cut, ${cut?.sizeBytes ?? 0} reported`)
  return broken
}

function isSame(one: ReadonlyMap<string, Buffer>, other: ReadonlyMap<string, Buffer>): boolean {
  return one.size === other.size && [...one].every(([path, bytes]) => other.get(path)?.equals(bytes) === true)
}

/** A marker of a clean close is believed by Kafka without a look: nothing may have been written since. */
function checkMarker(left: CrashFileSystem): string[] {
  const path = `${DIRECTORY}/.kafka_cleanshutdown`
  if (!left.paths.includes(path)) return []
  const marked = /"sizeBytes":(\d+)/.exec(left.bytesOf(path).toString())?.[1]
  const size = [...segmentsOf(left).values()].at(-1)?.length
  return Number(marked) === size ? [] : [`the marker says ${marked} bytes, and the last segment has ${size}`]
}

/** I4, with a reader that shares no code with the log's. */
function checkFiles(left: CrashFileSystem): string[] {
  const broken: string[] = []
  let expected: number | undefined
  for (const [path, bytes] of segmentsOf(left)) {
    const { batches, validBytes } = readSegment(bytes)
    const base = Number(basename(path, '.log'))
    if (validBytes !== bytes.length)
      broken.push(`I4: ${path} is sound up to ${validBytes} of ${bytes.length}`)
    if (expected !== undefined && base > expected && !isBelowStart(left, base))
      broken.push(`I4: ${path} comes after offset ${expected}`)
    expected = base
    for (const { baseOffset, lastOffset } of batches) {
      if (Number(baseOffset) !== expected)
        broken.push(`I4: ${path} has ${baseOffset} where ${expected} belongs`)
      expected = Number(lastOffset) + 1
    }
  }
  return broken
}

/** Segments that retention has given up may be gone in any order, once the start has moved past them. */
function isBelowStart(left: CrashFileSystem, base: number): boolean {
  const path = `${DIRECTORY}/log-start-offset-checkpoint`
  if (!left.paths.includes(path)) return false
  const stored = /^log 0 (\d+)$/m.exec(left.bytesOf(path).toString())?.[1]
  return base <= Number(stored ?? 0)
}

/** I5: every offset and every time, looked up, against a scan. */
async function checkLookups(log: Log): Promise<string[]> {
  const broken: string[] = []
  const scanned = new Map<number, string>()
  const times: { timestamp: number; offset: number }[] = [] // the first offset of each time later than all before
  for await (const { offset, value, timestamp } of log.read()) {
    scanned.set(offset, String(value))
    if (timestamp > (times.at(-1)?.timestamp ?? -1)) times.push({ timestamp, offset })
  }
  for (let offset = log.startOffset; offset < log.endOffset; offset++) {
    const found = log.getSync(offset)
    if (String(found?.value) !== scanned.get(offset))
      broken.push(`I5: offset ${offset} is not found by looking it up`)
  }
  for (const [slot, { timestamp, offset }] of times.entries()) {
    for (const [asked, expected] of [
      [timestamp, offset],
      [timestamp + 1, times[slot + 1]?.offset],
    ] as const) {
      const found = await log.offsetForTimestamp(asked)
      if (found?.offset !== expected)
        broken.push(`I5: time ${asked} is found at ${found?.offset}, not ${expected}`)
    }
  }
  return broken
}

/** I6: a process killed right after recovery leaves what the next recovery leaves, byte for byte. */
async function checkTwice(left: CrashFileSystem, context: CrashContext): Promise<string[]> {
  const again = left.kill()
  const before = filesOf(again)
  const log = await openLeft(again, context)
  const after = filesOf(again)
  const { cut } = log.recovery
  await log.close()
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (path) => basename(path) !== 'watermark' && !isEqual(before.get(path), after.get(path)),
  )
  if (cut !== undefined) changed.push(`${cut.path} (cut again)`)
  return changed.map((path) => `I6: recovering twice changed ${path}`)
}

/** I10: what is appended next has the next offset, and outlives a power loss. */
async function checkGoesOn(log: Log, left: CrashFileSystem, context: CrashContext): Promise<string[]> {
  const model = await ModelLog.of(log)
  const { endOffset } = log
  const { baseOffset } = await model.append(log, [{ value: 'next' }, { value: 'and next' }], {
    durability: 'disk',
  })
  const broken = baseOffset === endOffset ? [] : [`I10: offset ${baseOffset} follows ${endOffset - 1}`]
  const later = left.powerLoss({ bytes: 'lost', names: 'lost' })
  const reopened = await openLeft(later, context)
  broken.push(
    ...(await model.complaints(reopened, { kind: 'power loss' })).map((text) => `I10: later ${text}`),
  )
  await reopened.close()
  return broken
}

/** Opens the log as its run did. */
export function openLeft(
  left: CrashFileSystem,
  { config, clock }: CrashContext,
  more: LogOptions = {},
): Promise<Log> {
  return openLog(DIRECTORY, { ...optionsFor(config, clock), fileSystem: left, ...more })
}

const NOTHING = Buffer.alloc(0)

function isEqual(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one !== undefined && other !== undefined && one.equals(other)
}

function filesOf(fileSystem: CrashFileSystem): Map<string, Buffer> {
  return new Map(fileSystem.paths.map((path) => [path, fileSystem.bytesOf(path)]))
}

/** The segments of the log, by path. */
export function segmentsOf(fileSystem: CrashFileSystem): Map<string, Buffer> {
  const paths = fileSystem.paths.filter(
    (path) => dirname(path) === DIRECTORY && /^\d{20}\.log$/.test(basename(path)),
  )
  return new Map(paths.map((path) => [path, fileSystem.bytesOf(path)]))
}
