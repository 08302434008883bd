/*
 * A slice of what `npm run test:crash` does by the ten thousand: every workload, some of its crash points, and some calls
 * that fail; and that a crash and a fault found broken are named so that they can be found again.
 */
import * as childProcess from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { CrashFileSystem } from '../../src/testing/index.ts'
import { seed as fileSeed } from '../helpers/seed.ts'
import { HELP, parseCommandLine } from './command-line.ts'
import { explore, formatCrashName, parseCrashName } from './explore.ts'
import { formatFaultName, parseFaultName, SWEEPS, sweepFaults } from './fault-sweep.ts'
import { type CrashContext, findBroken } from './invariants.ts'
import { DIRECTORY, Stage, WORKLOADS, workloadNamed } from './workloads.ts'

const execFile = promisify(childProcess.execFile)
const RUN = fileURLToPath(new URL('run.ts', import.meta.url))

const seed = fileSeed % 1_000_000
const limits = { statesMax: 40, recoveryPercent: 5, brokenMax: 3, pointStride: 7 }

describe.each(WORKLOADS.map((workload) => [workload.name, workload] as const))('%s', (_, workload) => {
  // Of two seeds in a row one has zeros ahead of its records.
  it.each([seed, seed + 1])('keeps every promise at every seventh crash point, seed %i', async (runSeed) => {
    const { broken, distinct } = await explore(workload, runSeed, limits)
    expect(broken).toEqual([])
    expect(distinct).toBeGreaterThan(20)
  })

  it.each(SWEEPS.map((sweep) => [sweep.name, sweep] as const))(
    'keeps them when one call in some eighty fails: %s',
    async (__, sweep) => {
      const runSeed = seed + ((WORKLOADS.indexOf(workload) + SWEEPS.indexOf(sweep)) % 2)
      const { broken } = await sweepFaults(workload, sweep, { seed: runSeed, stride: 82 })
      expect(broken).toEqual([])
    },
  )
})

/** The exit code, and the first line of what was said. */
async function replayInProcess(name: string): Promise<unknown[]> {
  const [{ stdout, stderr }, code] = await execFile(process.execPath, [RUN, '--replay', name]).then(
    (said) => [said, 0] as const,
    (error: { code: number; stdout: string; stderr: string }) => [error, error.code] as const,
  )
  return [code, (stdout + stderr).split('\n')[0]]
}

function kindOf(name: string): string | undefined {
  return parseCommandLine(['--replay', name], 5).replay?.kind
}

async function run(runSeed: number): Promise<unknown> {
  const stage = new Stage({ seed: runSeed, config: workloadNamed('everything').config })
  await workloadNamed('everything').run(stage)
  return [stage.fileSystem.operations, stage.model.notes]
}

describe('a run', () => {
  it('is the same for the same seed, to the last byte of the last operation', async () => {
    const first = await run(seed)
    expect(await run(seed)).toEqual(first)
    expect(await run(seed + 1)).not.toEqual(first)
  })
})

/** A kill of a run at its last step. */
function killedNow({ fileSystem, clock, config, model }: Stage): CrashContext {
  return { config, clock, model, step: fileSystem.step, kind: 'kill', isReordered: false }
}

describe('the checks', () => {
  it('complain of a log that lost what it had promised', async () => {
    const stage = new Stage({ seed })
    const log = await stage.open()
    await stage.append(log, 'disk')
    const { fileSystem } = stage
    const before = fileSystem.kill()
    await stage.append(log, 'disk')
    const context = killedNow(stage)
    expect(await findBroken(fileSystem.kill(), context)).toEqual([])
    expect((await findBroken(before, context)).join()).toContain('was promised')
  })

  it('complain of a segment whose records are gone, and of a marker that knows of other bytes', async () => {
    const stage = new Stage({ seed })
    const log = await stage.open()
    await stage.append(log, 'disk')
    const { fileSystem } = stage
    const context = killedNow(stage)
    const left = (): CrashFileSystem => fileSystem.kill()
    const damaged = left()
    damaged.put(`${DIRECTORY}/00000000000000000000.log`, Buffer.alloc(100))
    expect((await findBroken(damaged, context)).join()).toContain('was promised')
    const marked = left()
    marked.put(`${DIRECTORY}/.kafka_cleanshutdown`, Buffer.from('{"sizeBytes":5}'))
    expect((await findBroken(marked, context)).join()).toContain('the marker says 5 bytes')
  })
})

describe('a crash', () => {
  it.each([
    { workload: 'truncate', seed: 7, step: 12, fate: 'torn-some.2', inRecovery: undefined },
    { workload: 'retention', seed: 1, step: 3, fate: 'kill', inRecovery: { step: 4, fate: 'lost-lost' } },
  ])('has a name that leads to it again: %j', (crash) => {
    expect(parseCrashName(formatCrashName(crash))).toEqual(crash)
  })

  it('and a call that failed have names of their own, and none of anything else', () => {
    const fault = { workload: 'truncate', seed: 7, sweep: 'no-room-once', call: 12 }
    expect(formatFaultName(fault)).toBe('truncate:7:no-room-once:12')
    expect(parseFaultName('truncate:7:no-room-once:12')).toEqual(fault)
    for (const text of ['truncate:7:12:kill', 'truncate:7:none:12', 'truncate:7:12:kill:3:lost-lost'])
      expect(parseFaultName(text)).toBeUndefined()
  })

  it('is visited alone, where its name is given; and one that does not happen is not', async () => {
    const workload = workloadNamed('truncate')
    const visit = async (name: string): Promise<number[]> => {
      const only = parseCrashName(name)
      const { states, inRecovery } = await explore(workload, 7, { ...limits, pointStride: 1, only })
      return [states, inRecovery]
    }
    expect(await visit('truncate:7:120:torn-some.2')).toEqual([1, 0])
    expect(await visit('truncate:7:120:kill:1:lost-lost')).toEqual([2, 1])
    expect(await visit('truncate:7:99999:kill')).toEqual([0, 0])
    expect(await visit('truncate:7:120:torn')).toEqual([0, 0])
  })

  it('is replayed by its name: in a process, through to the checks', { timeout: 60_000 }, async () => {
    const happens = [
      'truncate:7:120:torn-some.2',
      'truncate:7:120:kill:1:lost-lost',
      'truncate:7:write-eio:3',
    ]
    for (const name of happens) expect(await replayInProcess(name)).toEqual([0, `${name}: nothing is broken`])
    for (const name of ['truncate:7:99999:kill', 'truncate:7:120:kill:999:kill', 'truncate:7:write-eio:9999'])
      expect(await replayInProcess(name)).toEqual([2, `${name} does not happen: nothing was checked`])
  })

  it('of an unknown workload is refused, with the names there are', () => {
    expect(() => workloadNamed('none')).toThrow('small-durable-appends')
  })
})

describe('the command line', () => {
  it('has what it is not told by default, and every workload and sweep', () => {
    const options = parseCommandLine([], 5)
    expect(options).toMatchObject({
      states: 20_000,
      seed: 5,
      jobs: 2,
      minutes: undefined,
      isSweepOnly: false,
    })
    expect([options.workloads, options.sweeps]).toEqual([WORKLOADS, SWEEPS])
    for (const { name } of [...WORKLOADS, ...SWEEPS]) expect(HELP).toContain(name)
  })

  it('chooses a workload, sweeps by how they begin, and one failure', () => {
    const chosen = parseCommandLine(['--workload', 'truncate', '--sweep', 'sync', '--seed', '0'], 5)
    expect(chosen).toMatchObject({ seed: 0, isSweepOnly: true, workloads: [{ name: 'truncate' }] })
    expect(chosen.sweeps.map(({ name }) => name)).toEqual(['sync-eio-once', 'sync-eio-for-good'])
    expect(['truncate:1:2:kill', 'truncate:1:write-eio:2'].map(kindOf)).toEqual(['crash', 'fault'])
  })

  it.each([
    [['--wrong'], "Unknown option '--wrong'"],
    [['more'], "Unexpected argument 'more'"],
    [['--workload', 'none'], 'there is no workload none; there are small-durable-appends'],
    [['--sweep', 'none'], 'no sweep begins with none; there are sync-eio-once'],
    [['--replay', 'none:1:2:kill'], 'there is no workload none'],
    [['--replay', 'truncate:x:2:kill'], '--replay takes workload:seed:step:fate'],
    [['--replay', 'truncate:1:write-eio:x'], '--replay takes workload:seed:step:fate'],
    [['--states', ''], '--states must be a whole number from 1 up, found ""'],
    [['--jobs', '0'], '--jobs must be a whole number from 1 up'],
    [['--seed', '1.5'], '--seed must be a whole number from 0 up'],
    [['--minutes', 'x'], '--minutes must be a number over 0'],
  ])('refuses %j', (args, message) => {
    expect(() => parseCommandLine(args, 5)).toThrow(message)
    expect(() => parseCommandLine(args, 5)).toThrow(RangeError)
  })
})
