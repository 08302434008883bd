/*
 * A slice of what `npm run test:crash` does by the ten thousand: every workload, some of its crash points, and some calls
 * that fail; and that a crash and a fault found broken are named so that they can be found again.
 */
import { describe, expect, it } from 'vitest'
import { CrashFileSystem } from '../../src/testing/index.ts'
import { seed as fileSeed } from '../helpers/seed.ts'
import { explore, formatCrashName, parseCrashName } from './explore.ts'
import { SWEEPS, sweepFaults } from './fault-sweep.ts'
import { findBroken } from './invariants.ts'
import { DIRECTORY, Stage, WORKLOADS, workloadNamed } from './workloads.ts'

const seed = fileSeed % 1_000_000
const limits = { statesMax: 60, recoveryPercent: 5, brokenMax: 3, pointStride: 7 }

describe.each(WORKLOADS.map((workload) => [workload.name, workload] as const))('%s', (_, workload) => {
  it('keeps every promise at every seventh crash point', async () => {
    const { broken, distinct } = await explore(workload, seed, limits)
    expect(broken).toEqual([])
    expect(distinct).toBeGreaterThan(20)
  })

  it.each(SWEEPS.map((sweep) => [sweep.name, sweep] as const))(
    'keeps them when one call in some forty fails: %s',
    async (__, sweep) => {
      const { broken } = await sweepFaults(workload, sweep, { seed, stride: 41 })
      expect(broken).toEqual([])
    },
  )
})

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

describe('the checks', () => {
  it('complain of a log that lost what it had promised', async () => {
    const stage = new Stage({ seed })
    const log = await stage.open()
    await stage.append(log, 'disk')
    const { fileSystem, clock, model } = stage
    const before = fileSystem.kill()
    await stage.append(log, 'disk')
    const context = {
      config: {},
      clock,
      model,
      step: fileSystem.step,
      kind: 'kill',
      isReordered: false,
    } as const
    expect(await findBroken(fileSystem.kill(), context)).toEqual([])
    expect((await findBroken(before, context)).join()).toContain('was promised')
  })

  it('complain of a foreign file that is touched, a segment that does not open, and files left over', async () => {
    const stage = new Stage({ seed })
    const log = await stage.open()
    await stage.append(log, 'disk')
    const { fileSystem, clock, model } = stage
    const context = {
      config: {},
      clock,
      model,
      step: fileSystem.step,
      kind: 'kill',
      isReordered: false,
    } as const
    const left = (): CrashFileSystem => fileSystem.kill()
    const damaged = left()
    damaged.put(`${DIRECTORY}/00000000000000000000.log`, Buffer.alloc(100))
    expect((await findBroken(damaged, context)).length).toBeGreaterThan(0)
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

  it('of an unknown workload is refused, with the names there are', () => {
    expect(() => workloadNamed('none')).toThrow('small-durable-appends')
  })
})
