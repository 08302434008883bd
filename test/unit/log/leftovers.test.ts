import { describe, expect, it } from 'vitest'
import { logPaths } from '../../../src/layout/index.ts'
import {
  planLeftovers,
  removeLeftovers,
  segmentsAsSettled,
  type SettledLeftovers,
  settleLeftovers,
} from '../../../src/log/leftovers.ts'
import type { LogDirectory, StateFile } from '../../../src/log/log-directory.ts'
import { readLogDirectory } from '../../../src/log/log-directory.ts'
import { dataBatch, segmentName } from '../../helpers/hand-made.ts'
import { MemoryFileSystem } from '../../helpers/memory-file-system.ts'

const nothing: LogDirectory = {
  segments: [],
  deleted: [],
  cleaned: [],
  swap: [],
  temporary: [],
  sidecars: [],
  unrecognised: [],
  isMoving: false,
}

const state = (baseOffset: number, suffix: string, isLog = true): StateFile => ({
  baseOffset,
  path: `${baseOffset}.${isLog ? 'log' : 'index'}.${suffix}`,
  isLog,
})

describe('the plan for leftovers', () => {
  it('is to do nothing where there are none', () => {
    expect(planLeftovers(nothing)).toEqual({ invalid: [], swap: [], remove: [] })
  })

  it('removes what was on its way out or never finished, at the end', () => {
    const plan = planLeftovers({
      ...nothing,
      deleted: [state(0, 'deleted'), state(0, 'deleted', false)],
      cleaned: [state(9, 'cleaned')],
      temporary: ['x.tmp'],
    })
    const remove = ['0.index.deleted', '0.log.deleted', '9.log.cleaned', 'x.tmp']
    expect(plan).toEqual({ invalid: [], swap: [], remove })
  })

  it('puts rewrites in place in the order of their offsets', () => {
    const swap = [state(20, 'swap'), state(3, 'swap')]
    expect(planLeftovers({ ...nothing, swap }).swap.map(({ baseOffset }) => baseOffset)).toEqual([3, 20])
  })

  it('counts no rewrite valid that starts at or behind one that was not finished, nor one of an index', () => {
    const swap = [state(3, 'swap'), state(9, 'swap'), state(20, 'swap'), state(3, 'swap', false)]
    const plan = planLeftovers({ ...nothing, swap, cleaned: [state(30, 'cleaned'), state(9, 'cleaned')] })
    expect(plan.swap.map(({ baseOffset }) => baseOffset)).toEqual([3])
    expect(plan.invalid).toEqual(['20.log.swap', '3.index.swap', '9.log.swap'])
    expect(plan.remove).toEqual(['30.log.cleaned', '9.log.cleaned'])
  })
})

async function directoryOf(files: Record<string, Buffer>): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  await fileSystem.makeDirectory('/log')
  for (const [name, bytes] of Object.entries(files)) fileSystem.put(`/log/${name}`, bytes)
  return fileSystem.copy()
}

describe('settling leftovers', () => {
  const paths = logPaths('/log', { root: '/log', topic: 'log', partition: 0 })

  async function settle(fileSystem: MemoryFileSystem, { dense = true } = {}): Promise<SettledLeftovers> {
    const directory = await readLogDirectory(fileSystem, paths)
    const work = { fileSystem, paths, directory, batchBytesMax: 1 << 20, dense }
    return settleLeftovers(planLeftovers(directory), work)
  }

  const original = {
    [segmentName(0)]: dataBatch(0, 5),
    [segmentName(5)]: dataBatch(5, 5),
    [segmentName(10)]: dataBatch(10, 1),
  }

  it('touches nothing that is to go only when the log has been found sound', async () => {
    const files = {
      ...original,
      [`${segmentName(0)}.deleted`]: Buffer.from('x'),
      [`${segmentName(5)}.cleaned`]: Buffer.from('y'),
    }
    const fileSystem = await directoryOf(files)
    const settled = await settle(fileSystem)
    expect(fileSystem.steps).toBe(0)
    expect(settled).toMatchObject({ hasChanged: false, settledFiles: [] })
    await removeLeftovers(fileSystem, paths, settled.remove)
    expect(fileSystem.paths).toEqual(Object.keys(original).map((name) => `/log/${name}`))
  })

  it('removes an invalid rewrite before the file that says it is invalid, whenever it is killed', async () => {
    const files = {
      ...original,
      [`${segmentName(5)}.cleaned`]: Buffer.from('half'),
      [`${segmentName(5)}.swap`]: dataBatch(5, 5),
    }
    const left = await directoryOf(files)
    for (let steps = 0; steps < 6; steps++) {
      const fileSystem = left.copy()
      fileSystem.dieAfter(steps)
      await settle(fileSystem)
        .then(({ remove }) => removeLeftovers(fileSystem, paths, remove))
        .catch((error: { code: string }) => expect(['EKILLED', 'LOG_POISONED']).toContain(error.code))
      const has = (suffix: string): boolean => fileSystem.paths.includes(`/log/${segmentName(5)}.${suffix}`)
      if (has('swap')) expect(has('cleaned')).toBe(true)
      if (steps === 5) expect(fileSystem.paths).toEqual(Object.keys(original).map((name) => `/log/${name}`))
    }
  })

  it('leaves the last segment alone, whatever a rewrite claims', async () => {
    const swap = Buffer.concat([dataBatch(5, 5), dataBatch(10, 3)])
    const fileSystem = await directoryOf({ ...original, [`${segmentName(5)}.swap`]: swap })
    const settled = await settle(fileSystem)
    expect(settled.settledFiles).toEqual([`/log/${segmentName(5)}.swap`])
    expect(fileSystem.bytesOf(`/log/${segmentName(10)}`)).toEqual(dataBatch(10, 1))
    expect(fileSystem.bytesOf(`/log/${segmentName(5)}`)).toEqual(dataBatch(5, 5))
  })

  it('puts a rewrite in place whose originals are gone already', async () => {
    const { [segmentName(5)]: bytes, ...rest } = original
    const fileSystem = await directoryOf({
      ...rest,
      [`${segmentName(5)}.swap`]: bytes!,
      [`${segmentName(5)}.deleted`]: bytes!,
    })
    const settled = await settle(fileSystem)
    expect(settled.hasChanged).toBe(true)
    expect(fileSystem.bytesOf(`/log/${segmentName(5)}`)).toEqual(bytes)
    expect(settled.remove).toEqual([`/log/${segmentName(5)}.deleted`])
  })

  describe('of a compaction', () => {
    const active = { [segmentName(15)]: dataBatch(15, 1) }

    it('puts an empty rewrite in the place of its original, of which nothing is kept', async () => {
      const files = {
        ...original,
        [segmentName(5)]: dataBatch(5, 5),
        [`${segmentName(5)}.swap`]: Buffer.alloc(0),
      }
      const fileSystem = await directoryOf(files)
      const seen = await segmentsAsSettled(await readLogDirectory(fileSystem, paths), {
        fileSystem,
        batchBytesMax: 1 << 20,
        dense: false,
      })
      expect(seen!.map(({ path, sizeBytes }) => [path, sizeBytes > 0])).toEqual([
        [`/log/${segmentName(0)}`, true],
        [`/log/${segmentName(5)}.swap`, false],
        [`/log/${segmentName(10)}`, true],
      ])
      const settled = await settle(fileSystem, { dense: false })
      expect(settled.settledFiles).toEqual([`/log/${segmentName(5)}.swap`])
      expect(fileSystem.statSync(`/log/${segmentName(5)}`)?.sizeBytes).toBe(0)
      await removeLeftovers(fileSystem, paths, settled.remove)
      expect(fileSystem.paths).toEqual([0, 5, 10].map((base) => `/log/${segmentName(base)}`))
    })

    it('takes away what lies between two rewrites that were made together: a tombstone behind it may be gone', async () => {
      const files = {
        [segmentName(0)]: dataBatch(0, 5),
        [segmentName(5)]: dataBatch(5, 5),
        [segmentName(10)]: dataBatch(10, 5),
        ...active,
        [`${segmentName(0)}.swap`]: dataBatch(0, 1),
        [`${segmentName(10)}.swap`]: dataBatch(10, 5),
      }
      const fileSystem = await directoryOf(files)
      const settled = await settle(fileSystem, { dense: false })
      await removeLeftovers(fileSystem, paths, settled.remove)
      expect(fileSystem.paths).toEqual([0, 10, 15].map((base) => `/log/${segmentName(base)}`))
    })

    it('leaves what lies behind the last rewrite alone', async () => {
      const files = { ...original, ...active, [`${segmentName(0)}.swap`]: dataBatch(0, 1) }
      const fileSystem = await directoryOf(files)
      const settled = await settle(fileSystem, { dense: false })
      await removeLeftovers(fileSystem, paths, settled.remove)
      expect(fileSystem.paths).toEqual([0, 5, 10, 15].map((base) => `/log/${segmentName(base)}`))
    })
  })
})
