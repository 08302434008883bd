/*
 * A broker killed in the middle of putting compacted segments in the place of others. For each step of that there is a topic
 * whose files are brought to that step, from what was there before a real compaction and after it. A broker that starts on
 * them, and seglog on a copy, come to the same log.
 */
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLog } from '../../src/index.ts'
import { type PlainRecord, plainRecord, readPlain } from '../helpers/kafka-records.ts'
import { startBroker } from './broker.ts'
import * as feed from './feed.ts'
import { KafkaClient } from './kafka-client.ts'
import { type LoadedLog, loadedLogs } from './loaded-logs.ts'
import { exactState } from './partitions.ts'
import { segmentsIn } from './torn-tails.ts'

/** How far a compaction got; each step holds those before it. */
const STEPS = ['cleaned', 'swap', 'first-deleted', 'all-deleted', 'in-place'] as const
type Step = (typeof STEPS)[number]
/** What became of the segments that were compacted: several are one now, or nothing of one was kept. */
const KINDS = ['merged', 'emptied'] as const
type Kind = (typeof KINDS)[number]

const CASES = KINDS.flatMap((kind) =>
  STEPS.map((step) => ({ kind, step, topic: `compacted-${kind}-${step}` })),
)
const PROPERTIES = { ...feed.BUSY_BROKER, ...feed.QUICK_RETURN }
const NOT_YET = { 'min.compaction.lag.ms': 86_400_000 }
const SIDECARS = ['log', 'index', 'timeindex', 'txnindex']

const root = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-kafka-'))
const data = join(root, 'data')
const before = join(root, 'before')
const copy = join(root, 'copy')
const kafkas = new Map<string, LoadedLog & { readonly records: readonly PlainRecord[] }>()

beforeAll(async () => {
  await compact()
  for (const one of CASES) goBackTo(one, join(data, `${one.topic}-0`), join(before, `${one.topic}-0`))
  cpSync(data, copy, { recursive: true, preserveTimestamps: true })
  const broker = await startBroker(root, { properties: PROPERTIES, keep: true })
  const client = new KafkaClient(broker.bootstrap, { keep: true })
  try {
    for (const { topic } of CASES) {
      const { records } = await client.consume({ topic })
      kafkas.set(topic, { ...loadedLogs(broker.log()).get(`${topic}-0`)!, records: records.map(plainRecord) })
    }
  } finally {
    client.close()
    await broker.kill()
  }
})

afterAll(() => rmSync(root, { recursive: true }))

/** Feeds a topic for each case, keeps a copy of them, has them compacted, and kills the broker. */
async function compact(): Promise<void> {
  const broker = await startBroker(root, { properties: PROPERTIES, keep: true })
  const client = new KafkaClient(broker.bootstrap, { keep: true })
  try {
    const fed = { batches: 25, keepsTombstones: true, config: NOT_YET }
    for (const { topic } of CASES) await feed.feedCompacted(client, topic, fed)
    cpSync(data, before, { recursive: true, filter: (path) => !path.endsWith('.lock') })
    for (const { topic, kind } of CASES) {
      const merging = kind === 'merged' ? { 'internal.segment.bytes': 4500 } : {}
      await client.configure(topic, { ...merging, 'min.compaction.lag.ms': 0 })
    }
    await feed.untilSettled(broker, client)
    for (const { topic } of CASES) await client.configure(topic, NOT_YET)
  } finally {
    await broker.kill()
    client.close()
  }
}

const baseOf = (path: string) => path.slice(-24, -4)

/**
 * Brings a compacted log to a step on the way to it; `original` is what it was made from. What lies before the segments in
 * question has been compacted already, what lies behind them not yet.
 */
function goBackTo({ kind, step }: { kind: Kind; step: Step }, directory: string, original: string): void {
  const reached = (other: Step) => STEPS.indexOf(step) >= STEPS.indexOf(other)
  const move = (from: string, to: string) => renameSync(join(directory, from), join(directory, to))
  const originals = segmentsIn(original).map(baseOf)
  const compacted = segmentsIn(directory).map(baseOf)
  const coveredBy = (slot: number) =>
    originals.filter((base) => base >= compacted[slot]! && base < compacted[slot + 1]!)
  const isWanted = (base: string, slot: number) =>
    slot < compacted.length - 1 &&
    (kind === 'merged'
      ? coveredBy(slot).length > 1
      : readFileSync(join(directory, `${base}.log`)).length === 0 && coveredBy(slot).length === 1)
  const slot = compacted.findIndex(isWanted)
  if (slot === -1) throw new Error(`no segment of ${directory} is ${kind}: ${compacted.join()}`)
  const [base, next, active] = [compacted[slot]!, compacted[slot + 1]!, compacted.at(-1)!]
  const covered = coveredBy(slot)
  for (const later of compacted.slice(slot + 1, -1))
    forEachFile(directory, later, (name) => rmSync(join(directory, name)))
  for (const later of originals.filter((one) => one >= next && one < active))
    forEachFile(original, later, (name) => copyFileSync(join(original, name), join(directory, name)))
  if (reached('in-place')) return // all that is left of it are files that are on their way out
  const suffix = reached('swap') ? 'swap' : 'cleaned'
  forEachFile(directory, base, (name) => move(name, `${name}.${suffix}`))
  for (const one of covered)
    forEachFile(original, one, (name) => copyFileSync(join(original, name), join(directory, name)))
  const gone = reached('all-deleted') ? covered : reached('first-deleted') ? covered.slice(0, 1) : []
  for (const one of gone) forEachFile(directory, one, (name) => move(name, `${name}.deleted`))
}

/** Calls `act` with each file of a segment. */
function forEachFile(directory: string, base: string, act: (name: string) => void): void {
  const names = new Set(SIDECARS.map((of) => `${base}.${of}`))
  for (const name of readdirSync(directory)) if (names.has(name)) act(name)
}

describe.each(CASES)('segments $kind by a compaction that ended at "$step"', ({ step, topic }) => {
  const path = join(copy, `${topic}-0`)

  it('are read, and nothing is changed, as Kafka’s consumer reads them after recovery', async () => {
    const { end, records } = kafkas.get(topic)!
    const state = exactState(copy)
    expect(await readPlain(path, 'uncommitted')).toEqual({ end, records })
    expect(exactState(copy)).toEqual(state)
    const names = readdirSync(path)
    expect(names.some((name) => name.endsWith('.log.swap'))).toBe(step !== 'cleaned' && step !== 'in-place')
  })

  it('are recovered to the log to which Kafka recovers them', async () => {
    const { start, end, records } = kafkas.get(topic)!
    const log = await openLog(path, { adopt: true })
    expect([log.startOffset, log.endOffset, log.recovery.cut]).toEqual([start, end, undefined])
    await log.close()
    expect(readdirSync(path).filter((name) => /\.(?:cleaned|swap|deleted)$/.test(name))).toEqual([])
    expect(await readPlain(path, 'uncommitted')).toEqual({ end, records })
  })
})
