import type { Log } from '../../src/index.ts'
import { RecordTally, type Tally } from './tally.ts'

/** Loads the engine where it is used, so that the process of a bare baseline stays bare. */
export const loadEngine = () => import('../../src/index.ts')

/** Reads a log from its start to its end. */
export async function tallyLog(log: Log): Promise<Tally> {
  const tally = new RecordTally()
  for await (const batch of log.readBatches()) for (const { value } of batch) tally.add(value!)
  return tally.take()
}
