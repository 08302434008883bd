import { formatBytes } from '../../cleanup/index.ts'
import { type Demo, SEGMENT_BYTES } from './demo.ts'
import { check } from './failure.ts'
import { formatCount, formatMoment } from './page.ts'

/** Shows the files the log consists of by now. */
export async function showSegments({ page, log }: Demo): Promise<void> {
  page.chapter(
    'Segments',
    `A log is a row of files named after their first offset. Here a new one begins every ${formatBytes(SEGMENT_BYTES)}`,
    "(Kafka's default is 1 GiB). Only the last is written to; the bytes are Kafka's own record batches.",
  )
  const segments = log.segments()
  const rows: string[][] = []
  for (const { baseOffset, nextOffset, sizeBytes, maxTimestamp, active } of segments) {
    const first = await log.get(baseOffset)
    check(first !== undefined, `the segment at ${baseOffset} has no record at its base offset`)
    rows.push([
      String(baseOffset),
      formatCount(nextOffset - baseOffset),
      formatBytes(sizeBytes),
      formatMoment(first.timestamp),
      formatMoment(maxTimestamp),
      active ? 'active' : 'sealed',
    ])
  }
  page.table(
    [
      { title: 'base offset', align: 'right' },
      { title: 'records', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'from (UTC)' },
      { title: 'to' },
      { title: '' },
    ],
    rows,
  )
  check(segments.length > 2, `${segments.length} segments: the log did not roll`)
}
