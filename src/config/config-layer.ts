import { argumentTypeError, nearestName, typeName } from '../core/index.ts'
import { type ConfigInput, configKeyNames, findSpec, type KeySpec, type ResolvedKey } from './config-keys.ts'
import type { ConfigProblems } from './config-problems.ts'
import type { ConfigValue } from './config-row.ts'
import { parseValue } from './config-value.ts'
import { REMOVED_KEYS } from './other-keys.ts'

/** One source of configuration: an object as a program gives it, or the entries of a properties file. */
export type ConfigLayer = ConfigInput | ReadonlyMap<string, string>

/** What one layer says, per key that has a value of its own. */
export interface ReadLayer {
  /** The value of the highest-ranking name that the layer gives, in the key's own unit. */
  readonly values: ReadonlyMap<ResolvedKey, ConfigValue>
  /** Keys that the layer names with `null`, under any of their names, and gives no value for. */
  readonly resets: ReadonlySet<string>
  /** All names that the layer gives a value for, as they were given. */
  readonly given: readonly KeySpec[]
}

interface Candidate {
  readonly spec: KeySpec
  readonly value: ConfigValue
}

/**
 * Reads one layer: own enumerable properties only, each once.
 *
 * Errors: TypeError when it is no object; everything else is noted in `problems`.
 */
export function readLayer(layer: unknown, problems: ConfigProblems): ReadLayer {
  const candidates = new Map<ResolvedKey, Candidate[]>()
  const resets = new Set<string>()
  const given: KeySpec[] = []
  for (const [name, raw] of layerEntries(layer)) {
    const spec = findSpec(name)
    if (spec === undefined) {
      problems.add({ name, canonical: undefined }, () => describeUnknown(name))
    } else if (raw === undefined || raw === null) {
      if (raw === null) resets.add(spec.canonical ?? spec.name)
    } else {
      given.push(spec)
      const value = parseValue(spec, raw)
      if (value === undefined) problems.addValue(spec, raw)
      else if (spec.canonical !== undefined) {
        const others = candidates.get(spec.canonical)
        if (others === undefined) candidates.set(spec.canonical, [{ spec, value }])
        else others.push({ spec, value })
      }
    }
  }
  const values = new Map<ResolvedKey, ConfigValue>()
  for (const [key, group] of candidates) {
    values.set(key, chooseValue(group, problems))
    resets.delete(key)
  }
  return { values, resets, given }
}

/** A topic-level key beats its synonyms, and they one another by rank. */
function chooseValue(group: Candidate[], problems: ConfigProblems): ConfigValue {
  const ranked = group.toSorted((a, b) => a.spec.rank - b.spec.rank)
  // A broker that would start with no retention at all is refused, even where a topic-level key hides it.
  const broker = ranked.find((candidate) => candidate.spec.rank > 0)
  if (broker !== undefined && broker.spec.negativeIsUnlimited && broker.value === 0) {
    problems.add(broker.spec, () => 'found 0, expected -1 for no limit, or at least 1')
  }
  const { spec, value } = ranked[0]!
  if (typeof value !== 'number') return value
  return spec.negativeIsUnlimited && value < 0 ? -1 : value * spec.factor
}

function layerEntries(layer: unknown): Iterable<readonly [string, unknown]> {
  if (layer instanceof Map) return layer as ReadonlyMap<string, unknown>
  if (typeof layer !== 'object' || layer === null || Array.isArray(layer)) {
    throw argumentTypeError(`config must be an object, found ${typeName(layer)}`)
  }
  return ownEntries(layer)
}

function* ownEntries(layer: object): Generator<readonly [string, unknown]> {
  for (const name of Object.keys(layer)) yield [name, (layer as Record<string, unknown>)[name]]
}

function describeUnknown(name: string): string {
  const advice = REMOVED_KEYS.get(name)
  if (advice !== undefined) return advice
  // Comparing takes time with the length, and no key is anywhere near this long.
  const nearest = name.length > 80 ? undefined : nearestName(name, configKeyNames())
  return nearest === undefined ? 'unknown key' : `unknown key; did you mean '${nearest}'?`
}
