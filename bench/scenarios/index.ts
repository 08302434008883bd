import type { Scenario } from '../scenario.ts'
import { appendLarge, appendSmall } from './append-batches.ts'
import { appendSingle } from './append-single.ts'
import { crc } from './crc.ts'
import { diskBytes } from './disk-bytes.ts'
import { durableAlone, durableGroup } from './durable.ts'
import { indexLookup } from './index-lookup.ts'
import { kafka } from './kafka.ts'
import { peakMemory } from './peak-memory.ts'
import { pointRead } from './point-read.ts'
import { reopenClean, reopenKilled } from './reopen.ts'
import { retentionTick } from './retention-tick.ts'
import { scaleOpenLog, scaleOpenStore } from './scale-open.ts'
import { scaleStore } from './scale-store.ts'
import { scaleTick } from './scale-tick.ts'
import { scanLarge, scanSmall } from './scan.ts'

/** Every benchmark, in the order of the results. */
export const SCENARIOS: readonly Scenario[] = [
  appendSmall,
  appendLarge,
  appendSingle,
  durableAlone,
  durableGroup,
  scanSmall,
  scanLarge,
  pointRead,
  indexLookup,
  crc,
  reopenClean,
  reopenKilled,
  retentionTick,
  scaleStore,
  scaleOpenLog,
  scaleOpenStore,
  scaleTick,
  diskBytes,
  peakMemory,
  kafka,
]
