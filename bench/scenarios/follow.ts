import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Arrivals, Sendings, type SendingPlan } from '../support/arrivals.ts'
import { BareFile } from '../support/bare-file.ts'
import { loadEngine } from '../support/engine.ts'
import { type Follower, startFollower } from '../support/follower-messages.ts'
import { followLog } from '../support/followers.ts'
import { watchLoop } from '../support/loop-watch.ts'
import { checkTally } from '../support/tally.ts'
import { type Context, type Outcome, type Row, scenario } from '../scenario.ts'

interface FollowParameters extends Record<string, number>, SendingPlan {
  readonly pauseMs: number
  readonly burstPauseMs: number
}

const shape = { valueBytes: 100, pauseMs: 1, burstPauseMs: 10, burstRecords: 50 }

/**
 * From just before a record is appended to when a follower has it, by the clock of the machine; level os. The bare
 * baseline writes a record a call to a file, and another process is told by the system and reads on.
 */
export const follow = scenario<FollowParameters>({
  name: 'follow',
  isOnlyFull: true,
  title: 'From append to a follower, 100 B, level os: a record every ms, and bursts of 50 un-awaited',
  parameters: {
    full: { ...shape, warmupRecords: 200, steadyRecords: 1500, bursts: 60 },
    quick: { ...shape, warmupRecords: 50, steadyRecords: 250, bursts: 12 },
    smoke: { ...shape, warmupRecords: 2, steadyRecords: 5, bursts: 1 },
  },
  subjects: {
    'one process': followInProcess,
    'two processes': followAcross,
    'two processes, bare': followBare,
  },
  rows: [
    ...followRows('one process', 'From append to a follower in the same process', {}),
    ...followRows('two processes', 'From append to a follower in another process', {
      beside: { subject: 'two processes, bare' },
    }),
  ],
})

function followRows(subject: string, work: string, rest: Pick<Row, 'beside'>): Row[] {
  const row = { unit: 'µs', subject, ...rest } as const
  return [
    { ...row, work: `${work}, one every ms, median`, metric: 'steadyP50Microseconds' },
    { ...row, work: 'the same, 99th percentile', metric: 'steadyP99Microseconds' },
    { ...row, work: `${work}, bursts, median`, metric: 'burstP50Microseconds' },
    { ...row, work: 'the same, 99th percentile', metric: 'burstP99Microseconds' },
  ]
}

async function followInProcess({ directory, parameters }: Context<FollowParameters>): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const log = await openLog(join(directory, 'log'), { durability: 'os' })
  const arrivals = new Arrivals(parameters)
  const warm = Promise.withResolvers<void>()
  const complete = followLog(log, arrivals, () => {
    if (arrivals.isWarm) warm.resolve()
  }).then(() => arrivals.report())
  complete.catch(warm.reject)
  const outcome = await send(parameters, { warm: warm.promise, complete }, (value) => log.append(value))
  await log.close()
  return outcome
}

async function followAcross({ directory, parameters }: Context<FollowParameters>): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const path = join(directory, 'log')
  const log = await openLog(path, { durability: 'os' })
  const follower = startFollower({ kind: 'log', path, plan: parameters })
  const outcome = await send(parameters, follower, (value) => log.append(value))
  await log.close()
  return outcome
}

async function followBare({ directory, parameters }: Context<FollowParameters>): Promise<Outcome> {
  const path = join(directory, 'bare')
  const file = new BareFile(path)
  const follower = startFollower({ kind: 'file', path, plan: parameters })
  const outcome = await send(parameters, follower, async (value) => file.append([value]))
  file.close()
  return outcome
}

/** Sends as planned. What the event loop goes through meanwhile is that of the sending process. */
async function send(
  parameters: FollowParameters,
  follower: Follower,
  append: (value: Buffer) => Promise<unknown>,
): Promise<Outcome> {
  const { valueBytes, warmupRecords, steadyRecords, burstRecords, bursts, pauseMs, burstPauseMs } = parameters
  const sendings = new Sendings()
  const sendSteadily = async (count: number): Promise<void> => {
    for (let sent = 0; sent < count; sent++) {
      await append(sendings.next(valueBytes))
      await sleep(pauseMs)
    }
  }
  await sendSteadily(warmupRecords)
  await follower.warm
  await watchLoop(async () => {
    await sendSteadily(steadyRecords)
    for (let burst = 0; burst < bursts; burst++) {
      await Promise.all(Array.from({ length: burstRecords }, () => append(sendings.next(valueBytes))))
      await sleep(burstPauseMs)
    }
  })
  const { received, ...metrics } = await follower.complete
  return { metrics, checked: checkTally(received, sendings.take()) }
}
