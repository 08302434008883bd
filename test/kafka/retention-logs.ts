/*
 * Logs and settings made by chance for the tests that compare retention, and what seglog decides about them. Settings are
 * drawn from the logs themselves, so that limits are met exactly, missed by one, and passed by one.
 */
import { cpSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeBatch, openLog } from '../../src/index.ts'
import type { SeededRandom } from '../../src/testing/index.ts'
import { lyingFileSystem } from '../disk/lying-file-system.ts'
import { segmentName } from '../helpers/hand-made.ts'
import type { RetentionAnswer } from './kafka-storage.ts'

/** One segment: its bytes, and what retention goes by. */
export interface RandomSegment {
  readonly baseOffset: number
  readonly batches: readonly Buffer[]
  readonly sizeBytes: number
  /** Largest timestamp of its records; -1 when none has one. */
  readonly maxTimestamp: number
  /** When its file was written to last; whole seconds, which every way to set it keeps exactly. */
  readonly modifiedMs: number
}

/** Settings of a topic that retention goes by. */
export type RetentionSettings = Readonly<Record<string, string | number>>

export const SECOND = 1000
export const MINUTE = 60 * SECOND

/** One of `values`. */
export function pick<T>(random: SeededRandom, values: readonly T[]): T {
  return values[random.below(values.length)]!
}

/** A segment of these batches. */
export function segmentOf(
  baseOffset: number,
  batches: readonly Buffer[],
  times: Pick<RandomSegment, 'maxTimestamp' | 'modifiedMs'>,
): RandomSegment {
  return { baseOffset, batches, sizeBytes: Buffer.concat(batches).length, ...times }
}

/**
 * Segments of one to three batches, most of them minutes younger than the one before; the last may be empty. Files are
 * written after the time of their records, as they are where clocks are right, and no record is younger than `nowMs`.
 * Ages are whole minutes, but for a second.
 */
export function randomSegments(random: SeededRandom, nowMs: number): RandomSegment[] {
  const count = 1 + random.below(7)
  const segments: RandomSegment[] = []
  let baseOffset = random.below(3) * 10
  for (let slot = 0; slot < count; slot++) {
    const age = random.below(4) === 0 ? 1 + random.below(20) : count - slot
    const isTimeless = random.below(5) === 0
    const isEmpty = slot === count - 1 && random.below(4) === 0
    const newest = isTimeless ? -1 : nowMs - age * MINUTE
    const batches = isEmpty ? [] : randomBatches(random, { baseOffset, newest })
    const modifiedMs = Math.ceil((nowMs - random.below(age + 1) * MINUTE) / SECOND) * SECOND
    segments.push(segmentOf(baseOffset, batches, { maxTimestamp: isEmpty ? -1 : newest, modifiedMs }))
    baseOffset += batches.length * RECORDS_PER_BATCH
  }
  return segments
}

const RECORDS_PER_BATCH = 2

function randomBatches(random: SeededRandom, at: { baseOffset: number; newest: number }): Buffer[] {
  const batchCount = 1 + random.below(3)
  const newestBatch = random.below(batchCount)
  return Array.from({ length: batchCount }, (_, batch) => {
    const first = at.baseOffset + batch * RECORDS_PER_BATCH
    const older = () => (at.newest < 1 ? -1 : at.newest - random.below(1000))
    const records = [
      { offset: first, timestamp: older(), value: 'x'.repeat(random.below(90)) },
      { offset: first + 1, timestamp: batch === newestBatch ? at.newest : older(), value: null },
    ]
    return encodeBatch(records, { baseOffset: first })
  })
}

/** Writes segments as files into a new directory; their times are set. */
export function writeSegments(directory: string, segments: readonly RandomSegment[]): string {
  mkdirSync(directory, { recursive: true })
  for (const { baseOffset, batches, modifiedMs } of segments) {
    const path = join(directory, segmentName(baseOffset))
    writeFileSync(path, Buffer.concat(batches))
    utimesSync(path, modifiedMs / SECOND, modifiedMs / SECOND)
  }
  return directory
}

/** How old Kafka takes a segment to be. */
export function ageOf({ maxTimestamp, modifiedMs }: RandomSegment, nowMs: number): number {
  return nowMs - (maxTimestamp >= 0 ? maxTimestamp : modifiedMs)
}

/**
 * Limits near what retention compares them with: the age of a segment, off by one of `ageStepsMs`, and the bytes of some
 * last segments, off by one or not. One of the two is often off altogether.
 */
export function randomLimits(
  random: SeededRandom,
  segments: readonly RandomSegment[],
  { nowMs, ageStepsMs }: { nowMs: number; ageStepsMs: readonly number[] },
): RetentionSettings {
  const slot = random.below(segments.length)
  const restBytes = segments.slice(slot).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const age = ageOf(pick(random, segments), nowMs)
  const ms = Math.max(0, age + pick(random, ageStepsMs))
  const bytes = Math.max(0, restBytes + pick(random, [-1, 0, 1]))
  return pick(random, [
    { 'retention.ms': ms, 'retention.bytes': -1 },
    { 'retention.ms': -1, 'retention.bytes': bytes },
    { 'retention.ms': ms, 'retention.bytes': bytes },
  ])
}

/** What seglog's plan says will be left, and what is left once it has been carried out. */
export interface SeglogRetention {
  readonly planned: RetentionAnswer
  readonly cleaned: RetentionAnswer
}

/** Lets seglog decide about the log in `directory`, whose start is moved to `start` before, and act. */
export async function decideWithSeglog(
  directory: string,
  input: { now: number; start: number; config: RetentionSettings },
): Promise<SeglogRetention> {
  const { now, start, config } = input
  const log = await openLog(directory, {
    adopt: true,
    cleanup: false,
    fileSystem: lyingFileSystem, // hundreds of syncs take long, and no power fails here
    config: { 'cleanup.policy': 'delete' },
  })
  try {
    await log.deleteRecordsBefore(start)
    await log.updateConfig(config)
    const { newStartOffset, endOffset, segments, roll } = await log.plan(now)
    const kept = segments.filter(({ action }) => action === 'keep').map(({ baseOffset }) => baseOffset)
    await log.clean({ now, force: true })
    return {
      planned: {
        startOffset: newStartOffset,
        endOffset,
        segments: roll === 'all-expired' ? [endOffset] : kept,
      },
      cleaned: {
        startOffset: log.startOffset,
        endOffset: log.endOffset,
        segments: log.segments().map(({ baseOffset }) => baseOffset),
      },
    }
  } finally {
    await log.close()
  }
}

/** Copies a log, or a store, with the times of its files. */
export function copyDirectory(from: string, to: string): string {
  cpSync(from, to, { recursive: true, preserveTimestamps: true })
  return to
}

/** Base offsets of the segments in a directory. */
export function segmentsIn(directory: string): number[] {
  const names = readdirSync(directory).filter((name) => /^\d{20}\.log$/.test(name))
  return names.map((name) => Number(name.slice(0, 20))).sort((a, b) => a - b)
}
