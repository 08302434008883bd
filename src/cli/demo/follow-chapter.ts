import { type Child, startChild } from './child-process.ts'
import type { Demo } from './demo.ts'
import { toRecord } from './earthquakes.ts'
import { check } from './failure.ts'
import { formatElapsed } from './page.ts'

/** Appends while another process, which opened the store for reading only, follows the topic. */
export async function followLive({ page, home, earthquakes, counts }: Demo): Promise<void> {
  const topic = home.earthquakes
  const first = counts.oneByOne + counts.together
  const live = earthquakes.slice(first, first + counts.live)
  const fromMs = String(live[0]?.time ?? 0)
  const follower = startChild(new URL('./follower.ts', import.meta.url), [home.directory, topic.name, fromMs])
  try {
    const ready = await follower.nextLine()
    check(ready === `ready ${first}`, `the follower began with '${ready}'`)
    page.chapter(
      'Follow',
      `Process ${follower.pid} opened the same store with readOnly: true and waits at the end of the topic, without a lock.`,
      `These ${counts.live} arrive now. Times are from the call of append() in this process.`,
    )
    const rows: string[][] = []
    for (const earthquake of live) {
      const appendedNs = process.hrtime.bigint()
      const { partition, lastOffset } = await topic.append(toRecord(earthquake))
      const acknowledgedNs = process.hrtime.bigint()
      const seenNs = await sighting(follower, { partition, offset: lastOffset, id: earthquake.id })
      rows.push([
        String(partition),
        String(lastOffset),
        earthquake.mag.toFixed(1),
        earthquake.place,
        formatElapsed(Number(acknowledgedNs - appendedNs) / 1e6),
        formatElapsed(Number(seenNs - appendedNs) / 1e6),
      ])
    }
    page.table(
      [
        { title: 'partition', align: 'right' },
        { title: 'offset', align: 'right' },
        { title: 'M', align: 'right' },
        { title: 'where' },
        { title: 'on disk after', align: 'right' },
        { title: 'seen there after', align: 'right' },
      ],
      rows,
    )
  } finally {
    await follower.end('SIGTERM')
  }
}

/** When the follower got the record, by the clock that all processes of a machine share. */
async function sighting(
  follower: Child,
  expected: { partition: number; offset: number; id: string },
): Promise<bigint> {
  const line = await follower.nextLine()
  const { partition, offset, id } = expected
  const [word, place, foundId, seenNs] = line?.split(' ') ?? []
  const isIt = word === 'seen' && place === `${partition}:${offset}` && foundId === id
  check(
    isIt && seenNs !== undefined,
    `the follower saw '${line}', not offset ${offset} of partition ${partition}`,
  )
  return BigInt(seenNs)
}
