import { formatBytes } from '../../cleanup/index.ts'
import { type ConfigInput, explainPlan, isSeglogError, type Log, type LogRecord } from '../../index.ts'
import type { Demo } from './demo.ts'
import { type Earthquake, isRecordOf } from './earthquakes.ts'
import { check } from './failure.ts'
import { counted, formatCount, formatMoment, type Page } from './page.ts'

/** Lets old segments go, by time and then by size, each time planned and explained first. */
export async function applyRetention({ page, log, earthquakes }: Demo): Promise<void> {
  // Today every earthquake of 2018 is too old, so the plan is made for the moment of the latest.
  const nowMs = earthquakes[log.endOffset - 1]?.time ?? 0
  page.chapter(
    'Retention',
    'Old segments go whole, oldest first, by retention.ms or retention.bytes. plan() says which and why and',
    `changes nothing; clean({ plan }) does exactly that. Age is counted from the latest record, ${formatMoment(nowMs)}.`,
    'A reader that has begun at the first record stays open meanwhile.',
  )
  const begun = { start: log.startOffset, end: log.readableEndOffset }
  const reader = log.read()
  const first = await reader.next()
  check(first.done !== true && first.value.offset === begun.start, 'the reader found no first record')

  await cleanBy(log, page, { nowMs, config: { 'retention.ms': '3d' }, setting: "'retention.ms': '3d'" })
  await refuseOld(log, page, begun.start)
  page.say('')
  const byBytes = { 'retention.ms': -1, 'retention.bytes': '64KiB' }
  await cleanBy(log, page, { nowMs, config: byBytes, setting: "'retention.bytes': '64KiB'" })

  const kept = log.stats().waitingToBeRemoved
  const count = 1 + (await readOn(reader, { from: begun.start + 1, earthquakes }))
  check(
    count === begun.end - begun.start,
    `the open reader found ${count} of ${begun.end - begun.start} records`,
  )
  page.good(
    `the reader opened before read all ${formatCount(count)} records: ${counted(kept, 'deleted file')} stayed for it`,
  )
  // What is stored now holds for whoever opens the log next: nothing more goes.
  await log.updateConfig({ 'retention.bytes': null })
}

async function cleanBy(
  log: Log,
  page: Page,
  { nowMs, config, setting }: { nowMs: number; config: ConfigInput; setting: string },
): Promise<void> {
  await log.updateConfig(config)
  const startBefore = log.startOffset
  const plan = await log.plan(nowMs)
  page.say(`updateConfig({ ${setting} }), then plan():`)
  for (const line of explainPlan(plan)) page.say(`  ${line}`)
  const report = await log.clean({ plan })
  const [failure] = report.failures
  if (failure !== undefined) throw failure.error
  check(
    report.deleted.length === plan.deleteCount && log.startOffset === plan.newStartOffset,
    `${plan.deleteCount} segments were to go and ${report.deleted.length} went`,
  )
  check(report.deleted.length > 0, `${setting} deleted nothing`)
  page.good(
    `clean({ plan }): ${counted(report.deleted.length, 'segment')} gone, ${formatBytes(report.bytesFreed)} freed, ` +
      `start offset ${startBefore} → ${log.startOffset}`,
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
