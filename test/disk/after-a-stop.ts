/* Looking at the log of a process that was stopped, in two ways that share no code, and bringing it to go on. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Log, type LogOptions, openLog } from '../../src/index.ts'
import { readLogDirectory, readSegment } from '../helpers/independent-reader.ts'
import { copyOf, fingerprint } from '../helpers/log-files.ts'
import type { Found, Ledger } from './ledger.ts'
import { drawRecords, hashRecord } from './workload.ts'
import type { SeededRandom } from '../../src/testing/index.ts'

/** What the files of a stopped process hold before anyone has repaired them. */
export interface Wreck {
  /** Bytes behind the last whole batch of the last segment that has bytes. */
  readonly tornBytes: number
  readonly hasZeros: boolean
}

/** The same options, and every other time zeros ahead of the records. */
export function perhapsFilled(options: LogOptions, random: SeededRandom): LogOptions {
  return { ...options, config: { ...(options.config as object), preallocate: random.below(2) === 0 } }
}

/** Looks at the files as they were left, changing nothing. */
export function lookAtWreck(directory: string): Wreck {
  const paths = segmentNames(directory).map((name) => join(directory, name))
  const path = paths.findLast((segment) => statSync(segment).size > 0)
  if (path === undefined) return { tornBytes: 0, hasZeros: false }
  const bytes = readFileSync(path)
  const rest = bytes.subarray(readSegment(bytes).validBytes)
  return { tornBytes: rest.length, hasZeros: rest.length > 0 && rest.every((byte) => byte === 0) }
}

/**
 * Reads the log with `read` and its files with the independent reader, and holds the two against each other: every byte
 * belongs to a sound batch, every segment starts where the one before it ends, and the records are the same.
 */
export async function lookAtLog(log: Log): Promise<Found> {
  const { startOffset, endOffset } = log
  const hashes: string[] = []
  const offsets: number[] = []
  for await (const { headers, ...record } of log.read()) {
    offsets.push(record.offset)
    hashes.push(hashRecord({ ...record, headers }))
  }
  expect(offsets.every((offset, slot) => offset === startOffset + slot)).toBe(true)
  expect(startOffset + offsets.length).toBe(endOffset)
  const segments = readLogDirectory(log.directory)
  const plain = segments.flatMap(({ records }) => records)
  expect(segments.map(({ name, validBytes }) => [name, validBytes])).toEqual(
    segments.map(({ name, sizeBytes }) => [name, sizeBytes]),
  )
  const first = Number(plain[0]?.offset ?? endOffset)
  expect(first).toBeLessThanOrEqual(startOffset)
  expect(plain.every(({ offset }, slot) => Number(offset) === first + slot)).toBe(true)
  expect(namedStarts(segments)).toEqual(segments.map(({ name }) => name))
  const plainHashes = plain.slice(startOffset - first).map((record) => hashRecord(record))
  expect(plainHashes.join('\n')).toBe(hashes.join('\n'))
  const sizeBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
  return { startOffset, endOffset, hashes, sizeBytes }
}

/** The names that segments must have, each telling where the one before it ended. */
function namedStarts(segments: ReturnType<typeof readLogDirectory>): string[] {
  let next = BigInt(segments[0]?.name.slice(0, 20) ?? 0)
  return segments.map(({ batches }) => {
    const name = `${String(next).padStart(20, '0')}.log`
    next = (batches.at(-1)?.lastOffset ?? next - 1n) + 1n
    return name
  })
}

/** Opens what a stopped process left, the way its owner would, and holds the report against the wreck. */
export async function reopen(directory: string, options: LogOptions, wreck: Wreck): Promise<Log> {
  const log = await openLog(directory, { ...options, cleanup: false })
  const { damage, cut, unrecognisedFiles } = log.recovery // `clean` is right when nothing had been written yet
  expect({ damage, unrecognisedFiles }).toEqual({ damage: [], unrecognisedFiles: [] })
  expect(cut?.sizeBytes ?? 0).toBe(wreck.tornBytes)
  if (cut !== undefined) expect(cut.kind).toBe(wreck.hasZeros ? 'zeros' : 'TAIL_TORN')
  const left = readdirSync(log.directory).filter((name) => /\.(?:tmp|deleted|cleaned|swap)$/.test(name))
  expect(left).toEqual([])
  return log
}

/**
 * Recovers once more what has been recovered: nothing changes. On a copy, since only the process that has a log open can
 * leave it as if it had been stopped, and this one lives on.
 */
export async function expectRecoveredForGood(log: Log, options: LogOptions): Promise<void> {
  const copy = copyOf(log.directory)
  const before = fingerprint(copy)
  const again = await reopen(copy, options, { tornBytes: 0, hasZeros: false })
  expect(again.endOffset).toBe(log.endOffset)
  expect(fingerprint(copy)).toEqual(before)
  await again.close()
}

/** Appends one record more, which must get the next offset and be there. */
export async function appendNext(log: Log, ledger: Ledger, random: SeededRandom): Promise<void> {
  const record = drawRecords(
    random,
    { seed: random.below(2 ** 31), largeOneIn: 8, valueBytesMax: 400 },
    0,
  )[0]!
  const { endOffset } = log
  const { baseOffset, lastOffset } = await log.append(record, { durability: 'disk' })
  expect([baseOffset, lastOffset]).toEqual([endOffset, endOffset])
  const { headers, ...read } = (await log.get(baseOffset))!
  const hash = hashRecord(record)
  expect(hashRecord({ ...read, headers })).toBe(hash)
  ledger.appended(hash)
}

/** Size and hash of every segment, for `expectOnlyGrown` later. */
export function segmentPrints(directory: string): Map<string, { sizeBytes: number; print: string }> {
  return new Map(
    segmentNames(directory).map((name) => {
      const bytes = readFileSync(join(directory, name))
      return [name, { sizeBytes: bytes.length, print: printOf(bytes) }]
    }),
  )
}

/** What was once durable is still the same, byte for byte, or has gone as a whole segment from the front. */
export function expectOnlyGrown(directory: string, before: ReturnType<typeof segmentPrints>): void {
  const names = segmentNames(directory)
  for (const [name, { sizeBytes, print }] of before) {
    if (!names.includes(name)) {
      expect(name < names[0]!, `${name} is gone, ${names[0]} is there`).toBe(true)
      continue
    }
    const bytes = readFileSync(join(directory, name)).subarray(0, sizeBytes)
    expect([name, bytes.length, printOf(bytes)]).toEqual([name, sizeBytes, print])
  }
}

const segmentNames = (directory: string) =>
  readdirSync(directory)
    .filter((name) => /^\d{20}\.log$/.test(name))
    .sort()
const printOf = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex')
