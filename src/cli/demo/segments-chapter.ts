import { formatBytes } from '../../cleanup/index.ts'
import { type Demo, SEGMENT_BYTES } from './demo.ts'
import { check } from './failure.ts'
import { formatCount, formatMoment } from './page.ts'

/** Shows the files the log consists of by now. */
export async function showSegments({ page, home }: Demo): Promise<void> {
  page.chapter(
    'Segments',
    `A log is a row of files named after their first offset. Here a new one begins every ${formatBytes(SEGMENT_BYTES)}`,
    "(Kafka's default is 1 GiB). Only the last is written to; the bytes are Kafka's own record batches.",
  )
  const { store, earthquakes } = home
  const segments = earthquakes.partitions.flatMap((log, partition) =>
    log.segments().map((segment) => ({ partition, ...segment })),
  )
  const rows: string[][] = []
  for (const { partition, baseOffset, nextOffset, sizeBytes, maxTimestamp, active } of segments) {
    const first = await store.log(earthquakes.name, partition).get(baseOffset)
    check(first !== undefined, `the segment at ${baseOffset} has no record at its base offset`)
    rows.push([
      String(partition),
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
      { title: 'partition', align: 'right' },
      { title: 'base offset', align: 'right' },
      { title: 'records', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'from (UTC)' },
      { title: 'to' },
      { title: '' },
    ],
    rows,
  )
  const sealed = segments.filter(({ active }) => !active)
  check(
    sealed.length >= earthquakes.partitions.length,
    `${sealed.length} sealed segments: the logs did not roll`,
  )
}
