/*
 * Follows the log in the directory it is given, from its end on, and reports each record: `seen OFFSET KEY NANOSECONDS`.
 * Started by the demo, in a process of its own.
 */
import { openLog } from '../../index.ts'
import { endWithParent, report } from './child-process.ts'

endWithParent()
const log = await openLog(process.argv[2] ?? '', { readOnly: true })
const from = log.readableEndOffset
report('ready', from)
for await (const record of log.read({ from, follow: true })) {
  report('seen', record.offset, record.key?.toString() ?? '', process.hrtime.bigint())
}
