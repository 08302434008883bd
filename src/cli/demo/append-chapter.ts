import { formatBytes } from '../../cleanup/index.ts'
import type { AppendResult, Log } from '../../index.ts'
import type { Demo } from './demo.ts'
import { type Earthquake, toRecord } from './earthquakes.ts'
import { check } from './failure.ts'
import { formatCount, formatElapsed } from './page.ts'

interface Run {
  readonly how: string
  readonly count: number
  readonly bytes: number
  readonly elapsedMs: number
  readonly durability: string
}

type Append = (log: Log, earthquakes: readonly Earthquake[]) => Promise<AppendResult[]>

/** Appends the earthquakes twice differently: waiting for each, and waiting for all. */
export async function appendEarthquakes({ page, log, earthquakes, counts }: Demo): Promise<void> {
  page.chapter(
    'Append',
    "Each earthquake is a record: key = its id, timestamp = when it happened, value = its JSON. 'disk'",
    'means acknowledged after an fdatasync; records that wait together share one (group commit).',
  )
  const { oneByOne, together, live } = counts
  const total = oneByOne + together
  const runs = [
    await measure(log, {
      how: 'one by one',
      earthquakes: earthquakes.slice(0, oneByOne),
      append: appendEach,
    }),
    await measure(log, {
      how: 'all at once',
      earthquakes: earthquakes.slice(oneByOne, total),
      append: appendTogether,
    }),
  ]
  page.table(
    [
      { title: 'awaited' },
      { title: 'records', align: 'right' },
      { title: 'written', align: 'right' },
      { title: 'time', align: 'right' },
      { title: 'records/s', align: 'right' },
      { title: 'durability' },
    ],
    runs.map(({ how, count, bytes, elapsedMs, durability }) => [
      how,
      formatCount(count),
      formatBytes(bytes),
      formatElapsed(elapsedMs),
      formatCount((count / elapsedMs) * 1000),
      durability,
    ]),
  )
  check(log.durableOffset === total, `${total} records were appended, ${log.durableOffset} are on disk`)
  page.say('')
  page.good(
    `${formatCount(total)} of ${formatCount(earthquakes.length)} records are on disk; ${live} arrive live in chapter 4, the last ${earthquakes.length - total - live} in chapter 7`,
  )
}

async function measure(
  log: Log,
  run: { how: string; earthquakes: readonly Earthquake[]; append: Append },
): Promise<Run> {
  const bytesBefore = log.stats().sizeBytes
  const startedMs = performance.now()
  const results = await run.append(log, run.earthquakes)
  const elapsedMs = performance.now() - startedMs
  return {
    how: run.how,
    count: results.length,
    bytes: log.stats().sizeBytes - bytesBefore,
    elapsedMs,
    durability: [...new Set(results.map(({ durability }) => durability))].join(', '),
  }
}

async function appendEach(log: Log, earthquakes: readonly Earthquake[]): Promise<AppendResult[]> {
  const results: AppendResult[] = []
  for (const earthquake of earthquakes) results.push(await log.append(toRecord(earthquake)))
  return results
}

async function appendTogether(log: Log, earthquakes: readonly Earthquake[]): Promise<AppendResult[]> {
  return Promise.all(earthquakes.map((earthquake) => log.append(toRecord(earthquake))))
}
