import { formatBytes } from '../../cleanup/index.ts'
import type { AppendResult, Topic } from '../../index.ts'
import { type Demo, spread } from './demo.ts'
import { type Earthquake, toRecord } from './earthquakes.ts'
import { check } from './failure.ts'
import { formatCount, formatElapsed, type Page } from './page.ts'

interface Run {
  readonly how: string
  readonly count: number
  readonly bytes: number
  readonly elapsedMs: number
  readonly durability: string
}

type Append = (topic: Topic, earthquakes: readonly Earthquake[]) => Promise<AppendResult[]>

/** Appends the earthquakes twice differently: waiting for each, and waiting for all. */
export async function appendEarthquakes({ page, home, earthquakes, counts }: Demo): Promise<void> {
  const topic = home.earthquakes
  page.chapter(
    'Append',
    `The topic ${topic.name} has ${topic.partitions.length} partitions, each a log. Each earthquake is a record: key = its network, whose`,
    "hash says which partition, timestamp = when it happened, value = its JSON. 'disk' means acknowledged",
    'after an fdatasync; records that wait together share one (group commit).',
  )
  const { oneByOne, together, live } = counts
  const total = oneByOne + together
  const runs = [
    await measure(topic, {
      how: 'one by one',
      earthquakes: earthquakes.slice(0, oneByOne),
      append: appendEach,
    }),
    await measure(topic, {
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
  page.say('')
  showPartitions(page, topic, spread(earthquakes.slice(0, total)))
  page.say('')
  page.good(
    `${formatCount(total)} of ${formatCount(earthquakes.length)} records are on disk; ${live} arrive live in chapter 4, the last ${earthquakes.length - total - live} in chapter 8`,
  )
}

/** Where the records are, which is where their keys say. */
function showPartitions(page: Page, topic: Topic, expected: readonly (readonly Earthquake[])[]): void {
  page.table(
    [
      { title: 'partition', align: 'right' },
      { title: 'records', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'keys' },
    ],
    topic.partitions.map((log, partition) => {
      const there = expected[partition]!
      check(
        log.durableOffset === there.length,
        `${there.length} records belong into partition ${partition}, ${log.durableOffset} are on disk there`,
      )
      return [
        String(partition),
        formatCount(log.durableOffset),
        formatBytes(log.stats().sizeBytes),
        [...new Set(there.map(({ net }) => net))].sort().join(' '),
      ]
    }),
  )
}

async function measure(
  topic: Topic,
  run: { how: string; earthquakes: readonly Earthquake[]; append: Append },
): Promise<Run> {
  const sizeBytes = (): number => topic.partitions.reduce((sum, log) => sum + log.stats().sizeBytes, 0)
  const bytesBefore = sizeBytes()
  const startedMs = performance.now()
  const results = await run.append(topic, run.earthquakes)
  const elapsedMs = performance.now() - startedMs
  return {
    how: run.how,
    count: results.length,
    bytes: sizeBytes() - bytesBefore,
    elapsedMs,
    durability: [...new Set(results.map(({ durability }) => durability))].join(', '),
  }
}

async function appendEach(topic: Topic, earthquakes: readonly Earthquake[]): Promise<AppendResult[]> {
  const results: AppendResult[] = []
  for (const earthquake of earthquakes) results.push(await topic.append(toRecord(earthquake)))
  return results
}

async function appendTogether(topic: Topic, earthquakes: readonly Earthquake[]): Promise<AppendResult[]> {
  return Promise.all(earthquakes.map((earthquake) => topic.append(toRecord(earthquake))))
}
