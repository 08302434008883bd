/*
 * A crash at every step of taking a log over from Kafka, of what is done with it then, and of closing it: what is left never
 * makes Kafka believe an index or a snapshot that is not of the bytes it lies beside, or that Kafka itself would have built
 * anew, and never that another log of the directory was closed in order. And nothing is lost.
 *
 * What Kafka believes when it starts: without the marker, the indexes of every segment before the one that has the recovery
 * point, and every snapshot; with the marker, all of them.
 */
import { basename } from 'node:path'
import { expect, it } from 'vitest'
import { isSeglogError, type Log, type LogOptions, openLog } from '../../src/index.ts'
import { CrashFileSystem, type Fate, ManualClock } from '../../src/testing/index.ts'
import { dataBatch, segmentName, valueAt } from '../helpers/hand-made.ts'
import { readSegment } from '../helpers/independent-reader.ts'
import { readValues } from '../helpers/temp-log.ts'

const ROOT = '/store'
const DIRECTORY = `${ROOT}/orders-0`
const OTHER = `${ROOT}/other-0/${segmentName(0)}`
const MARKER = `${ROOT}/.kafka_cleanshutdown`
const CHECKPOINT = `${ROOT}/recovery-point-offset-checkpoint`

const FATES: readonly (Fate | 'kill')[] = [
  'kill',
  { bytes: 'lost', names: 'lost' },
  { bytes: 'lost', names: 'kept' },
  { bytes: 'kept', names: 'lost' },
  { bytes: 'torn', names: 'some' },
  { bytes: 'torn', names: 'some' },
]

const options = (fileSystem: CrashFileSystem): LogOptions => ({
  fileSystem,
  clock: new ManualClock(),
  cleanup: false,
  adopt: true,
  config: { 'internal.segment.bytes': 1024 },
})

const upTo = (end: number): string[] => Array.from({ length: end }, (_, offset) => valueAt(offset))
const nameOf = (base: number, kind: string): string =>
  `${DIRECTORY}/${segmentName(base).replace('log', kind)}`
const baseOf = (path: string): number => Number(basename(path).slice(0, 20))

/** Kafka's files beside segments of these base offsets, and a snapshot where the log ends. */
function putSidecars(fileSystem: CrashFileSystem, bases: readonly number[], end: number): void {
  for (const base of bases)
    for (const kind of ['index', 'timeindex']) fileSystem.put(nameOf(base, kind), Buffer.from(kind))
  for (const base of [...bases.slice(1), end])
    fileSystem.put(nameOf(base, 'snapshot'), Buffer.from('producers'))
}

/** Writes a segment as Kafka does that rolls: nothing of it need ever reach the disk. */
function putUnsynced(fileSystem: CrashFileSystem, base: number): void {
  const handle = fileSystem.openSync(nameOf(base, 'log'), 'create')
  handle.appendSync(Buffer.concat([dataBatch(base, 5), dataBatch(base + 5, 5)]), 0)
  handle.close()
}

/** A store of Kafka's, whose broker was killed: our log, and another one. */
async function kafkaStore(): Promise<CrashFileSystem> {
  const fileSystem = new CrashFileSystem()
  for (const path of [DIRECTORY, `${ROOT}/other-0`]) await fileSystem.makeDirectory(path)
  fileSystem.put(`${ROOT}/meta.properties`, Buffer.from('version=1\ncluster.id=x\nnode.id=1\n'))
  fileSystem.put(OTHER, dataBatch(0, 3))
  for (const base of [0, 10])
    fileSystem.put(nameOf(base, 'log'), Buffer.concat([dataBatch(base, 5), dataBatch(base + 5, 5)]))
  fileSystem.put(`${DIRECTORY}/leader-epoch-checkpoint`, Buffer.from('0\n1\n0 0\n'))
  fileSystem.put(CHECKPOINT, Buffer.from('0\n1\norders 0 20\n'))
  putSidecars(fileSystem, [0, 10, 20, 30], 40)
  for (const base of [20, 30]) putUnsynced(fileSystem, base)
  return fileSystem
}

/** The same, of a log that seglog began, in which Kafka has appended since, and rolled. */
async function borrowedStore(): Promise<CrashFileSystem> {
  const fileSystem = await kafkaStore()
  for (const path of fileSystem.paths.filter((found) => found.startsWith(`${DIRECTORY}/`)))
    fileSystem.put(path, undefined)
  fileSystem.put(CHECKPOINT, undefined)
  const log = await openLog(DIRECTORY, { ...options(fileSystem), config: {} })
  for (const base of [0, 10]) {
    if (base > 0) await log.roll()
    await log.append(
      upTo(base + 10)
        .slice(base)
        .map((value) => ({ value, timestamp: 1000 })),
    )
  }
  await log.close()
  fileSystem.put(MARKER, undefined)
  fileSystem.put(`${DIRECTORY}/leader-epoch-checkpoint`, Buffer.from('0\n1\n3 20\n'))
  putSidecars(fileSystem, [0, 10, 20, 30], 40)
  for (const base of [20, 30]) putUnsynced(fileSystem, base)
  return fileSystem
}

/** What Kafka had written, and up to where it had said that it is on disk. */
interface Before {
  readonly segments: ReadonlyMap<number, Buffer>
  readonly recoveryPoint: number
}

function segmentsOf(fileSystem: CrashFileSystem): Map<number, Buffer> {
  const paths = fileSystem.paths.filter((path) => path.startsWith(`${DIRECTORY}/`) && path.endsWith('.log'))
  return new Map(paths.map((path) => [baseOf(path), fileSystem.bytesOf(path)]))
}

function storedPoint(fileSystem: CrashFileSystem): number {
  const text = fileSystem.paths.includes(CHECKPOINT) ? fileSystem.bytesOf(CHECKPOINT).toString() : ''
  return Number(/^orders 0 (\d+)$/m.exec(text)?.[1] ?? 0)
}

/** The base offset of the segment that has `offset`. */
function floorOf(segments: ReadonlyMap<number, Buffer>, offset: number): number {
  return Math.max(0, ...[...segments.keys()].filter((base) => base <= offset))
}

/** All that Kafka would believe and must not. */
function wronglyBelieved(left: CrashFileSystem, before: Before): string[] {
  const wrong: string[] = []
  const segments = segmentsOf(left)
  if (left.paths.includes(MARKER)) wrong.push('the marker vouches for another log')
  const isAsKafkaLeftIt = (base: number): boolean =>
    before.segments.get(base)?.equals(segments.get(base)!) === true
  const proven = floorOf(before.segments, before.recoveryPoint)
  const believed = floorOf(segments, storedPoint(left))
  for (const path of left.paths.filter((found) => /\.(?:time)?index$/.test(found))) {
    const base = baseOf(path)
    if (base >= believed || !segments.has(base)) continue // Kafka builds it anew, or removes it
    if (base >= proven) wrong.push(`${path} was never synced`)
    else if (!isAsKafkaLeftIt(base)) wrong.push(`${path} is of other bytes`)
  }
  for (const path of left.paths.filter((found) => found.endsWith('.snapshot'))) {
    const changed = [...before.segments.keys()].find((base) => base < baseOf(path) && !startsAsBefore(base))
    if (changed !== undefined) wrong.push(`${path} is of other bytes than those of segment ${changed}`)
  }
  /** A segment that is merely shorter makes the log end before the snapshot, which Kafka removes then. */
  function startsAsBefore(base: number): boolean {
    const was = before.segments.get(base)!
    const found = segments.get(base) ?? Buffer.alloc(0)
    const sizeBytes = Math.min(was.length, readSegment(found).validBytes)
    return found.subarray(0, sizeBytes).equals(was.subarray(0, sizeBytes))
  }
  return wrong
}

it.each([
  ['taken over for the first time', kafkaStore],
  ['taken back', borrowedStore],
])('a log is %s, whatever happens', async (_, make) => {
  const fileSystem = await make()
  const before = { segments: segmentsOf(fileSystem), recoveryPoint: storedPoint(fileSystem) }
  expect(wronglyBelieved(fileSystem, before)).toEqual([])
  const from = fileSystem.step
  const log = await openLog(DIRECTORY, options(fileSystem))
  const taken = fileSystem.step
  for (let offset = 40; offset < 60; offset++) await log.append(valueAt(offset))
  const appended = fileSystem.step
  await log.truncateTo(13) // into what Kafka had synced
  for (let count = 0; count < 20; count++) await log.append('behind')
  await log.close()
  const sidecars = new Set<string>()
  let refused = 0
  for (const point of fileSystem.crashPoints({ from })) {
    for (const [salt, fate] of FATES.entries()) {
      const left = fate === 'kill' ? point.kill() : point.powerLoss(fate, salt)
      const at = `step ${point.step}, ${JSON.stringify(fate)}`
      expect([at, wronglyBelieved(left, before)]).toEqual([at, []])
      sidecars.add(left.paths.filter((path) => /index$|snapshot$/.test(path)).join())
      // Before it was taken over, what Kafka had not synced was nobody's promise.
      const isPromised = point.step >= taken || fate === 'kill'
      const kept = point.step > appended ? 13 : isPromised ? 40 : 20
      const again = await openLog(DIRECTORY, options(left)).catch((error: unknown) => error)
      if (isSeglogError(again, 'LOG_CORRUPT') && !isPromised) refused++
      else {
        expect([at, again]).toEqual([at, expect.objectContaining({ state: 'open' })])
        await goesOn(again as Log, kept, at)
      }
      expect([at, wronglyBelieved(left, before)]).toEqual([at, []])
      expect(left.bytesOf(OTHER)).toEqual(dataBatch(0, 3))
    }
  }
  expect(sidecars.size).toBeGreaterThan(5) // they went one by one
  expect(refused).toBeGreaterThan(0)
})

/** At least `kept` records are as they were, and the log takes more. */
async function goesOn(log: Log, kept: number, at: string): Promise<void> {
  expect([at, (await readValues(log)).slice(0, kept)]).toEqual([at, upTo(kept)])
  await log.append('once more')
  expect([at, (await readValues(log)).at(-1)]).toEqual([at, 'once more'])
  await log.close()
}
