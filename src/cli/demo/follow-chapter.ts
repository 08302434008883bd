import { type Child, startChild } from './child-process.ts'
import type { Demo } from './demo.ts'
import { toRecord } from './earthquakes.ts'
import { check } from './failure.ts'
import { formatElapsed } from './page.ts'

/** Appends while another process, which opened the log for reading only, follows it. */
export async function followLive({ page, log, earthquakes, counts }: Demo): Promise<void> {
  const follower = startChild(new URL('./follower.ts', import.meta.url), [log.directory])
  try {
    const ready = await follower.nextLine()
    check(ready === `ready ${log.readableEndOffset}`, `the follower began with '${ready}'`)
    page.chapter(
      'Follow',
      `Process ${follower.pid} opened the same log with readOnly: true and waits at its end, without a lock.`,
      `These ${counts.live} arrive now. Times are from the call of append() in this process.`,
    )
    const rows: string[][] = []
    const first = log.endOffset
    for (const earthquake of earthquakes.slice(first, first + counts.live)) {
      const appendedNs = process.hrtime.bigint()
      const { lastOffset } = await log.append(toRecord(earthquake))
      const acknowledgedNs = process.hrtime.bigint()
      const seenNs = await sighting(follower, { offset: lastOffset, key: earthquake.id })
      rows.push([
        String(lastOffset),
        earthquake.mag.toFixed(1),
        earthquake.place,
        formatElapsed(Number(acknowledgedNs - appendedNs) / 1e6),
        formatElapsed(Number(seenNs - appendedNs) / 1e6),
      ])
    }
    page.table(
      [
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
async function sighting(follower: Child, expected: { offset: number; key: string }): Promise<bigint> {
  const line = await follower.nextLine()
  const [word, offset, key, seenNs] = line?.split(' ') ?? []
  const isIt = word === 'seen' && offset === String(expected.offset) && key === expected.key
  check(isIt && seenNs !== undefined, `the follower saw '${line}', not offset ${expected.offset}`)
  return BigInt(seenNs)
}
