import { expect } from 'vitest'
import { runProcess } from '../cli/command-line.ts'
import { dumpLogSegments } from './kafka-dump.ts'

/** What Kafka's tool says on standard error of files that are sound, and `seglog dump` does not; and why that is right. */
const QUIRKS: readonly { readonly line: RegExp; readonly reason: string }[] = [
  {
    line: /^ {2}-1 is followed by \d+$/,
    reason:
      'Kafka starts counting at -1 in every file, so that each segment but the first one seems to have lost what comes ' +
      'before it; a segment starts where its name says.',
  },
]

/** A line that only introduces those below it, which begin with blanks. */
const TITLE = /^Non-consecutive offsets in /

/** What both tools said of the same files. */
export interface ComparedDumps {
  /** The lines that both printed. */
  readonly lines: readonly string[]
  /** What Kafka's tool has on standard error, without its quirks. */
  readonly kafkaErrors: string
  readonly ourErrors: string
  readonly ourExitCode: number | null
}

/**
 * Dumps files with Kafka's own tool and with ours, under the same flags, and shows that standard output is the same, byte for
 * byte.
 */
export async function compareDumps(
  files: readonly string[],
  flags: readonly string[] = ['--deep-iteration', '--print-data-log'],
): Promise<ComparedDumps> {
  const [kafka, ours] = await Promise.all([
    dumpLogSegments(files, flags),
    runProcess(['dump', ...flags, '--files', files.join(',')]),
  ])
  expect([kafka.exitCode, kafka.outputBytes.length > 0]).toEqual([0, true])
  expectSameBytes(ours.output, kafka.outputBytes)
  return {
    lines: kafka.output.split('\n'),
    kafkaErrors: withoutQuirks(kafka.errors),
    ourErrors: ours.errors,
    ourExitCode: ours.exitCode,
  }
}

/** Shows that what both tools printed is the same to the last byte; as text first, which shows where it is not. */
export function expectSameBytes(ours: Buffer, kafkas: Buffer): void {
  if (ours.equals(kafkas)) return
  expect(ours.toString()).toBe(kafkas.toString())
  expect(ours).toEqual(kafkas)
}

/** The same for files that nothing is wrong with: every batch is valid, and neither tool complains. */
export async function compareSoundDumps(
  files: readonly string[],
  flags?: readonly string[],
): Promise<readonly string[]> {
  const { lines, kafkaErrors, ourErrors, ourExitCode } = await compareDumps(files, flags)
  expect([kafkaErrors, ourErrors, ourExitCode]).toEqual(['', '', 0])
  const batches = batchLines(lines)
  expect(batches.length).toBeGreaterThan(0)
  expect(batches.filter((line) => !line.endsWith(' isvalid: true'))).toEqual([])
  return lines
}

/** The lines that describe batches. */
export function batchLines(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line.startsWith('baseOffset: '))
}

/** The lines of records; a line end inside of a key or a value ends one early. */
export function recordLines(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line.startsWith('| offset: '))
}

/** What is behind `name: ` in each of the lines. */
export function fieldsOf(lines: readonly string[], name: string): (string | undefined)[] {
  return lines.map((line) => new RegExp(`\\b${name}: (\\S+)`).exec(line)?.[1])
}

function withoutQuirks(errors: string): string {
  const lines = errors.split('\n').filter((line) => !QUIRKS.some((quirk) => quirk.line.test(line)))
  const isEmptyTitle = (line: string, slot: number): boolean =>
    TITLE.test(line) && lines[slot + 1]?.startsWith('  ') !== true
  return lines.filter((line, slot) => !isEmptyTitle(line, slot)).join('\n')
}
