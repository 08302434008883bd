import { formatBytes } from '../../cleanup/index.ts'
import {
  type ConfigInput,
  explainPlan,
  isSeglogError,
  type Log,
  type LogRecord,
  type Topic,
} from '../../index.ts'
import type { Demo } from './demo.ts'
import { type Earthquake, isRecordOf } from './earthquakes.ts'
import { check } from './failure.ts'
import { counted, formatCount, formatMoment, type Page } from './page.ts'

/** Lets old segments go, by time and then by size, each time planned and explained first. */
export async function applyRetention({ page, home, byPartition }: Demo): Promise<void> {
  const topic = home.earthquakes
  // Today every earthquake of 2018 is too old, so the plan is made for the moment of the latest.
  const nowMs = latest(topic, byPartition)
  page.chapter(
    'Retention',
    'Old segments go whole, oldest first, in each partition by retention.ms or retention.bytes. plan() says which and why',
    `and changes nothing; clean({ plan }) does exactly that. Age is counted from the latest record, ${formatMoment(nowMs)}.`,
    'Readers that have begun at the first records stay open meanwhile.',
  )
  const count = topic.partitions.reduce((sum, log) => sum + log.readableEndOffset, 0)
  const readers = topic.partitions.map((log) => log.read())
  for (const reader of readers) {
    const first = await reader.next()
    check(first.done !== true && first.value.offset === 0, 'a reader found no first record')
  }
  await cleanBy(topic, page, { nowMs, config: { 'retention.ms': '3d' }, setting: "'retention.ms': '3d'" })
  await refuseOld(topic.partitions[0]!, page, 0)
  page.say('')
  const byBytes = { 'retention.ms': -1, 'retention.bytes': '32KiB' }
  await cleanBy(topic, page, { nowMs, config: byBytes, setting: "'retention.bytes': '32KiB'" })

  const kept = topic.partitions.reduce((sum, log) => sum + log.stats().waitingToBeRemoved, 0)
  let found = 0
  for (const [partition, reader] of readers.entries())
    found += 1 + (await readOn(reader, { from: 1, earthquakes: byPartition[partition]! }))
  check(found === count, `the open readers found ${found} of ${count} records`)
  page.good(
    `readers opened before read all ${formatCount(count)} records: ${counted(kept, 'deleted file')} stayed for them`,
  )
  // What is stored now holds for whoever opens the store next: nothing more goes.
  await topic.updateConfig({ 'retention.bytes': null })
}

function latest(topic: Topic, byPartition: readonly (readonly Earthquake[])[]): number {
  const times = topic.partitions.map(
    (log, partition) => byPartition[partition]?.[log.endOffset - 1]?.time ?? 0,
  )
  return Math.max(...times)
}

async function cleanBy(
  topic: Topic,
  page: Page,
  { nowMs, config, setting }: { nowMs: number; config: ConfigInput; setting: string },
): Promise<void> {
  await topic.updateConfig(config)
  page.say(`updateConfig({ ${setting} }), then plan() of each partition:`)
  const startOffsets = (): string => topic.partitions.map(({ startOffset }) => startOffset).join(' ')
  const before = startOffsets()
  let [deletedCount, bytesFreed] = [0, 0]
  for (const log of topic.partitions) {
    const plan = await log.plan(nowMs)
    for (const line of explainPlan(plan)) page.say(`  ${line}`)
    const report = await log.clean({ plan })
    const [failure] = report.failures
    if (failure !== undefined) throw failure.error
    check(
      report.deleted.length === plan.deleteCount && log.startOffset === plan.newStartOffset,
      `${plan.deleteCount} segments were to go and ${report.deleted.length} went`,
    )
    deletedCount += report.deleted.length
    bytesFreed += report.bytesFreed
  }
  check(deletedCount > 0, `${setting} deleted nothing`)
  page.good(
    `clean({ plan }): ${counted(deletedCount, 'segment')} gone, ${formatBytes(bytesFreed)} freed, ` +
      `start offsets ${before} → ${startOffsets()}`,
  )
}

/** A new reader can't begin below the start: the error says what can be read. */
async function refuseOld(log: Log, page: Page, offset: number): Promise<void> {
  try {
    await log.get(offset)
  } catch (error) {
    if (!isSeglogError(error, 'OFFSET_OUT_OF_RANGE')) throw error
    page.say(`get(${offset}) now: ${error.code}: ${error.message}`)
    return
  }
  check(false, `get(${offset}) succeeded below the start offset ${log.startOffset}`)
}

async function readOn(
  reader: AsyncIterable<LogRecord>,
  { from, earthquakes }: { from: number; earthquakes: readonly Earthquake[] },
): Promise<number> {
  let count = 0
  for await (const record of reader) {
    const isNext = record.offset === from + count && isRecordOf(record, earthquakes[record.offset])
    check(isNext, `the open reader found offset ${record.offset} instead of ${from + count}`)
    count++
  }
  return count
}
