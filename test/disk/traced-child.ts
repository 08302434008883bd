/*
 * A process that is traced: does a set piece of work at a log and says of each thing it was told, at once, on stdout.
 *
 *   A <base> <last> <level>   acknowledged      F <end>   flushed      S <offset>   start moved to it
 *   R <end>   rolled          N   cleaned       Z   closed
 */
import { writeSync } from 'node:fs'
import { type AppendOptions, type Log, type LogOptions, openLog } from '../../src/index.ts'

const directory = process.argv[2]!
const say = (line: string): void => void writeSync(1, `${line}\n`)

const options: LogOptions = {
  durability: 'disk',
  cleanup: false,
  config: {
    'internal.segment.bytes': 2048,
    'index.interval.bytes': 256,
    'retention.ms': -1,
    'retention.bytes': 6000,
    'file.delete.delay.ms': 0,
  },
}

async function append(log: Log, count: number, appendOptions?: AppendOptions): Promise<void> {
  const records = Array.from({ length: count }, (_, slot) => `${slot}`.padEnd(120, '.'))
  const { baseOffset, lastOffset, durability } = await log.append(records, appendOptions)
  say(`A ${baseOffset} ${lastOffset} ${durability}`)
}

async function flush(log: Log): Promise<void> {
  const { endOffset } = log
  await log.flush()
  say(`F ${endOffset}`)
}

/** A new log, or one that was closed in order; the last segment is closed empty or not. */
async function live({ rollsLast }: { rollsLast: boolean }): Promise<void> {
  const log = await openLog(directory, options)
  for (let call = 0; call < 8; call++) await append(log, 1 + (call % 3))
  await Promise.all(Array.from({ length: 24 }, (_, call) => append(log, 1 + (call % 2))))
  await Promise.all([
    append(log, 1, { durability: 'os' }),
    append(log, 2),
    append(log, 1, { durability: 'os' }),
  ])
  await append(log, 3, { durability: 'os' })
  await log.roll()
  say(`R ${log.endOffset}`)
  await append(log, 1, { durability: 'os' })
  await append(log, 1, { durability: 'os' })
  await flush(log)
  const startOffset = log.startOffset + 7
  await append(log, 2, { durability: 'os' })
  await log.deleteRecordsBefore(startOffset)
  say(`S ${startOffset}`)
  await Promise.all([append(log, 2), append(log, 1), log.clean().then(() => say('N'))])
  await append(log, 1)
  if (rollsLast) await log.roll()
  await log.close()
  say('Z')
}

await live({ rollsLast: false })
await live({ rollsLast: true })
await live({ rollsLast: false })
