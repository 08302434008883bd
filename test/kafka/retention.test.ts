import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeBatch, openLog } from '../../src/index.ts'
import { ManualClock, SeededRandom } from '../../src/testing/index.ts'
import { segmentName } from '../helpers/hand-made.ts'
import { seed } from '../helpers/seed.ts'
import { openTempLog } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { askStorage, type RetentionAnswer } from './kafka-storage.ts'
import { RetentionBroker } from './retention-broker.ts'
import {
  copyDirectory,
  decideWithSeglog,
  MINUTE,
  pick,
  randomLimits,
  randomSegments,
  type RandomSegment,
  type RetentionSettings,
  SECOND,
  segmentOf,
  type SeglogRetention,
  writeSegments,
} from './retention-logs.ts'

interface Case {
  readonly segments: readonly RandomSegment[]
  readonly start: number
  readonly config: RetentionSettings
}

interface Decisions {
  readonly kafka: RetentionAnswer
  readonly seglog: SeglogRetention
}

describe("Kafka's log class, with a clock that stands still", () => {
  const NOW = 1_700_000_123_456

  /** What Kafka and seglog leave of the same logs. */
  async function decideBoth(cases: readonly Case[]): Promise<Decisions[]> {
    const root = temporaryDirectory()
    const logs = cases.map(({ segments, start, config }, slot) => {
      const directory = writeSegments(join(root, `made-${slot}`), segments)
      return {
        directory,
        copy: copyDirectory(directory, join(root, `kafka-${slot}`)),
        input: { now: NOW, start, config },
      }
    })
    const requests = logs.map(({ copy, input }) => ({
      do: 'retention' as const,
      directory: copy,
      ...input,
      config: { ...input.config, 'segment.index.bytes': 1200 },
    }))
    const kafka = await askStorage(requests)
    const decisions: Decisions[] = []
    for (const [slot, { directory, input }] of logs.entries())
      decisions.push({ kafka: kafka[slot]!, seglog: await decideWithSeglog(directory, input) })
    return decisions
  }

  function randomCase(random: SeededRandom): Case {
    const segments = randomSegments(random, NOW)
    const { baseOffset: first } = segments[0]!
    const { baseOffset, batches } = segments.at(-1)!
    const end = baseOffset + 2 * batches.length
    return {
      segments,
      start: random.below(3) > 0 ? first : first + random.below(end - first + 1),
      config: {
        'cleanup.policy': pick(random, ['delete', 'delete', 'delete', 'compact,delete', 'compact', '']),
        ...randomLimits(random, segments, { nowMs: NOW, ageStepsMs: [-1, 0, 1] }),
        ...pick(random, [{}, {}, {}, { 'retention.ms': 0 }, { 'retention.bytes': 0 }]),
      },
    }
  }

  it('leaves what plan() and clean() leave, to the millisecond and the byte (property)', async () => {
    const random = new SeededRandom(seed)
    const cases = Array.from({ length: 120 }, () => randomCase(random))
    const decisions = await decideBoth(cases)
    for (const [slot, { kafka, seglog }] of decisions.entries())
      expect({ ...cases[slot]!, ...seglog }).toEqual({ ...cases[slot]!, planned: kafka, cleaned: kafka })
    const wentCounts = decisions.map(
      ({ kafka }, slot) => cases[slot]!.segments.length - kafka.segments.length,
    )
    expect(new Set(wentCounts).size).toBeGreaterThan(3) // or the settings drawn decide nothing
  })

  const old = { modifiedMs: NOW - (NOW % SECOND) - 60 * MINUTE }
  const config = { 'cleanup.policy': 'delete', 'retention.ms': 30 * MINUTE }
  const fresh = { modifiedMs: NOW - (NOW % SECOND) }
  const timed = (baseOffset: number, timestamp: number, times = fresh) =>
    segmentOf(baseOffset, [encodeBatch([{ offset: baseOffset, timestamp, value: 'x' }], { baseOffset })], {
      maxTimestamp: timestamp,
      ...times,
    })

  it('keeps everything behind a timestamp in the future; seglog goes by the time of the append there', async () => {
    const segments = [timed(0, NOW + 60 * MINUTE, old), timed(1, NOW - 50 * MINUTE), timed(2, NOW)]
    const [decision] = await decideBoth([{ segments, start: 0, config }])
    expect(decision!.kafka).toEqual({ startOffset: 0, endOffset: 3, segments: [0, 1, 2] })
    const seglog = { startOffset: 2, endOffset: 3, segments: [2] }
    expect(decision!.seglog).toEqual({ planned: seglog, cleaned: seglog })
  })

  it('believes a timestamp that lies after the append, once it has passed; seglog does not', async () => {
    const segments = [timed(0, NOW - 10 * MINUTE, old), timed(1, NOW)]
    const [decision] = await decideBoth([{ segments, start: 0, config }])
    expect(decision!.kafka.segments).toEqual([0, 1])
    expect(decision!.seglog.cleaned.segments).toEqual([1])
  })

  it('takes a timestamp of 0 for 1970; seglog takes it for none', async () => {
    const segments = [timed(0, 0), timed(1, NOW)]
    const [decision] = await decideBoth([{ segments, start: 0, config }])
    expect(decision!.kafka.segments).toEqual([1])
    expect(decision!.seglog.cleaned.segments).toEqual([0, 1])
  })
})

describe('a live broker', () => {
  let directory: string
  const random = new SeededRandom(seed)
  const TOPICS_OF_A_KIND = 6
  const DAY = 24 * 60 * MINUTE
  const made = Date.now() - (Date.now() % SECOND)
  /** What is known of the segments of each topic, those that are gone as well. */
  const segments = new Map<string, readonly RandomSegment[]>()
  const future = [
    segmentOf(0, [encodeBatch([{ offset: 0, timestamp: made + DAY }], {})], {
      maxTimestamp: made + DAY,
      modifiedMs: made - DAY,
    }),
    segmentOf(1, [encodeBatch([{ offset: 1, timestamp: made - DAY }], {})], {
      maxTimestamp: made - DAY,
      modifiedMs: made - DAY,
    }),
  ]
  let broker: RetentionBroker

  beforeAll(async () => {
    directory = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-retention-'))
    for (let slot = 0; slot < TOPICS_OF_A_KIND; slot++)
      segments.set(`placed${slot}`, randomSegments(random, made))
    broker = await RetentionBroker.start(directory, { ...Object.fromEntries(segments), future })
    await broker.createTopic('idle', { 'segment.ms': 1 })
    await broker.client.produce({ topic: 'idle' }, [{ value: 'x' }])
    for (let slot = 0; slot < TOPICS_OF_A_KIND; slot++) await produceTopic(`produced${slot}`)
  })

  afterAll(async () => {
    await broker?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  async function produceTopic(topic: string): Promise<void> {
    const batches = Array.from({ length: 8 }, (_, at) => ({
      timestamp: made - (random.below(4) === 0 ? 1 + random.below(20) : 8 - at) * 60 * MINUTE,
      value: 'x'.repeat(50 + random.below(80)),
    }))
    await broker.produce(topic, batches)
    const { segments: bases } = await broker.look(topic)
    expect(bases).toEqual(batches.map((_, at) => 2 * at))
    const facts = bases.map((baseOffset, at) => {
      const sizeBytes = statSync(join(broker.directoryOf(topic), segmentName(baseOffset))).size
      return { baseOffset, batches: [], sizeBytes, maxTimestamp: batches[at]!.timestamp, modifiedMs: made }
    })
    segments.set(topic, facts)
  }

  /** What seglog says of a copy of the topic as it is now, once its start has moved to `start`. */
  async function askSeglog(
    topic: string,
    start: number,
    config: RetentionSettings,
  ): Promise<SeglogRetention> {
    const copy = copyDirectory(broker.directoryOf(topic), join(temporaryDirectory(), 'copy'))
    return decideWithSeglog(copy, { now: Date.now(), start, config })
  }

  /** Asks seglog, then has the broker decide, and compares; `starts` moves the start of topics before. */
  async function expectSame(
    settings: Readonly<Record<string, RetentionSettings>>,
    starts: Readonly<Record<string, number>> = {},
  ): Promise<void> {
    const seglog: Record<string, SeglogRetention> = {}
    for (const [topic, config] of Object.entries(settings)) {
      const start = starts[topic] ?? (await broker.look(topic)).startOffset
      seglog[topic] = await askSeglog(topic, start, config)
    }
    await broker.moveStarts(starts)
    await broker.decide(settings)
    for (const [topic, config] of Object.entries(settings)) {
      const kafka = await broker.look(topic)
      const which = { topic, config, start: starts[topic] }
      expect({ ...which, ...seglog[topic] }).toEqual({ ...which, planned: kafka, cleaned: kafka })
    }
  }

  it('leaves what plan() and clean() leave, whatever limits are set one after another (property)', async () => {
    const left: number[] = []
    for (let round = 0; round < 4; round++) {
      const settings: Record<string, RetentionSettings> = {}
      const starts: Record<string, number> = {}
      for (const [topic, all] of segments) {
        const { segments: bases, startOffset, endOffset } = await broker.look(topic)
        const known = all.filter(({ baseOffset }) => bases.includes(baseOffset))
        if (known.length === 0) continue // all have gone
        settings[topic] = {
          'cleanup.policy': pick(random, ['delete', 'delete', 'compact,delete']),
          // The oldest two: or nothing would be left to decide about in the rounds after.
          ...randomLimits(random, known.slice(0, 2), {
            nowMs: Date.now(),
            ageStepsMs: [-25 * MINUTE, 25 * MINUTE],
          }),
        }
        if (random.below(4) === 0) starts[topic] = Math.min(endOffset, startOffset + random.below(6))
        left.push(known.length)
      }
      await expectSame(settings, starts)
    }
    expect(left.length).toBeGreaterThan(20)
  })

  it('takes everything, in a new empty segment, where all is too old or nothing is to be kept', async () => {
    const topics = [...segments.keys()].map((topic, slot) => {
      const limits = slot % 2 === 0 ? { 'retention.ms': 0 } : { 'retention.bytes': 0, 'retention.ms': -1 }
      return [topic, { 'retention.bytes': -1, ...limits }] as const
    })
    await expectSame(Object.fromEntries(topics))
    for (const [topic] of topics) {
      const { segments: bases, startOffset, endOffset } = await broker.look(topic)
      expect([bases, startOffset]).toEqual([[endOffset], endOffset])
    }
  })

  it('keeps what lies behind a timestamp in the future, which seglog does not', async () => {
    const config = { 'retention.ms': 60 * MINUTE }
    const seglog = { startOffset: 2, endOffset: 2, segments: [2] }
    expect(await askSeglog('future', 0, config)).toEqual({ planned: seglog, cleaned: seglog })
    await broker.decide({ future: config })
    expect(await broker.look('future')).toEqual({ startOffset: 0, endOffset: 2, segments: [0, 1] })
  })

  it('never ends a segment that nobody appends to, which seglog does after segment.ms', async () => {
    await broker.decide({})
    expect((await broker.look('idle')).segments).toEqual([0])
    const clock = new ManualClock({ wallMs: made })
    const log = await openTempLog({ clock, cleanup: false, config: { 'segment.ms': 1000 } })
    await log.append('x')
    await clock.advance(1001)
    expect((await log.clean()).rolled).toBe(true)
    expect(log.segments().map(({ baseOffset }) => baseOffset)).toEqual([0, 1])
  })

  it('cleans a topic by its defaults; seglog leaves one that Kafka wrote alone until it is configured', async () => {
    const copy = copyDirectory(broker.directoryOf('future'), join(temporaryDirectory(), 'copy'))
    const log = await openLog(copy, { adopt: true, cleanup: false })
    expect(await log.plan(made + 8 * DAY)).toMatchObject({ deleteCount: 0, blocked: 'held' })
    await log.updateConfig({ 'retention.ms': '7d' })
    expect(await log.plan(made + 8 * DAY)).toMatchObject({ deleteCount: 2, blocked: null })
    await log.close()
  })
})
