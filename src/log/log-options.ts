import type { ConfigInput, ConfigLayer } from '../config/index.ts'
import {
  argumentRangeError,
  argumentTypeError,
  checkBoolean,
  checkInteger,
  type Clock,
  type PinoLike,
  type Random,
  readOptions,
  silentLogger,
  systemClock,
  systemRandom,
  typeName,
} from '../core/index.ts'
import { type FileSystem, nodeFileSystem } from '../fs/index.ts'
import { checkDurability, type Durability } from './durability.ts'
import { guardLogger } from './guarded-logger.ts'

/** How to open a log; everything is optional. */
export interface LogOptions {
  /** Kafka's own keys; what is given here is used, not stored. */
  readonly config?: ConfigInput
  /** Level of an append that names none. Default `disk`. */
  readonly durability?: Durability
  /** `false`: no scheduler, only `clean()`. Default true. */
  readonly cleanup?: boolean
  /** Takes no lock and writes nothing; may follow a log that another process writes. Default false. */
  readonly readOnly?: boolean
  /** Make the log if there is none. Default true. */
  readonly create?: boolean
  /** Write to a directory that Kafka wrote; without it, such a directory opens for reading only. Default false. */
  readonly adopt?: boolean
  /** What to do about damage that must not be cut. Default `throw`. */
  readonly onCorruption?: 'throw' | 'readonly'
  /** Bound on what is accepted and not yet written. Default 64 MiB. */
  readonly maxBufferedBytes?: number
  /**
   * How long a sync that an append waits for may be expected to block the event loop, in ms, by what the last ones took;
   * slower ones go through the thread pool. 0 for never. Default 1.
   */
  readonly inlineSyncMs?: number
  /** Default `sqlite`; `memory` is the only one for a file system that is not the machine's. */
  readonly index?: 'sqlite' | 'memory'
  readonly fileSystem?: FileSystem
  readonly clock?: Clock
  readonly random?: Random
  readonly logger?: PinoLike
}

/** Options of a log, checked and with their defaults. */
export type CheckedLogOptions = Required<Omit<LogOptions, 'config'>> & {
  readonly config: ConfigLayer
  /** Whether `config` goes before what is stored with the log, or is what a store gives all of its logs. */
  readonly configRank: 'above-stored' | 'below-stored'
}

const MAX_BUFFERED_BYTES = 64 * 1024 * 1024
const INLINE_SYNC_MS = 1
const INLINE_SYNC_MS_MAX = 20
const KNOWN = [
  'config',
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
] as const satisfies readonly (keyof LogOptions)[]

/** What is handed in has to have; the first call of what is missing may come long after opening. */
const METHODS = {
  fileSystem: [
    'openSync',
    'statSync',
    'list',
    'makeDirectory',
    'rename',
    'remove',
    'removeDirectory',
    'syncDirectory',
    'realPath',
    'lock',
    'isLocked',
    'watch',
  ],
  clock: ['now', 'monotonic', 'schedule'],
  random: ['below', 'bytes'],
  logger: ['debug', 'info', 'warn', 'error'],
} as const satisfies {
  readonly [Name in keyof LogOptions]?: readonly (keyof NonNullable<LogOptions[Name]>)[]
}

/** Checks the options of `openLog` and fills in defaults; null is no default. Errors: TypeError, RangeError. */
export function checkLogOptions(input: LogOptions | undefined): CheckedLogOptions {
  const given = readOptions<LogOptions>(input, { what: 'log', known: KNOWN })
  const {
    config = {},
    durability = 'disk',
    cleanup = true,
    readOnly = false,
    create = true,
    adopt = false,
    onCorruption = 'throw',
    maxBufferedBytes = MAX_BUFFERED_BYTES,
    inlineSyncMs = INLINE_SYNC_MS,
    fileSystem = nodeFileSystem,
    clock = systemClock,
    random = systemRandom,
    logger = silentLogger,
  } = given
  const parts = { fileSystem, clock, random, logger }
  for (const name of ['fileSystem', 'clock', 'random', 'logger'] as const) checkMethods(name, parts[name])
  const index = given.index === undefined ? (fileSystem.kind === 'native' ? 'sqlite' : 'memory') : given.index
  checkChoice('onCorruption', onCorruption, ['throw', 'readonly'])
  checkChoice('index', index, fileSystem.kind === 'native' ? ['sqlite', 'memory'] : ['memory'])
  return {
    ...parts,
    config,
    configRank: 'above-stored',
    durability: checkDurability(durability),
    cleanup: checkBoolean('cleanup', cleanup),
    readOnly: checkBoolean('readOnly', readOnly),
    create: checkBoolean('create', create),
    adopt: checkBoolean('adopt', adopt),
    onCorruption,
    maxBufferedBytes: checkInteger(maxBufferedBytes, { name: 'maxBufferedBytes', min: 1024, max: 1024 ** 3 }),
    inlineSyncMs: checkInlineSyncMs(inlineSyncMs),
    index,
    logger: guardLogger(logger),
  }
}

/** Checks the directory argument. Errors: TypeError. */
export function checkDirectory(directory: unknown): string {
  if (typeof directory === 'string' && directory.length > 0 && !directory.includes('\0')) return directory
  throw argumentTypeError(
    `directory must be a path, found ${typeof directory === 'string' ? 'an empty one, or one with a zero byte' : typeName(directory)}`,
  )
}

function checkInlineSyncMs(value: unknown): number {
  if (typeof value !== 'number')
    throw argumentTypeError(`inlineSyncMs must be a number, found ${typeName(value)}`)
  if (value >= 0 && value <= INLINE_SYNC_MS_MAX) return value
  throw argumentRangeError(`inlineSyncMs must be from 0 to ${INLINE_SYNC_MS_MAX}, found ${value}`)
}

function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (typeof value === 'string' && choices.includes(value)) return
  const found = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : typeName(value)
  throw argumentTypeError(
    `${name} must be ${choices.map((choice) => `'${choice}'`).join(' or ')}, found ${found}`,
  )
}

function checkMethods(name: keyof typeof METHODS, value: unknown): void {
  const isObject = typeof value === 'object' && value !== null
  const missing = METHODS[name].find(
    (method) => !isObject || typeof (value as Record<string, unknown>)[method] !== 'function',
  )
  if (missing === undefined) return
  throw argumentTypeError(`${name} must have a method ${missing}, found ${typeName(value)}`)
}
