/*
 * The one door to what is measured. The code of benchmarks is always that of this checkout, while the engine may be
 * another commit's: `--against` has half of its processes load it from there. Types are this checkout's in both.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Log } from '../../src/index.ts'
import { RecordTally, type Tally } from './tally.ts'

/** Environment variable: the `src` folder to load the engine from, instead of this checkout's. */
export const SOURCE_VARIABLE = 'SEGLOG_BENCH_SOURCE'
/** Environment variable: a file to make once the engine is asked for, by which the runner tells who uses it. */
export const MARK_VARIABLE = 'SEGLOG_BENCH_MARK'

/** What benchmarks load of the engine: each entry is the door of a layer. */
interface Doors {
  'index.ts': typeof import('../../src/index.ts')
  'codec/index.ts': typeof import('../../src/codec/index.ts')
  'core/index.ts': typeof import('../../src/core/index.ts')
  'fs/index.ts': typeof import('../../src/fs/index.ts')
  'offset-index/index.ts': typeof import('../../src/offset-index/index.ts')
  'record/index.ts': typeof import('../../src/record/index.ts')
}

/** This checkout's `src`. */
export const OWN_SOURCE = fileURLToPath(new URL('../../src', import.meta.url))

/** Loads the engine where it is used, so that the process of a bare baseline stays bare. */
export const loadEngine = () => loadLayer('index.ts')

/** Loads one layer of the engine, for what the engine's own door does not give out. */
export async function loadLayer<Door extends keyof Doors>(door: Door): Promise<Doors[Door]> {
  const { [SOURCE_VARIABLE]: source = OWN_SOURCE, [MARK_VARIABLE]: mark } = process.env
  if (mark !== undefined) writeFileSync(mark, '')
  return (await import(pathToFileURL(join(source, door)).href)) as Doors[Door]
}

/** Reads a log from its start to its end. */
export async function tallyLog(log: Log): Promise<Tally> {
  const tally = new RecordTally()
  for await (const batch of log.readBatches()) for (const { value } of batch) tally.add(value!)
  return tally.take()
}
