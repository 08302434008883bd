import type { Absent } from '../select.ts'
import { librariesOf } from '../select.ts'
import type { Scenario } from '../scenario.ts'
import { KAFKA, RIVALS } from './index.ts'
import { versionOf } from './library.ts'
import type { Rival } from './rival.ts'

/** A library as it was measured. */
export interface RivalFacts {
  readonly name: string
  readonly version: string
  readonly settings: string
  /** What it promises less or more than seglog, in words. */
  readonly notes: readonly string[]
}

/** Apache Kafka is no library, and is described by hand, but for its version. */
const KAFKA_FACTS: Omit<RivalFacts, 'version'> = {
  name: 'Apache Kafka',
  settings:
    'a broker with one partition, on loopback; its own ProducerPerformance (acks=1, batch.size 512 KiB, linger.ms 5, no ' +
    'compression) and ConsumerPerformance (while it fetches); heaps of 1 GiB, G1',
  notes: [
    'more: it is a server, and each record crosses two processes',
    'what is read back is counted in records and bytes, not looked at',
  ],
}

/** Describes the libraries of a run. */
export async function describeRivals(scenarios: readonly Scenario[]): Promise<RivalFacts[]> {
  const names = new Set(scenarios.flatMap(librariesOf))
  const libraries = RIVALS.filter(({ name }) => names.has(name)).flatMap((rival) => {
    const version = versionFor(rival)
    if (version === undefined) return []
    const { name, settings } = rival
    return [{ name, version, settings, notes: notesOf(rival) }]
  })
  if (!names.has(KAFKA)) return libraries
  const { KAFKA_VERSION } = await import('../../test/kafka/kafka-home.ts')
  return [...libraries, { ...KAFKA_FACTS, version: KAFKA_VERSION }]
}

/** The libraries of a run as Markdown, and what is not in it. */
export function formatRivals(rivals: readonly RivalFacts[], absent: readonly Absent[]): string[] {
  if (rivals.length === 0 && absent.length === 0) return []
  return [
    '## Libraries',
    '',
    ...(rivals.length === 0
      ? []
      : [
          '| Library | Used here with | What it promises less or more than seglog |',
          '| --- | --- | --- |',
          ...rivals.map(
            ({ name, version, settings, notes }) =>
              `| ${name} ${version} | ${settings} | ${notes.join('; ')} |`,
          ),
          '',
        ]),
    ...groupAbsent(absent).map((line) => `- ${line}`),
    ...(absent.length === 0 ? [] : ['']),
  ]
}

function versionFor({ packageName }: Rival): string | undefined {
  if (packageName === undefined) return `of Node ${process.version}`
  try {
    return versionOf(packageName)
  } catch {
    return undefined // it is missing, which is said elsewhere
  }
}

function notesOf({ promisesLess, levels }: Rival): string[] {
  const notes = promisesLess === undefined ? [] : [`less: ${promisesLess}`]
  for (const [level, { cannot, promisesLess: less, promisesMore: more }] of Object.entries(levels)) {
    if (cannot !== undefined) notes.push(`no level ${level}: ${cannot}`)
    if (less !== undefined) notes.push(`less, at level ${level}: ${less}`)
    if (more !== undefined) notes.push(`more, at level ${level}: ${more}`)
  }
  return notes
}

/** One line for each reason and the libraries, or the whole benchmarks, that it keeps out. */
function groupAbsent(absent: readonly Absent[]): string[] {
  const lines = new Map<string, { libraries: Set<string>; scenarios: Set<string>; reason: string }>()
  for (const { library, scenario, reason } of absent) {
    const key = `${library === undefined} ${reason}`
    const line = lines.get(key) ?? { libraries: new Set(), scenarios: new Set(), reason }
    if (library !== undefined) line.libraries.add(library)
    line.scenarios.add(scenario)
    lines.set(key, line)
  }
  return [...lines.values()].map(({ libraries, scenarios, reason }) => {
    const names = [...scenarios].map((name) => `\`${name}\``).join(', ')
    return libraries.size === 0
      ? `${names}: ${reason}`
      : `not in ${names}: ${[...libraries].join(', ')} (${reason})`
  })
}
