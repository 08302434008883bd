import { assert, INT32_MAX } from '../core/index.ts'
import { BROKER_KEYS } from './broker-keys.ts'
import {
  type ConfigKind,
  type ConfigRow,
  type ConfigStatus,
  type ConfigSynonym,
  type ConfigUnit,
  type ConfigValue,
  INT32_MIN,
  LONG_MAX,
  LONG_MIN,
} from './config-row.ts'
import { UNREAD_KEYS } from './other-keys.ts'
import { TOPIC_KEYS } from './topic-keys.ts'

type Row = (typeof TOPIC_KEYS)[number] | (typeof BROKER_KEYS)[number]
type SynonymOf<R> = R extends { readonly synonyms: readonly { readonly name: infer N extends string }[] }
  ? N
  : never
type EntryOf<R> = R extends { readonly oneOf: readonly (infer E)[] } ? E : string
type NullOf<R> = R extends { readonly default: null } ? null : never
type ValueOf<R> =
  | NullOf<R>
  | (R extends { readonly kind: 'int' | 'long' | 'double' }
      ? number
      : R extends { readonly kind: 'boolean' }
        ? boolean
        : R extends { readonly kind: 'list' }
          ? readonly EntryOf<R>[]
          : EntryOf<R>)
type ResolvedValues = { readonly [R in Row as R['name']]: ValueOf<R> }

/** A key that has a value of its own in a resolved configuration: topic-level, or broker-level and no synonym. */
export type ResolvedKey = Row['name']

/** Every key that is accepted: those with a value of their own, broker-level synonyms, and those left unread. */
export type ConfigKey = ResolvedKey | SynonymOf<Row> | (typeof UNREAD_KEYS)[number]

/**
 * A configuration as it is given: Kafka's keys, with numbers, booleans and lists as such or as text.
 *
 * Units: keys in ms also take `'7d'`, `'12h'`, `'30m'`, `'45s'`, `'250ms'`; keys in bytes `'1GiB'`, `'64KiB'`, `'10kB'`.
 *        `null` resets a key in an update, and is the same as leaving the key out elsewhere.
 */
export type ConfigInput = {
  readonly [K in ConfigKey]?: string | number | bigint | boolean | readonly string[] | null
}

/**
 * A whole configuration: every key of one log and of its schedule, inert ones too, with its parsed value.
 *
 * Shape:  frozen, without a prototype; a long over 2^53 - 1, such as Kafka's `Long.MAX_VALUE`, is `Infinity`;
 *         `segment.bytes` is the one in effect: `internal.segment.bytes` where that is set.
 */
export interface ResolvedConfig extends ResolvedValues {}

/** All that is known about one accepted name; every field is its own, so that no prototype can fill one in. */
export interface KeySpec {
  readonly name: string
  /** The key whose value this name sets; `undefined` for a key that is left unread. */
  readonly canonical: ResolvedKey | undefined
  /** 0 for the key itself, 1 and up for its synonyms: the lowest wins. */
  readonly rank: number
  readonly scope: 'topic' | 'broker'
  readonly status: ConfigStatus
  readonly kind: ConfigKind | 'unread'
  readonly unit: ConfigUnit | undefined
  readonly factor: number
  readonly min: number
  readonly max: number
  readonly also: number | undefined
  readonly oneOf: readonly string[] | undefined
  readonly form: { readonly pattern: RegExp; readonly words: string } | undefined
  readonly nonEmpty: boolean
  readonly distinct: boolean
  readonly negativeIsUnlimited: boolean
  readonly default: ConfigValue | null
  readonly doc: string
}

/** The rows of the table, in the order of the documentation. */
export const CONFIG_ROWS: readonly ConfigRow[] = [...TOPIC_KEYS, ...BROKER_KEYS]

const SPECS: ReadonlyMap<string, KeySpec> = buildSpecs()

/** The keys that have a value of their own, in the order of the documentation. */
export const RESOLVED_SPECS: readonly KeySpec[] = CONFIG_ROWS.map((row) => specOf(row.name))

/** What is known about `name`; `undefined` for a name that is no key. */
export function findSpec(name: string): KeySpec | undefined {
  return SPECS.get(name)
}

/** What is known about a name that is a key. */
export function specOf(name: string): KeySpec {
  const spec = SPECS.get(name)
  assert(spec !== undefined, 'the key is in the table')
  return spec
}

/** Every accepted name. */
export function configKeyNames(): Iterable<string> {
  return SPECS.keys()
}

/** Says whether `name` is a key that `resolveConfig` accepts. */
export function isConfigKey(name: string): name is ConfigKey {
  return SPECS.has(name)
}

function buildSpecs(): Map<string, KeySpec> {
  const specs = new Map<string, KeySpec>()
  const add = (spec: KeySpec) => {
    assert(!specs.has(spec.name), `${spec.name} is in the table once`)
    specs.set(spec.name, spec)
  }
  for (const row of CONFIG_ROWS) {
    const spec = rowSpec(row)
    add(spec)
    const synonyms = own(row, 'synonyms') ?? []
    for (const [index, synonym] of synonyms.entries()) add(synonymSpec(spec, synonym, index + 1))
  }
  for (const name of UNREAD_KEYS) add(unreadSpec(name))
  return specs
}

function rowSpec(row: ConfigRow): KeySpec {
  const limits = kindLimits(row.kind)
  return Object.freeze({
    name: row.name,
    canonical: row.name as ResolvedKey,
    rank: 0,
    scope: row.scope,
    status: row.status,
    kind: row.kind,
    unit: own(row, 'unit'),
    factor: 1,
    min: own(row, 'min') ?? limits.min,
    max: own(row, 'max') ?? limits.max,
    also: own(row, 'also'),
    oneOf: own(row, 'oneOf'),
    form: own(row, 'form'),
    nonEmpty: own(row, 'nonEmpty') ?? false,
    distinct: own(row, 'distinct') ?? false,
    negativeIsUnlimited: false,
    default:
      typeof row.default === 'object' && row.default !== null ? Object.freeze([...row.default]) : row.default,
    doc: row.doc,
  })
}

function synonymSpec(row: KeySpec, synonym: ConfigSynonym, rank: number): KeySpec {
  const kind = own(synonym, 'kind') ?? row.kind
  const factor = own(synonym, 'factor') ?? 1
  const limits = factor === 1 && kind === row.kind ? row : kindLimits(kind as ConfigKind)
  return Object.freeze({
    ...row,
    name: synonym.name,
    rank,
    kind,
    unit: own(synonym, 'unit') ?? row.unit,
    factor,
    min: own(synonym, 'min') ?? limits.min,
    max: limits.max,
    negativeIsUnlimited: own(synonym, 'negativeIsUnlimited') ?? false,
  })
}

function unreadSpec(name: string): KeySpec {
  return Object.freeze({
    name,
    canonical: undefined,
    rank: 0,
    scope: 'broker',
    status: 'inert',
    kind: 'unread',
    unit: undefined,
    factor: 1,
    min: LONG_MIN,
    max: LONG_MAX,
    also: undefined,
    oneOf: undefined,
    form: undefined,
    nonEmpty: false,
    distinct: false,
    negativeIsUnlimited: false,
    default: null,
    doc: '',
  })
}

function kindLimits(kind: ConfigKind): { min: number; max: number } {
  return kind === 'int' ? { min: INT32_MIN, max: INT32_MAX } : { min: LONG_MIN, max: LONG_MAX }
}

function own<T extends object, K extends keyof T>(object: T, field: K): T[K] | undefined {
  return Object.hasOwn(object, field) ? object[field] : undefined
}
