import type { LogRecord, Topic } from '../../index.ts'
import type { Demo } from './demo.ts'
import { fromRecord, isRecordOf } from './earthquakes.ts'
import { check } from './failure.ts'
import { formatCount, formatElapsed, formatMoment } from './page.ts'

const PARTITION = 1
const OFFSET = 400
const TIME = '2018-02-04T00:00:00Z'

/** Finds records three ways: by offset, by time, by reading them all. */
export async function findRecords({ page, home, earthquakes, byPartition }: Demo): Promise<void> {
  page.chapter(
    'Find',
    'By offset and by time through a sparse index (SQLite, disposable: every hit is checked against the log).',
    'Offsets count within a partition; a read of the topic merges all of them, each in its order.',
  )
  const topic = home.earthquakes
  const rows: string[][] = []
  const add = (how: string, found: Found, sinceMs: number) =>
    rows.push([how, ...describe(found), formatElapsed(performance.now() - sinceMs)])

  const byOffsetMs = performance.now()
  const byOffset = await topic.partitions[PARTITION]!.get(OFFSET)
  check(
    byOffset !== undefined && isRecordOf(byOffset, byPartition[PARTITION]![OFFSET]),
    `get(${OFFSET}) found the wrong record`,
  )
  add(`get(${OFFSET}) in partition ${PARTITION}`, { partition: PARTITION, record: byOffset }, byOffsetMs)

  const byTimeMs = performance.now()
  const byTime = await findByTime(topic, Date.parse(TIME))
  const expected = earthquakes.find(({ time }) => time >= Date.parse(TIME))
  check(
    byTime !== undefined && isRecordOf(byTime.record, expected),
    `the first since ${TIME} is another record`,
  )
  add(`first on or after ${formatMoment(Date.parse(TIME))}`, byTime, byTimeMs)

  const scanMs = performance.now()
  const { strongest, count } = await scan(topic)
  const end = topic.partitions.reduce((sum, log) => sum + log.readableEndOffset, 0)
  check(count === end, `reading found ${count} of ${end} records`)
  add(`strongest of ${formatCount(count)}, by reading all`, strongest, scanMs)

  page.table(
    [
      { title: 'how' },
      { title: 'partition', align: 'right' },
      { title: 'offset', align: 'right' },
      { title: 'when (UTC)' },
      { title: 'M', align: 'right' },
      { title: 'where' },
      { title: 'took', align: 'right' },
    ],
    rows,
  )
}

interface Found {
  readonly partition: number
  readonly record: LogRecord
}

/** The earliest of what each partition has from then on. */
async function findByTime(topic: Topic, timestampMs: number): Promise<Found | undefined> {
  let first: Found | undefined
  for (const [partition, log] of topic.partitions.entries()) {
    const hit = await log.offsetForTimestamp(timestampMs)
    const record = hit && (await log.get(hit.offset))
    if (record !== undefined && record.timestamp < (first?.record.timestamp ?? Number.POSITIVE_INFINITY))
      first = { partition, record }
  }
  return first
}

async function scan(topic: Topic): Promise<{ strongest: Found; count: number }> {
  let count = 0
  let strongest: Found | undefined
  let magnitude = Number.NEGATIVE_INFINITY
  for await (const record of topic.read()) {
    count++
    const { mag } = fromRecord(record)
    if (mag > magnitude) [strongest, magnitude] = [{ partition: record.partition, record }, mag]
  }
  check(strongest !== undefined, 'reading found no record')
  return { strongest, count }
}

function describe({ partition, record }: Found): string[] {
  const { mag, place } = fromRecord(record)
  return [String(partition), String(record.offset), formatMoment(record.timestamp), mag.toFixed(1), place]
}
