import { join } from 'node:path'
import { loadLayer } from '../support/engine.ts'
import { Noise } from '../support/payload.ts'
import { time } from '../support/timing.ts'
import { type Context, type Outcome, scenario } from '../scenario.ts'

interface IndexParameters extends Record<string, number> {
  readonly segments: number
  readonly entriesPerSegment: number
  readonly lookupsPerCall: number
  readonly calls: number
  readonly timeMs: number
  readonly warmupCalls: number
}

/** Offsets, and bytes, between two entries. */
const STEP = 100

/** Finding the entry at or below an offset, in sealed segments, which memory holds nothing of. */
export const indexLookup = scenario<IndexParameters>({
  name: 'index-lookup',
  isOnlyFull: true,
  title: 'Floor look-up in the SQLite index, warm, sealed segments (beside the memory index)',
  parameters: {
    full: {
      segments: 100,
      entriesPerSegment: 1000,
      lookupsPerCall: 2000,
      calls: 20,
      timeMs: 600,
      warmupCalls: 20,
    },
    quick: {
      segments: 20,
      entriesPerSegment: 1000,
      lookupsPerCall: 2000,
      calls: 10,
      timeMs: 150,
      warmupCalls: 10,
    },
    smoke: { segments: 2, entriesPerSegment: 10, lookupsPerCall: 20, calls: 1, timeMs: 0, warmupCalls: 0 },
  },
  subjects: { sqlite: lookUpInSqlite, memory: lookUpInMemory },
  rows: [
    {
      work: 'Floor look-up in the SQLite index, warm (beside the memory index)',
      unit: 'µs',
      subject: 'sqlite',
      metric: 'lookupMicroseconds',
      beside: { subject: 'memory' },
    },
  ],
})

type IndexDatabase = Awaited<ReturnType<typeof import('../../src/offset-index/index.ts').openSqliteIndex>>

async function lookUpInSqlite({ directory, parameters }: Context<IndexParameters>): Promise<Outcome> {
  const { systemClock } = await loadLayer('core/index.ts')
  const { nodeFileSystem } = await loadLayer('fs/index.ts')
  const { openSqliteIndex } = await loadLayer('offset-index/index.ts')
  const database = await openSqliteIndex({
    fileSystem: nodeFileSystem,
    path: join(directory, 'index.db'),
    quarantineDirectory: join(directory, 'quarantine'),
    clock: systemClock,
  })
  return measure(database, parameters)
}

async function lookUpInMemory({ parameters }: Context<IndexParameters>): Promise<Outcome> {
  const { openMemoryIndex } = await loadLayer('offset-index/index.ts')
  return measure(openMemoryIndex(), parameters)
}

async function measure(database: IndexDatabase, parameters: IndexParameters): Promise<Outcome> {
  const { segments, entriesPerSegment, lookupsPerCall, calls, timeMs, warmupCalls } = parameters
  const log = database.log('bench-0', 'bench')
  const segmentOffsets = entriesPerSegment * STEP
  for (let segment = 0; segment < segments; segment++) {
    const base = segment * segmentOffsets
    for (let slot = 0; slot < entriesPerSegment; slot++)
      log.addEntry(base, { offset: base + slot * STEP, position: slot * STEP, timestamp: slot })
    log.seal(base)
    await log.settle()
  }
  const noise = new Noise(11)
  let found = 0
  let sum = 0
  const work = (): void => {
    for (let count = 0; count < lookupsPerCall; count++) {
      const offset = noise.below(segments * segmentOffsets)
      const entry = log.floorByOffset(Math.floor(offset / segmentOffsets) * segmentOffsets, offset)
      const expected = Math.floor(offset / STEP) * STEP
      if (entry?.offset !== expected || entry.position !== expected % segmentOffsets)
        throw new Error(`offset ${offset} was not found`)
      sum = (Math.imul(sum, 31) + entry.position) | 0
      found++
    }
  }
  const plan = { iterations: calls, timeMs, warmupIterations: warmupCalls, isAsync: false }
  const timing = await time(work, plan)
  await database.close()
  const lookupMicroseconds = (timing.meanMs * 1000) / lookupsPerCall
  return { metrics: { lookupMicroseconds }, checked: { count: found, hash: sum } }
}
