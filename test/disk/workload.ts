/* What a process that is going to be stopped does, and how both sides name a record. */
import { createHash } from 'node:crypto'
import type { Durability, LogOptions } from '../../src/index.ts'
import type { SeededRandom } from '../../src/testing/index.ts'

/** What the process is told to do, once it is warm: to append without end, in one line of JSON. */
export interface Order {
  readonly directory: string
  readonly options: LogOptions
  readonly seed: number
  /** Each append asks for one of these. */
  readonly levels: readonly Durability[]
  /** A value has up to 200 bytes; one in so many has up to so many. */
  readonly largeOneIn: number
  readonly valueBytesMax: number
  /** So many calls are made up before the log is opened, so that there is little else to do then than to write them. */
  readonly madeAhead: number
  /** Moves the start, cleans, rolls and flushes now and then. */
  readonly hasUpkeep: boolean
  /** Its file system says that it has synced, and has not. */
  readonly lies?: boolean
}

/** A record as it is given to `append`: all of it explicit, so that all of it can be compared. */
export interface GivenRecord {
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [string, Buffer | null])[]
}

const TIMESTAMP_START = 1_700_000_000_000

/** The records of one call; no two records are ever the same. */
export function drawRecords(
  random: SeededRandom,
  order: Pick<Order, 'seed' | 'largeOneIn' | 'valueBytesMax'>,
  count: number,
): GivenRecord[] {
  return Array.from({ length: 1 + random.below(12) }, (_, slot): GivenRecord => {
    const name = Buffer.from(`${order.seed}/${count}/${slot}`)
    const size = random.below(order.largeOneIn) === 0 ? random.below(order.valueBytesMax) : random.below(200)
    return {
      timestamp: TIMESTAMP_START + count * 10 + slot,
      key: random.below(4) === 0 ? null : name,
      value: random.below(20) === 0 ? null : Buffer.concat([name, random.bytes(4), Buffer.alloc(size, name)]),
      headers:
        random.below(4) === 0
          ? [
              ['h', name],
              ['none', null],
            ]
          : [],
    }
  })
}

/** Sixteen hex digits that stand for all of a record but its offset. */
export function hashRecord({
  timestamp,
  key,
  value,
  headers,
}: Omit<GivenRecord, 'timestamp'> & { timestamp: number | bigint }): string {
  const hash = createHash('sha1')
  const parts: (Buffer | null)[] = [key, value]
  for (const [name, bytes] of headers) parts.push(Buffer.from(name), bytes)
  hash.update(`${timestamp} ${parts.map((part) => part?.length ?? -1).join(' ')} `)
  for (const part of parts) if (part !== null) hash.update(part)
  return hash.digest('hex').slice(0, 16)
}
