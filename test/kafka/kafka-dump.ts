import { type JavaResult, runJava } from './java-process.ts'

/** Runs Kafka's own dump tool, with flags before the files. */
export function dumpLogSegments(
  files: readonly string[],
  flags: readonly string[] = [],
): Promise<JavaResult> {
  return runJava('org.apache.kafka.tools.DumpLogSegments', [...flags, '--files', files.join(',')])
}
