import { type ConfigInput, type ConfigKey, findSpec, type KeySpec, specOf } from './config-keys.ts'
import { readLayer } from './config-layer.ts'
import { ConfigProblems } from './config-problems.ts'
import type { ConfigValue } from './config-row.ts'
import { formatValue, parseValue } from './config-value.ts'
import { resolveLayers } from './resolve-config.ts'

/**
 * Plans the stored configuration that follows from an update; changes nothing.
 *
 * Shape:  what is stored and not updated, with the update over it, under canonical names in alphabetical order: a broker's
 *         synonym is stored as the topic-level key it stands for. `null` under any of a key's names removes what is stored
 *         for it, unless the update also gives a value.
 *         A log can store every topic-level key and those broker-level ones that it goes by itself, such as
 *         `log.retention.check.interval.ms`; what only a broker or a store has a use for is refused.
 * Errors: `CONFIG_INVALID` listing every problem of the update and of what would be stored; TypeError for an update that is
 *         no object.
 */
export function planConfigUpdate(
  stored: ReadonlyMap<string, string>,
  update: ConfigInput,
): ReadonlyMap<string, string> {
  const problems = new ConfigProblems()
  const { values, resets, given } = readLayer(update, problems)
  for (const spec of given) {
    if (!isStorable(spec))
      problems.add(spec, () => "concerns a broker or a store, and can't be stored with a log")
  }
  const next = new Map<string, string>()
  for (const [key, value] of values) next.set(key, formatValue(value))
  const kept = new Map<string, string>()
  for (const [name, text] of stored) {
    const key = findSpec(name)?.canonical ?? name
    if (!next.has(key) && !resets.has(key)) kept.set(name, text)
  }
  const { explicit } = resolveLayers([next, kept], problems)
  problems.throwIfAny()
  for (const [key, value] of explicit) next.set(key, formatValue(value))
  for (const [name, text] of kept) if (specOf(name).canonical === undefined) next.set(name, text)
  return new Map([...next].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * The keys that updates have set so far and not reset, with this one over the `earlier` ones: `null` takes a key out.
 *
 * Shape:  canonical names and stored text, as `planConfigUpdate` gives them; keys that no log goes by are left out.
 * Errors: those of `planConfigUpdate` that concern one key alone.
 */
export function overlayConfigUpdate(
  earlier: ReadonlyMap<string, string>,
  update: ConfigInput,
): ReadonlyMap<string, string> {
  const problems = new ConfigProblems()
  const { values, resets } = readLayer(update, problems)
  problems.throwIfAny()
  const next = new Map([...earlier].filter(([key]) => !resets.has(key)))
  for (const [key, value] of values) next.set(key, formatValue(value))
  return next
}

/**
 * Writes a value as Kafka does, to be stored: `-1`, `true`, `compact,delete`, `9223372036854775807` for no limit.
 *
 * Units:  those of `key` itself, which may be a synonym: hours for `log.retention.hours`.
 * Errors: `CONFIG_INVALID` for a value that the key can't have.
 */
export function formatConfigValue(key: ConfigKey, value: ConfigValue): string {
  const spec = specOf(key)
  const parsed = parseValue(spec, value)
  if (parsed !== undefined) return formatValue(parsed)
  const problems = new ConfigProblems()
  problems.addValue(spec, value)
  throw problems.toError()
}

function isStorable(spec: KeySpec): boolean {
  return spec.scope === 'topic' || spec.status === 'active'
}
