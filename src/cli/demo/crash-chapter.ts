import { formatBytes } from '../../cleanup/index.ts'
import type { Log, StoreReport } from '../../index.ts'
import { type Child, startChild } from './child-process.ts'
import type { Demo } from './demo.ts'
import { TOPICS } from './demo-store.ts'
import { type Earthquake, isRecordOf, nth, toRecord } from './earthquakes.ts'
import { check } from './failure.ts'
import { formatCount, formatElapsed, type Page } from './page.ts'

/** The levels the writer asks for. */
type Level = 'os' | 'disk'

const LEVELS: readonly Level[] = ['os', 'disk']

/** The writer is killed once it has reported so many. */
const ACKNOWLEDGED_COUNT = 3_000

/** Small enough that the log rolls a few times before the end. */
const CRASH_SEGMENT_BYTES = 256 * 1024

/** Kills a process that writes to the store, opens the store, and looks for everything the process was promised. */
export async function crashWriter({ page, home, earthquakes }: Demo): Promise<void> {
  await home.make(TOPICS.crash, {
    partitions: 1,
    config: { 'internal.segment.bytes': CRASH_SEGMENT_BYTES, 'file.delete.delay.ms': 0, 'retention.ms': -1 },
  })
  await home.close() // one process writes at a time
  const writer = startChild(new URL('./crashing-writer.ts', import.meta.url), [home.directory, TOPICS.crash])
  page.chapter(
    'Crash',
    `Process ${writer.pid} has the store now, appends to a third topic as fast as it can and reports every acknowledgement on`,
    "a pipe: 'os' (written; survives this) and 'disk' (synced; survives power loss too). Mid-write it gets SIGKILL.",
  )
  const acknowledged = await killWhileWriting(writer)
  const startedMs = performance.now()
  const store = await home.open() // LOG_LOCKED if the dead still held it
  printRecovery(page, store.report, { elapsedMs: performance.now() - startedMs })
  const log = store.log(TOPICS.crash, 0)
  const present = await findPresent(log, earthquakes)
  const lost = countLost(acknowledged, present)
  page.say('')
  printCounts(page, { acknowledged, lost })
  page.say('')
  const total = lost.os + lost.disk
  check(total === 0, `${total} acknowledged records were lost (${lost.os} at 'os', ${lost.disk} at 'disk')`)
  const unreported = log.endOffset - acknowledged.os.length - acknowledged.disk.length
  page.facts([
    [
      'in the topic',
      `${formatCount(log.endOffset)} records, ${unreported} of them written but not yet reported`,
    ],
    ['lock', 'freed by the kernel when the process died: this process has it now'],
  ])
  const { baseOffset } = await log.append(toRecord(nth(earthquakes, log.endOffset)))
  page.good(`0 lost; appending goes on at offset ${baseOffset}`)
  await store.deleteTopic(TOPICS.crash)
  page.say(`deleteTopic('${TOPICS.crash}'): gone for good, the other topics stay`)
}

/** How many acknowledged offsets of each level are not in the log as they were written. */
export function countLost(
  acknowledged: Readonly<Record<Level, readonly number[]>>,
  present: ReadonlySet<number>,
): Record<Level, number> {
  const missing = (level: Level) => acknowledged[level].filter((offset) => !present.has(offset)).length
  return { os: missing('os'), disk: missing('disk') }
}

/** Reads acknowledgements, kills the writer, and reads those that were still in the pipe. */
async function killWhileWriting(writer: Child): Promise<Record<Level, number[]>> {
  const acknowledged: Record<Level, number[]> = { os: [], disk: [] }
  let ended: Promise<string> | undefined
  for (let line = await writer.nextLine(); line !== undefined; line = await writer.nextLine()) {
    const [, offset, level] = /^(\d+) (os|disk)$/.exec(line) ?? []
    if (level === 'os' || level === 'disk') acknowledged[level].push(Number(offset)) // the last line may be torn
    const count = acknowledged.os.length + acknowledged.disk.length
    if (count >= ACKNOWLEDGED_COUNT) ended ??= writer.end('SIGKILL')
  }
  const how = await (ended ?? writer.end('SIGKILL'))
  check(ended !== undefined && how === 'SIGKILL', `the writer ended by itself (${how}), before it was killed`)
  return acknowledged
}

/** The offsets whose record is what the writer appended there. */
async function findPresent(log: Log, earthquakes: readonly Earthquake[]): Promise<Set<number>> {
  const present = new Set<number>()
  for await (const record of log.read()) {
    if (isRecordOf(record, nth(earthquakes, record.offset))) present.add(record.offset)
  }
  return present
}

function printRecovery(page: Page, report: StoreReport, { elapsedMs }: { elapsedMs: number }): void {
  const crashed = report.logs.find(({ topic }) => topic === TOPICS.crash)
  check(crashed !== undefined, `the topic ${TOPICS.crash} is gone`)
  const failed = report.logs.filter(({ error }) => error !== undefined)
  check(failed.length === 0, `${failed.length} logs of the store did not open`)
  const { clean, recoveryPoint, scannedBatches, scannedBytes, cut, damage, notes } = crashed.recovery
  const others = report.logs.filter((log) => log !== crashed).map(({ recovery }) => recovery)
  const otherBytes = others.reduce((sum, recovery) => sum + recovery.scannedBytes, 0)
  page.facts([
    [
      'store opened again',
      `in ${formatElapsed(elapsedMs)}, ${clean ? 'closed in order' : 'not closed in order'}`,
    ],
    ['recovery point', `offset ${recoveryPoint} of ${TOPICS.crash}: below it all was known to be on disk`],
    ['checked', `${formatCount(scannedBatches)} batches, ${formatBytes(scannedBytes)}, every checksum`],
    [
      'torn tail',
      cut === undefined ? 'none' : `${formatBytes(cut.sizeBytes)} cut and kept aside: ${cut.reason}`,
    ],
    ['other logs', `${others.length}, of which ${formatBytes(otherBytes)} were checked`],
    ...damage.map(({ message }) => ['damage', message] as const),
    ...notes.map((note) => ['note', note] as const),
  ])
}

function printCounts(
  page: Page,
  { acknowledged, lost }: { acknowledged: Record<Level, number[]>; lost: Record<Level, number> },
): void {
  page.table(
    [
      { title: 'durability' },
      { title: 'acknowledged', align: 'right' },
      { title: 'found', align: 'right' },
      { title: 'lost', align: 'right' },
    ],
    LEVELS.map((level) => {
      const count = acknowledged[level].length
      return [level, formatCount(count), formatCount(count - lost[level]), formatCount(lost[level])]
    }),
  )
}
