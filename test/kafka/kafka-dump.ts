import { type JavaResult, runJava } from './java-process.ts'

/**
 * What Kafka's tool prints on standard error and seglog does not, with the reason. On standard output, where it prints
 * what is in the files, there is no difference.
 */
const QUIRKS: readonly { readonly line: RegExp; readonly reason: string }[] = [
  {
    line: /^ {2}-1 is followed by \d+$/,
    reason: 'it takes the first record of every file for one after offset -1',
  },
  {
    line: /^ {2}Index timestamp: 0, log timestamp: \d+$/,
    reason: 'it takes zeros of a time index that has no entry yet for one',
  },
  {
    line: /^ {2}Index timestamp: \d+, log timestamp: -1$/,
    reason:
      'it looks for the time of an entry among records, and compaction may have left a batch without one',
  },
]

/** Runs Kafka's own dump tool, with flags before the files. */
export function dumpLogSegments(
  files: readonly string[],
  flags: readonly string[] = [],
): Promise<JavaResult> {
  return runJava('org.apache.kafka.tools.DumpLogSegments', [...flags, '--files', files.join(',')])
}

/** The part of a dump that each file has, by its path. */
export function byFile(output: string): Record<string, string> {
  const parts = output.split(/^Dumping (?=\/)/m).slice(1)
  return Object.fromEntries(parts.map((part) => [part.slice(0, part.indexOf('\n')), part]))
}

/**
 * What a dump found out, from its standard error: for each kind of finding and file a title and lines, in no order (that
 * of Kafka's is that of a hash map), and without its quirks.
 */
export function findings(errors: string): string[] {
  return errors
    .split('\n')
    .filter((text) => !QUIRKS.some(({ line }) => line.test(text)))
    .join('\n')
    .split(/\n(?! {2})/)
    .filter((text) => text.includes('\n'))
    .sort()
}
