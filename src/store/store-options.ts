import { checkTime, type CleanFailure } from '../cleanup/index.ts'
import {
  type ConfigInput,
  type ConfigLayer,
  formatConfigValue,
  type ResolvedConfig,
  resolveConfig,
} from '../config/index.ts'
import {
  argumentTypeError,
  checkBoolean,
  checkFunction,
  checkInteger,
  isSeglogError,
  parseProperties,
  readOptions,
  SeglogError,
  typeName,
} from '../core/index.ts'
import { type FileSystem, readSmallFile } from '../fs/index.ts'
import { type CheckedLogOptions, checkLogOptions, type LogOptions } from '../log/index.ts'

/** How to open a store; everything is optional. */
export interface StoreOptions extends Omit<LogOptions, 'config'> {
  /** Kafka's broker-level keys, and defaults for topics; what is stored with a topic goes before it. */
  readonly config?: ConfigInput
  /** Path of a `server.properties`, which `config` goes before. */
  readonly properties?: string
  /** The cluster that the store has to belong to; a new store is made for it. */
  readonly clusterId?: string
}

/** How to make a topic; everything is optional. */
export interface CreateTopicOptions {
  /** Default `num.partitions`. */
  readonly partitions?: number
  /** Stored with the topic; goes before the store's. */
  readonly config?: ConfigInput
  /** A topic of that name that is there already is given back as it is. */
  readonly ifNotExists?: boolean
}

/** What to plan for. */
export interface StorePlanOptions {
  /** Wall time to judge by; default the clock's. */
  readonly now?: number
  /** Told of a log that can't be planned for, which is left out then. */
  readonly onFailure?: (failure: CleanFailure) => void
}

/** How to clean a store. */
export interface StoreCleanOptions {
  /** Wall time to judge by; default the clock's. */
  readonly now?: number
  /** Believe the clock although it has jumped ahead. */
  readonly force?: boolean
}

/** Options of a store, checked. */
export interface CheckedStoreOptions {
  /** For the logs of the store. */
  readonly log: CheckedLogOptions
  /** What the store itself goes by. */
  readonly config: ResolvedConfig
  readonly clusterId: string | undefined
  /** Names that were given and that nothing depends on. */
  readonly inertConfig: readonly string[]
}

const KNOWN = [
  'config',
  'properties',
  'clusterId',
  'durability',
  'cleanup',
  'readOnly',
  'create',
  'adopt',
  'onCorruption',
  'maxBufferedBytes',
  'inlineSyncMs',
  'index',
  'fileSystem',
  'clock',
  'random',
  'logger',
] as const satisfies readonly (keyof StoreOptions)[]

const PARTITIONS_MAX = 100_000
const PROPERTIES_BYTES_MAX = 1024 * 1024
const CLUSTER_ID = /^[A-Za-z0-9_.-]{1,249}$/

/** Checks the options of `openStore`. Errors: TypeError, RangeError; CONFIG_INVALID, also for no properties file; the system's. */
export function checkStoreOptions(input: StoreOptions | undefined): CheckedStoreOptions {
  const {
    config = {},
    properties,
    clusterId,
    ...rest
  } = readOptions<StoreOptions>(input, {
    what: 'store',
    known: KNOWN,
  })
  const log = checkLogOptions(rest as LogOptions)
  if (clusterId !== undefined && (typeof clusterId !== 'string' || !CLUSTER_ID.test(clusterId)))
    throw argumentTypeError(
      `clusterId must be text of letters, digits, '.', '_' and '-', found ${describe(clusterId)}`,
    )
  const file =
    properties === undefined ? new Map<string, string>() : readProperties(log.fileSystem, properties)
  const resolution = resolveConfig([config, file])
  return {
    log: { ...log, config: mergeLayers(config, file), configRank: 'below-stored' },
    config: resolution.config,
    clusterId,
    inertConfig: resolution.inert,
  }
}

/** Checks how a topic is to be made, and fills in defaults. Errors: TypeError, RangeError. */
export function checkCreateOptions(
  input: CreateTopicOptions | undefined,
  storeConfig: ResolvedConfig,
): Required<CreateTopicOptions> {
  const {
    partitions = storeConfig['num.partitions'],
    config = {},
    ifNotExists = false,
  } = readOptions<CreateTopicOptions>(input, {
    what: 'topic',
    known: ['partitions', 'config', 'ifNotExists'],
  })
  return {
    partitions: checkInteger(partitions, { name: 'partitions', min: 1, max: PARTITIONS_MAX }),
    config,
    ifNotExists: checkBoolean('ifNotExists', ifNotExists),
  }
}

/** Checks what to plan for. Errors: TypeError, RangeError. */
export function checkPlanOptions(input: StorePlanOptions | undefined): StorePlanOptions {
  const options = readOptions<StorePlanOptions>(input, { what: 'plan', known: ['now', 'onFailure'] })
  if (options.now !== undefined) checkTime(options.now)
  checkFunction('onFailure', options.onFailure)
  return options
}

/** Checks how to clean. Errors: TypeError, RangeError. */
export function checkStoreClean(input: StoreCleanOptions | undefined): StoreCleanOptions {
  const options = readOptions<StoreCleanOptions>(input, { what: 'clean', known: ['now', 'force'] })
  if (options.now !== undefined) checkTime(options.now)
  if (options.force !== undefined) checkBoolean('force', options.force)
  return options
}

/** Both layers as one: a key of the second counts only where the first has none of its names. Errors: CONFIG_INVALID. */
export function mergeLayers(first: ConfigLayer, second: ConfigLayer): ConfigLayer {
  const { explicit } = resolveConfig([first, second])
  return new Map(Array.from(explicit, ([key, value]) => [key, formatConfigValue(key, value)]))
}

function readProperties(fileSystem: FileSystem, path: unknown): ReadonlyMap<string, string> {
  if (typeof path !== 'string' || path === '')
    throw argumentTypeError(`properties must be the path of a file, found ${describe(path)}`)
  let bytes: Buffer | undefined
  try {
    bytes = readSmallFile(fileSystem, path, PROPERTIES_BYTES_MAX)
  } catch (error) {
    if (!isSeglogError(error)) throw error
    throw new SeglogError('CONFIG_INVALID', error.message, { path, cause: error }) // it is no log that is damaged
  }
  if (bytes === undefined) throw new SeglogError('CONFIG_INVALID', `there is no ${path}`, { path })
  try {
    return parseProperties(bytes.toString('utf8'))
  } catch (error) {
    if (!isSeglogError(error)) throw error
    throw new SeglogError('CONFIG_INVALID', `${path}: ${error.message}`, { path, cause: error })
  }
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : typeName(value)
}
