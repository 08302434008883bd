import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Demo, shortPath } from './demo.ts'
import { toRecord } from './earthquakes.ts'
import { check } from './failure.ts'
import type { Page } from './page.ts'

const PROGRAM = join(import.meta.dirname, '..', 'seglog.js')
const OUTPUT_BYTES_MAX = 1024 * 1024

/** Appends the last earthquakes as one batch in a segment of its own, and dumps that file. */
export async function dumpBatch({ page, log, earthquakes }: Demo): Promise<void> {
  const last = earthquakes.slice(log.endOffset)
  page.chapter(
    'Dump',
    `The last ${last.length} earthquakes, in one append(): one batch, all or nothing; roll() gave it its own segment.`,
    "The dump is what Kafka's own kafka-dump-log prints for this file; its long lines are folded here.",
  )
  await log.roll()
  const { baseOffset, lastOffset } = await log.append(last.map(toRecord))
  check(lastOffset === earthquakes.length - 1, `the last earthquake got offset ${lastOffset}`)
  const path = log.segments().at(-1)?.path ?? ''
  page.say(`$ seglog dump --print-data-log ${shortPath(path)}`)
  const output = await dump(path)
  for (const line of output.trimEnd().split('\n')) sayFolded(page, line)
  const isWhole =
    output.includes(`baseOffset: ${baseOffset} lastOffset: ${lastOffset} count: ${last.length} `) &&
    output.includes('isvalid: true') &&
    last.every(({ id, line }) => output.includes(`key: ${id} payload: ${line}`))
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
