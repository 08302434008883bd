import { argumentTypeError, typeName } from '../core/index.ts'
import { RESOLVED_SPECS, type ResolvedConfig, type ResolvedKey } from './config-keys.ts'
import { type ConfigLayer, readLayer } from './config-layer.ts'
import { ConfigProblems } from './config-problems.ts'
import { checkRules } from './config-rules.ts'
import type { ConfigValue } from './config-row.ts'

/** A whole configuration, and where it departs from the defaults. */
export interface ConfigResolution {
  readonly config: ResolvedConfig
  /** The keys that some layer sets, broker-level synonyms under their topic-level key, with the value that won. */
  readonly explicit: ReadonlyMap<ResolvedKey, ConfigValue>
  /** The names that were given and that nothing depends on, each once, as they were given. */
  readonly inert: readonly string[]
  /** Those that only a store goes by. */
  readonly ofStore: readonly string[]
}

/**
 * Resolves layers of configuration, from the strongest to the weakest, over Kafka's defaults.
 *
 * Shape:  a key is taken from the first layer that sets it under any of its names; within a layer a topic-level key beats
 *         its broker-level synonyms, and they one another in the order of the table; `undefined` layers are skipped.
 * Errors: `CONFIG_INVALID` listing every problem of every layer; TypeError for a layer that is no object.
 */
export function resolveConfig(layers: readonly (ConfigLayer | undefined)[]): ConfigResolution {
  if (!Array.isArray(layers)) throw argumentTypeError(`layers must be an array, found ${typeName(layers)}`)
  const problems = new ConfigProblems()
  const resolution = resolveLayers(layers, problems)
  problems.throwIfAny()
  return resolution
}

/** As `resolveConfig`, but notes what is wrong instead of throwing. */
export function resolveLayers(layers: readonly unknown[], problems: ConfigProblems): ConfigResolution {
  const explicit = new Map<ResolvedKey, ConfigValue>()
  const inert = new Set<string>()
  const ofStore = new Set<string>()
  for (const layer of layers) {
    if (layer === undefined) continue
    const { values, given } = readLayer(layer, problems)
    for (const [key, value] of values) if (!explicit.has(key)) explicit.set(key, value)
    for (const spec of given) {
      if (spec.status === 'inert') inert.add(spec.name)
      if (spec.status === 'store') ofStore.add(spec.name)
    }
  }
  const config = buildConfig(explicit)
  checkRules(config, problems)
  return { config, explicit, inert: [...inert], ofStore: [...ofStore] }
}

function buildConfig(explicit: ReadonlyMap<ResolvedKey, ConfigValue>): ResolvedConfig {
  const config = Object.create(null) as Record<string, ConfigValue | null>
  for (const spec of RESOLVED_SPECS)
    config[spec.name] = explicit.get(spec.name as ResolvedKey) ?? spec.default
  config['segment.bytes'] = config['internal.segment.bytes'] ?? config['segment.bytes']!
  return Object.freeze(config) as unknown as ResolvedConfig
}
