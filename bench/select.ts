/*
 * Which benchmarks and which of their subjects a run has: by the words of the command line, by what is installed, and by
 * the size of the run. It decides and does nothing.
 */
import type { Row, Scenario, Size } from './scenario.ts'

/** What the words of the command line ask for. */
export interface Wanted {
  readonly scenarios: readonly Scenario[]
  /** The libraries that words name; undefined when no word names one, and all are wanted. */
  readonly libraries: readonly string[] | undefined
  /** True when words name benchmarks. */
  readonly isNamed: boolean
}

/** A library, or a whole benchmark, that is not in the run. */
export interface Absent {
  readonly scenario: string
  /** Undefined where the whole benchmark is not. */
  readonly library?: string
  readonly reason: string
}

/** What is run. */
export interface Selection {
  readonly scenarios: readonly Scenario[]
  readonly absent: readonly Absent[]
}

/** Words that stand for no library but those that always run: with one of them alone, no library does. */
const ALWAYS: readonly string[] = ['seglog', 'bare']

/**
 * Reads the words: a library's name stands for it alone, any other word for each benchmark that has it in its name, or
 * else for each library that has. Errors: RangeError naming the nearest name, for a word that stands for nothing.
 */
export function readWords(
  words: readonly string[],
  all: { readonly scenarios: readonly Scenario[]; readonly libraries: readonly string[] },
): Wanted {
  const scenarios = new Set<Scenario>()
  const libraries = new Set<string>()
  let namesLibrary = false
  for (const word of words) {
    const byName = all.scenarios.filter(({ name }) => name.includes(word))
    const exact = all.libraries.filter((name) => name === word)
    const inName = all.libraries.filter((name) => name.includes(word))
    const found = exact.length > 0 || byName.length > 0 ? exact : inName
    if (byName.length === 0 && found.length === 0 && !ALWAYS.includes(word)) throw unknownWord(word, all)
    // A library's name may be in a benchmark's name too, and then both are meant.
    for (const scenario of byName) scenarios.add(scenario)
    for (const library of found) libraries.add(library)
    namesLibrary ||= found.length > 0 || ALWAYS.includes(word)
  }
  const asked = scenarios.size === 0 ? all.scenarios : all.scenarios.filter((one) => scenarios.has(one))
  const isNamed = scenarios.size > 0
  if (!namesLibrary) return { scenarios: asked, libraries: undefined, isNamed }
  const chosen = [...libraries]
  // Where a benchmark has none of the libraries that are asked for, it only runs when it is asked for by name.
  const having = asked.filter(
    (one) => scenarios.has(one) || librariesOf(one).some((name) => libraries.has(name)),
  )
  return { scenarios: libraries.size === 0 ? asked : having, libraries: chosen, isNamed }
}

/** Takes out what is not wanted, what is missing, and what a run of the size has no time for. */
export function select(
  wanted: Wanted,
  run: {
    readonly size: Size
    readonly missing: Readonly<Record<string, string>>
    /** The only libraries, where words name none; undefined for all. */
    readonly onlyLibraries: readonly string[] | undefined
  },
): Selection {
  const absent: Absent[] = []
  const reasonFor = (library: string): string | undefined => {
    if (run.missing[library] !== undefined) return run.missing[library]
    if (wanted.libraries !== undefined) return undefined
    return run.onlyLibraries?.includes(library) === false ? `left out of a ${run.size} run` : undefined
  }
  const scenarios = wanted.scenarios.flatMap((scenario): Scenario[] => {
    if (run.size === 'quick' && scenario.isOnlyFull === true && !wanted.isNamed) {
      absent.push({ scenario: scenario.name, reason: 'left out of a quick run' })
      return []
    }
    const out = new Set<string>()
    for (const library of librariesOf(scenario)) {
      if (wanted.libraries !== undefined && !wanted.libraries.includes(library)) {
        out.add(library)
        continue
      }
      const reason = reasonFor(library)
      if (reason === undefined) continue
      out.add(library)
      absent.push({ scenario: scenario.name, library, reason })
    }
    for (const { library, reason } of scenario.leftOut ?? [])
      if (wanted.libraries === undefined || wanted.libraries.includes(library))
        absent.push({ scenario: scenario.name, library, reason })
    const isPointless = scenario.isAbout !== undefined && out.has(scenario.isAbout)
    return isPointless ? [] : [without(scenario, out)]
  })
  return { scenarios, absent }
}

/** The libraries that a benchmark has subjects for. */
export function librariesOf({ subjects, libraries = {} }: Scenario): string[] {
  return [...new Set(Object.keys(subjects).flatMap((subject) => libraries[subject] ?? []))]
}

/** A scenario without some libraries: their subjects, and the rows that need them, are not there. */
function without(scenario: Scenario, out: ReadonlySet<string>): Scenario {
  if (out.size === 0) return scenario
  const isIn = (subject: string): boolean => !out.has(scenario.libraries?.[subject] ?? '')
  const hasSubjects = ({ subject, beside, besideBest }: Row): boolean =>
    isIn(subject) &&
    (beside === undefined || isIn(beside.subject)) &&
    (besideBest === undefined || besideBest.subjects.some(isIn))
  return {
    ...scenario,
    subjects: Object.fromEntries(Object.entries(scenario.subjects).filter(([name]) => isIn(name))),
    rows: scenario.rows.filter(hasSubjects),
  }
}

function unknownWord(
  word: string,
  all: { readonly scenarios: readonly Scenario[]; readonly libraries: readonly string[] },
): RangeError {
  const names = [...all.scenarios.map(({ name }) => name), ...all.libraries, ...ALWAYS]
  const nearest = names.reduce((best, name) => (farness(word, name) < farness(word, best) ? name : best))
  return new RangeError(
    `no benchmark and no library has '${word}' in its name; the nearest is '${nearest}' (--list names all)`,
  )
}

/** From a name, or from a part of it: people leave the rest out. */
function farness(word: string, name: string): number {
  return Math.min(...[name, ...name.split(/[-:]/)].map((part) => distance(word, part)))
}

/** How many letters have to be put in, taken out or changed to make one word of the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let line = 1; line <= one.length; line++) {
    const next = [line]
    for (let column = 1; column <= other.length; column++) {
      const change = row[column - 1]! + (one[line - 1] === other[column - 1] ? 0 : 1)
      next.push(Math.min(change, row[column]! + 1, next[column - 1]! + 1))
    }
    row = next
  }
  return row[other.length]!
}
