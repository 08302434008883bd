import type { Topic } from '../../index.ts'
import type { Demo } from './demo.ts'
import { type Earthquake, fromRecord, toRecord } from './earthquakes.ts'
import { check } from './failure.ts'
import { formatCount, formatElapsed } from './page.ts'

const GROUP = 'strong-quakes'
const STRONG = 4.5
/** The group stops after so many records, in the middle of things. */
const STOP_AFTER = 700

/** What one run of the group came to. */
interface Run {
  readonly how: string
  readonly from: readonly number[]
  readonly to: readonly number[]
  readonly records: number
  readonly strong: number
  readonly elapsedMs: number
}

/** Feeds a second topic from the first one through a group that stops, and goes on where it was. */
export async function feedStrong({ page, home, earthquakes }: Demo): Promise<void> {
  page.chapter(
    'Groups',
    `The group ${GROUP} reads all partitions, appends what has magnitude ${STRONG} or more to a second topic, and then`,
    'commits how far it is, on disk, to an internal topic. It stops half-way, the store is closed and opened again,',
    'and it goes on where it was: in a crash between append and commit, it would see a record twice, and lose none.',
  )
  const runs = [await follow(home, { how: 'begins', countMax: STOP_AFTER })]
  await home.close()
  await home.open()
  runs.push(await follow(home, { how: 'opened again', countMax: Number.POSITIVE_INFINITY }))
  page.table(
    [
      { title: 'run' },
      { title: 'from offsets' },
      { title: 'committed' },
      { title: 'records', align: 'right' },
      { title: 'strong', align: 'right' },
      { title: 'time', align: 'right' },
    ],
    runs.map(({ how, from, to, records, strong, elapsedMs }) => [
      how,
      from.join(' '),
      to.join(' '),
      formatCount(records),
      String(strong),
      formatElapsed(elapsedMs),
    ]),
  )
  const read = runs.reduce((sum, { records }) => sum + records, 0)
  const ends = home.earthquakes.partitions.map((log) => log.readableEndOffset)
  const end = ends.reduce((sum, offset) => sum + offset, 0)
  check(read === end, `the group saw ${read} records of ${end}`)
  check(String(runs[1]?.to) === String(ends), `the group is at ${runs[1]?.to}, the topic ends at ${ends}`)
  await checkStrong(home.strong, earthquakes.slice(0, end))
  page.say('')
  page.good(
    `${formatCount(read)} records, each once; ${home.strong.name} has the ${home.strong.partitions[0]?.endOffset} strong ones`,
  )
}

/** Reads on for the group, up to a count; what is derived is on disk before the offset is committed. */
async function follow(
  { earthquakes: topic, strong }: { earthquakes: Topic; strong: Topic },
  { how, countMax }: { how: string; countMax: number },
): Promise<Run> {
  const startedMs = performance.now()
  const positions = (): number[] =>
    topic.partitions.map((_, partition) => topic.committed(GROUP, partition) ?? 0)
  const from = positions()
  const next = new Map<number, number>()
  const found: Earthquake[] = []
  let records = 0
  for await (const record of topic.read({ from: { group: GROUP } })) {
    const earthquake = fromRecord(record)
    if (earthquake.mag >= STRONG) found.push(earthquake)
    next.set(record.partition, record.offset + 1)
    if (++records === countMax) break
  }
  await Promise.all(found.map((earthquake) => strong.append(toRecord(earthquake))))
  for (const [partition, nextOffset] of next) await topic.commit(GROUP, { partition, nextOffset })
  return {
    how,
    from,
    to: positions(),
    records,
    strong: found.length,
    elapsedMs: performance.now() - startedMs,
  }
}

/** The second topic holds every strong earthquake once. */
async function checkStrong(topic: Topic, earthquakes: readonly Earthquake[]): Promise<void> {
  const expected = earthquakes.filter(({ mag }) => mag >= STRONG).map(({ id }) => id)
  const found: string[] = []
  for await (const record of topic.read()) found.push(fromRecord(record).id)
  check(
    String(found.sort()) === String(expected.sort()),
    `${found.length} earthquakes are in ${topic.name}, ${expected.length} are strong`,
  )
}
