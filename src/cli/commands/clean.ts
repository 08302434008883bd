import type { Command } from 'commander'
import { formatBytes } from '../../cleanup/index.ts'
import { type CleanPlan, type CleanReport, openLog } from '../../index.ts'
import type { CommandContext, Start } from '../context.ts'
import { formatJson } from '../escape.ts'
import { describeFailure, EXIT } from '../failures.ts'
import { plural } from '../words.ts'
import { moment, nameAndValue, repeated, toConfig } from '../option-values.ts'
import { addTopicOptions, findStorePlace, type TopicFlags } from '../topic-options.ts'
import { cleanStore, jsonReport, printPlan } from '../clean-store.ts'

interface CleanFlags extends TopicFlags {
  readonly dryRun?: true
  readonly now?: number
  readonly force?: true
  readonly config?: readonly (readonly [string, string])[]
  readonly json?: true
}

const HELP = `
Example:
  $ seglog clean numbers --dry-run --config retention.bytes=4KiB
  delete  0-374           3.9 KiB  without it 6.7 KiB remain, and retention.bytes needs 4.0 KiB
  keep    375-746         4.0 KiB  stays: age 945ms is not over retention.ms 7d; …
  keep    747-999 active  2.7 KiB  stays: age 944ms is not over retention.ms 7d; …
  log-0 at 2026-11-23T07:08:47.492Z: deletes 1 of 3 segments, 3.9 KiB of 10.6 KiB; …

What is given with --config holds for this run, and is not stored. Of a log, it goes before what is stored with it; of a
store, it is what its topics go by where they have nothing stored, and its disk budget, seglog.retention.total.bytes.`

/** Adds `clean`: retention, now, and explained. */
export function defineClean(program: Command, start: Start): void {
  const command = program
    .command('clean')
    .summary('delete what retention says, and explain it')
    .description(
      'Apply retention.ms and retention.bytes to a log or a store now, and say for each segment why it goes or stays.',
    )
    .argument('<dir>', 'the directory of a log or a store')
  addTopicOptions(command, { topic: 'of a store, only this topic', partition: 'only this partition of it' })
    .option('--dry-run', 'only say what would go; takes no lock and writes nothing')
    .option(
      '--now <time>',
      'judge age as of this moment: ms since 1970, or a date such as 2026-01-31T12:00:00Z',
      moment('--now'),
    )
    .option('--force', "trust the machine's clock although it seems to have jumped ahead")
    .option(
      '--config <key=value>',
      "a configuration key of Kafka's; may be repeated",
      repeated(nameAndValue('--config')),
    )
    .option('--json', 'print the plan, or all plans, and what was done as one JSON object')
    .addHelpText('after', HELP)
    .action((directory: string, flags: CleanFlags) => start((context) => clean(context, directory, flags)))
}

async function clean(context: CommandContext, directory: string, flags: CleanFlags): Promise<number> {
  const { fileSystem, clock } = context.machine
  const config = toConfig(flags.config)
  const place = await findStorePlace(directory, flags, { fileSystem })
  if (place !== undefined) return cleanStore(context, place, { ...flags, config })
  const options = { config, create: false, cleanup: false, fileSystem, clock }
  await using log = await openLog(directory, { ...options, readOnly: flags.dryRun === true })
  if (flags.dryRun === true) {
    showPlan(context, await log.plan(flags.now), undefined, flags)
    return EXIT.ok
  }
  const { now, force = false } = flags
  const report = await log.clean({ force, ...(now === undefined ? {} : { now }) })
  const [plan] = report.plans
  if (plan !== undefined) showPlan(context, plan, report, flags)
  for (const failure of report.failures) context.notes.failure(failure.error)
  const [first] = report.failures
  return first === undefined ? EXIT.ok : describeFailure(first.error).exitCode
}

function showPlan(
  context: CommandContext,
  plan: CleanPlan,
  report: CleanReport | undefined,
  flags: CleanFlags,
): void {
  const { output } = context
  if (flags.json === true) {
    output.line(formatJson({ plan, report: report === undefined ? null : jsonReport(report) }))
    return
  }
  printPlan(context, plan)
  if (report === undefined) return
  const { deleted, bytesFreed, rolled, startOffset, skipped } = report
  const freed = deleted.length === 0 ? '' : `, ${formatBytes(bytesFreed)}, freed when the log is next opened`
  const done = `deleted ${plural(deleted.length, 'segment')}${freed}; the log starts at offset ${startOffset}`
  output.line(rolled ? `started a new segment; ${done}` : done)
  for (const { baseOffset, why } of skipped) output.line(`left the segment at offset ${baseOffset}: ${why}`)
}
