import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Demo, partitionOf, shortPath } from './demo.ts'
import { TOPICS } from './demo-store.ts'
import { toRecord } from './earthquakes.ts'
import { check } from './failure.ts'
import type { Page } from './page.ts'

const PROGRAM = join(import.meta.dirname, '..', 'seglog.js')
const OUTPUT_BYTES_MAX = 1024 * 1024

/** Appends the last earthquakes as one batch in a segment of its own, and dumps that file. */
export async function dumpBatch({ page, home, earthquakes, counts }: Demo): Promise<void> {
  const last = earthquakes.slice(counts.oneByOne + counts.together + counts.live)
  const partition = partitionOf(last[0]!)
  page.chapter(
    'Dump',
    `The last ${last.length} earthquakes, in one append({ partition, records }): one batch, all or nothing; roll() gave it its own`,
    "segment. The dump is what Kafka's own kafka-dump-log prints for this file; its long lines are folded here.",
  )
  const log = home.store.log(TOPICS.earthquakes, partition)
  await log.roll()
  const expected = log.endOffset
  const { baseOffset, lastOffset } = await home.earthquakes.append({ partition, records: last.map(toRecord) })
  check(baseOffset === expected, `the last earthquakes got offset ${baseOffset}, not ${expected}`)
  const path = log.segments().at(-1)?.path ?? ''
  page.say(`$ seglog dump --print-data-log ${shortPath(path)}`)
  const output = await dump(path)
  for (const line of output.trimEnd().split('\n')) sayFolded(page, line)
  const isWhole =
    output.includes(`baseOffset: ${baseOffset} lastOffset: ${lastOffset} count: ${last.length} `) &&
    output.includes('isvalid: true') &&
    last.every(({ net, line }) => output.includes(`key: ${net} payload: ${line}`))
  check(isWhole, 'the dump does not show the batch that was appended')
}

async function dump(path: string): Promise<string> {
  const args = [PROGRAM, 'dump', '--print-data-log', path]
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: OUTPUT_BYTES_MAX })
    return stdout
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    const why = stderr.split('\n').find((line) => /\w: /.test(line))
    check(false, `the dump ended with ${String(code)}: ${why ?? String(error)}`)
  }
}

/** Kafka's lines are long: here they go on, further in, after the last blank that fits. */
function sayFolded(page: Page, line: string): void {
  const width = 92
  let rest = line
  let indent = '  '
  while (rest.length > width) {
    const blank = rest.lastIndexOf(' ', width)
    const end = blank > 0 ? blank : width
    page.say(indent + rest.slice(0, end))
    rest = rest.slice(end).trimStart()
    indent = '      '
  }
  page.say(indent + rest)
}
