import { type ConfigKey, configKeyNames, RESOLVED_SPECS, type ResolvedKey, specOf } from './config-keys.ts'
import type { ConfigKind, ConfigStatus, ConfigUnit } from './config-row.ts'
import { formatValue } from './config-value.ts'
import { describeValid } from './config-words.ts'
import { formatQuantity } from './quantity.ts'

/** A key as the documentation and the command line show it. */
export interface ConfigKeyDescription {
  readonly name: ResolvedKey
  readonly scope: 'topic' | 'broker'
  readonly kind: ConfigKind
  readonly unit: ConfigUnit | undefined
  /** As Kafka writes it; `undefined` where there is nothing unless it is set. */
  readonly default: string | undefined
  /** The default with a unit, where that is easier to read: `'7d'`, `'1GiB'`. */
  readonly defaultReadable: string | undefined
  /** The valid values in words; empty where the kind says it all. */
  readonly valid: string
  /** Broker-level names for it, the one that wins first, with what one of theirs is worth. */
  readonly synonyms: readonly { readonly name: ConfigKey; readonly unit: ConfigUnit | undefined }[]
  readonly status: ConfigStatus
  readonly meaning: string
}

/** Describes every key that has a value of its own, in the order of the documentation. */
export function describeConfigKeys(): readonly ConfigKeyDescription[] {
  const specs = [...configKeyNames()].map(specOf)
  return RESOLVED_SPECS.map((spec) => ({
    name: spec.name as ResolvedKey,
    scope: spec.scope,
    kind: spec.kind as ConfigKind,
    unit: spec.unit,
    default: spec.default === null ? undefined : formatValue(spec.default),
    defaultReadable:
      typeof spec.default === 'number' && (spec.unit === 'ms' || spec.unit === 'bytes')
        ? formatQuantity(spec.default, spec.unit)
        : undefined,
    valid: describeValid(spec),
    synonyms: specs
      .filter((other) => other.canonical === spec.name && other.rank > 0)
      .map((other) => ({ name: other.name as ConfigKey, unit: other.unit })),
    status: spec.status,
    meaning: spec.doc,
  }))
}
