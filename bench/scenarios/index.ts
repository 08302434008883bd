import type { Scenario } from '../scenario.ts'
import { appendLarge, appendSmall } from './append-batches.ts'
import { appendJson } from './append-json.ts'
import { appendSingle } from './append-single.ts'
import { crc } from './crc.ts'
import { diskBytes } from './disk-bytes.ts'
import { durableAlone, durableGroup } from './durable.ts'
import { follow } from './follow.ts'
import { growth } from './growth.ts'
import { indexLookup } from './index-lookup.ts'
import { kafka } from './kafka.ts'
import { peakMemory } from './peak-memory.ts'
import { pointRead } from './point-read.ts'
import { pointReadCold } from './point-read-cold.ts'
import { reopenClean, reopenKilled } from './reopen.ts'
import { reopenMillion } from './reopen-million.ts'
import { retentionTick } from './retention-tick.ts'
import { scaleOpenLog, scaleOpenStore } from './scale-open.ts'
import { scaleOpenKilled } from './scale-open-killed.ts'
import { scaleStore } from './scale-store.ts'
import { scaleTick } from './scale-tick.ts'
import { scanLarge, scanSmall } from './scan.ts'
import { scanRaw } from './scan-raw.ts'
import { timeLookup } from './time-lookup.ts'

/** Every benchmark, in the order of the results. */
export const SCENARIOS: readonly Scenario[] = [
  appendSmall,
  appendLarge,
  appendSingle,
  appendJson,
  durableAlone,
  durableGroup,
  scanSmall,
  scanLarge,
  scanRaw,
  pointRead,
  pointReadCold,
  timeLookup,
  indexLookup,
  follow,
  crc,
  reopenClean,
  reopenKilled,
  reopenMillion,
  retentionTick,
  scaleStore,
  scaleOpenLog,
  scaleOpenStore,
  scaleOpenKilled,
  scaleTick,
  growth,
  diskBytes,
  peakMemory,
  kafka,
]
