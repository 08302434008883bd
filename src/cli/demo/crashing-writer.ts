/*
 * Appends earthquakes to a topic, of the store in the directory it is given, over and over, until it is killed, and reports each
 * acknowledgement: `OFFSET LEVEL`. Started by the demo, in a process of its own.
 */
import { once } from 'node:events'
import { openStore } from '../../index.ts'
import { endWithParent, report } from './child-process.ts'
import { nth, readEarthquakes, toRecord } from './earthquakes.ts'

/** Bound on the appends under way: enough that the disk always has something to do. */
const WAITING_COUNT_MAX = 64
/** So many ask for 'os', then so many for 'disk'. */
const TURN_COUNT = 256

endWithParent()
const earthquakes = readEarthquakes()
const [directory = '', topic = ''] = process.argv.slice(2)
const store = await openStore(directory, { cleanup: false })
const log = store.log(topic, 0)
const waiting: Promise<void>[] = []
for (let count = 0; ; count++) {
  const durability = Math.floor(count / TURN_COUNT) % 2 === 0 ? 'os' : 'disk'
  const appended = log.append(toRecord(nth(earthquakes, count)), { durability })
  waiting.push(appended.then((result) => report(result.baseOffset, result.durability)))
  if (waiting.length >= WAITING_COUNT_MAX) await waiting.shift()
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain') // the parent has not read them yet
}
