import { KAFKA, RIVALS } from './index.ts'
import { whyMissing } from './library.ts'

/** The libraries that can't be used here, each with the reason; those that can are loaded by that. */
export async function missingLibraries(names: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const missing: Record<string, string> = {}
  for (const { name, packageName } of RIVALS) {
    if (packageName === undefined || !names.includes(name)) continue
    const reason = whyMissing(packageName)
    if (reason !== undefined) missing[name] = reason
  }
  if (names.includes(KAFKA)) {
    const { KAFKA_VERSION, whyNoKafka } = await import('../../test/kafka/kafka-home.ts')
    const reason = whyNoKafka()
    if (reason !== undefined) missing[KAFKA] = `Apache Kafka ${KAFKA_VERSION} can't run: ${reason}`
  }
  return missing
}

/** In a line each, what is missing and what to do about it. */
export function describeMissing(missing: Readonly<Record<string, string>>): string[] {
  const notInstalled = Object.keys(missing).filter((name) => missing[name] === 'not installed')
  const others = Object.entries(missing).filter(([, reason]) => reason !== 'not installed')
  return [
    ...(notInstalled.length === 0
      ? []
      : [`not installed: ${notInstalled.join(', ')} (npm run bench:install)`]),
    ...others.map(([name, reason]) => `missing: ${name} (${reason})`),
  ]
}
