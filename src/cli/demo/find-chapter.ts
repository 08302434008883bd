import type { LogRecord } from '../../index.ts'
import type { Demo } from './demo.ts'
import { fromRecord, isRecordOf } from './earthquakes.ts'
import { check } from './failure.ts'
import { formatCount, formatElapsed, formatMoment } from './page.ts'

const OFFSET = 1_000
const TIME = '2018-02-04T00:00:00Z'

/** Finds records three ways: by offset, by time, by reading them all. */
export async function findRecords({ page, log, earthquakes }: Demo): Promise<void> {
  page.chapter(
    'Find',
    'By offset and by time through a sparse index (SQLite, disposable: every hit is checked against the log).',
  )
  const rows: string[][] = []
  const add = (how: string, record: LogRecord, sinceMs: number) =>
    rows.push([how, ...describe(record), formatElapsed(performance.now() - sinceMs)])

  const byOffsetMs = performance.now()
  const byOffset = await log.get(OFFSET)
  check(
    byOffset !== undefined && isRecordOf(byOffset, earthquakes[OFFSET]),
    `get(${OFFSET}) found the wrong record`,
  )
  add(`get(${OFFSET})`, byOffset, byOffsetMs)

  const byTimeMs = performance.now()
  const found = await log.offsetForTimestamp(Date.parse(TIME))
  const byTime = found && (await log.get(found.offset))
  const expected = earthquakes.findIndex(({ time }) => time >= Date.parse(TIME))
  check(byTime?.offset === expected, `offsetForTimestamp(${TIME}) found ${found?.offset}, not ${expected}`)
  add(`first on or after ${formatMoment(Date.parse(TIME))}`, byTime, byTimeMs)

  const scanMs = performance.now()
  const { strongest, count } = await scan(log.read())
  check(count === log.readableEndOffset, `reading found ${count} of ${log.readableEndOffset} records`)
  add(`strongest of ${formatCount(count)}, by reading all`, strongest, scanMs)

  page.table(
    [
      { title: 'how' },
      { title: 'offset', align: 'right' },
      { title: 'when (UTC)' },
      { title: 'M', align: 'right' },
      { title: 'where' },
      { title: 'took', align: 'right' },
    ],
    rows,
  )
}

async function scan(records: AsyncIterable<LogRecord>): Promise<{ strongest: LogRecord; count: number }> {
  let count = 0
  let strongest: LogRecord | undefined
  let magnitude = Number.NEGATIVE_INFINITY
  for await (const record of records) {
    count++
    const { mag } = fromRecord(record)
    if (mag > magnitude) [strongest, magnitude] = [record, mag]
  }
  check(strongest !== undefined, 'reading found no record')
  return { strongest, count }
}

function describe(record: LogRecord): string[] {
  const { mag, place } = fromRecord(record)
  return [String(record.offset), formatMoment(record.timestamp), mag.toFixed(1), place]
}
