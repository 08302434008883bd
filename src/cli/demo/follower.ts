/*
 * Follows a topic, of the store in the directory it is given, from the first record that is not older than a moment, and
 * reports each: `seen PARTITION:OFFSET ID NANOSECONDS`. Started by the demo, in a process of its own.
 */
import { openStore } from '../../index.ts'
import { endWithParent, report } from './child-process.ts'
import { fromRecord } from './earthquakes.ts'

endWithParent()
const [directory = '', name = '', fromMs = ''] = process.argv.slice(2)
const store = await openStore(directory, { readOnly: true })
const topic = store.topic(name)
const records = topic.read({ from: { timestamp: Number(fromMs) }, follow: true })
report(
  'ready',
  topic.partitions.reduce((sum, log) => sum + log.readableEndOffset, 0),
)
for await (const record of records) {
  const { id } = fromRecord(record)
  report('seen', `${record.partition}:${record.offset}`, id, process.hrtime.bigint())
}
