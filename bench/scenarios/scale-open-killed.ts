import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { loadEngine, tallyLog } from '../support/engine.ts'
import { createBatches } from '../support/payload.ts'
import { checkTally, type Tally, tallyOf } from '../support/tally.ts'
import { timeOnce } from '../support/timing.ts'
import { type Context, type Outcome, type Row, scenario } from '../scenario.ts'
import { largeShape, leaveOpen } from './reopen.ts'

interface KilledParameters extends Record<string, number> {
  /** Past the recovery point, of the shortest tail; the others are ten and a hundred times as long. */
  readonly tailMiB: number
  /** Openings in one process; the figure is their median, so that what a process does once is not in it. */
  readonly openings: number
}

const RECOVERY_POINT = 'recovery-point-offset-checkpoint'
const MIB = 1024 * 1024
const TIMES = [0, 1, 10, 100] as const
const work = 'Opening a log after a kill'

/** Opening what a killed process leaves, by how much of it lies past the recovery point and has to be read. */
export const scaleOpenKilled = scenario<KilledParameters>({
  name: 'scale-open-killed',
  isOnlyFull: true,
  title: 'Opening a log after a kill, by the bytes past the recovery point',
  parameters: {
    full: { tailMiB: 4, openings: 9 },
    quick: { tailMiB: 2, openings: 5 },
    smoke: { tailMiB: 1 / 16, openings: 2 },
  },
  async prepare({ prepared, parameters }) {
    const ends: Record<string, number> = {}
    for (const times of TIMES) {
      const tailMiB = parameters.tailMiB * times
      ends[nameOf(times)] = await leaveOpen(prepared, nameOf(times), { sealedMiB: 0, tailMiB })
      // The recovery point moves on by bytes and by time: without it all of the segment is past it.
      rmSync(join(prepared, nameOf(times), RECOVERY_POINT), { force: true })
    }
    return ends
  },
  subjects: Object.fromEntries(
    TIMES.map((times) => [nameOf(times), (context: Context<KilledParameters>) => openKilled(context, times)]),
  ),
  rows: TIMES.map((times): Row => {
    const row = {
      work: `${work}, ${times} × the bytes`,
      unit: 'ms',
      subject: nameOf(times),
      metric: 'openMs',
    } as const
    return times > 1 ? { ...row, beside: { subject: nameOf(1) } } : row
  }),
  growth: [
    {
      work: `${work}, over that with nothing past the recovery point`,
      by: 'the bytes past it',
      unit: 'ms',
      metric: 'openMs',
      sizes: () => Object.fromEntries(TIMES.slice(1).map((times) => [nameOf(times), times])),
      over: nameOf(0),
      exponentMax: 1.1,
    },
  ],
})

function nameOf(times: number): string {
  return `${times}×`
}

async function openKilled(
  { directory, prepared, parameters, facts }: Context<KilledParameters>,
  times: number,
): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const [from, path] = [join(prepared, nameOf(times)), join(directory, 'log')]
  cpSync(from, path, { recursive: true })
  const expected = facts[nameOf(times)]!
  const all: number[] = []
  let checked: Tally = { count: 0, hash: 0 }
  for (let opening = 0; opening < parameters.openings; opening++) {
    if (opening > 0) restore(from, path)
    const { ms, result: log } = await timeOnce(() => openLog(path, { cleanup: false }))
    all.push(ms)
    const { clean, cut, scannedBytes } = log.recovery
    const isWhole = !clean && cut === undefined && scannedBytes >= parameters.tailMiB * times * MIB
    if (!isWhole || log.endOffset !== expected)
      throw new Error(`${log.endOffset} offsets after ${scannedBytes} bytes`)
    // Read to its end once: the first look would make what comes after it warm.
    if (opening === parameters.openings - 1)
      checked = checkTally(
        await tallyLog(log),
        tallyOf(createBatches({ batchCount: 1, ...largeShape }), expected),
      )
    await log.close()
  }
  const openMs = all.sort((a, b) => a - b)[all.length >> 1]!
  return { metrics: { openMs }, checked }
}

/** Puts back everything but the segments, which opening and closing leave as they are: killed again. */
function restore(from: string, to: string): void {
  for (const name of besideSegments(to)) rmSync(join(to, name), { recursive: true })
  for (const name of besideSegments(from)) cpSync(join(from, name), join(to, name), { recursive: true })
}

function besideSegments(directory: string): string[] {
  return readdirSync(directory).filter((name) => !name.endsWith('.log'))
}
