/*
 * `topic.properties`: what makes a log this log, and the configuration stored with it.
 *
 *   seglog.log.id       22 characters, made once
 *   seglog.generation   rises with every truncation, so that an index from before one is known as such
 *   seglog.offsets      dense: no offset is ever missing, a hole is damage · sparse: compacted, or written by Kafka
 *   retention.ms …      Kafka's keys, as updateConfig stored them
 *
 * Replaced whole and durably. A directory without it was not made here.
 */
import { formatProperties, isOffset, parseProperties, type Random, SeglogError } from '../core/index.ts'
import { type FileSystem, readSmallFile, replaceFile } from '../fs/index.ts'
import { isTopicId, randomTopicId } from '../layout/index.ts'

/** What `topic.properties` says. */
export interface LogIdentity {
  readonly id: string
  readonly generation: number
  readonly offsets: 'dense' | 'sparse'
  /** Configuration by Kafka's names, as text. */
  readonly config: ReadonlyMap<string, string>
}

const FILE_BYTES_MAX = 1024 * 1024
const ID = 'seglog.log.id'
const GENERATION = 'seglog.generation'
const OFFSETS = 'seglog.offsets'

/** The identity of a log that is being made now. */
export function newIdentity(random: Random, offsets: 'dense' | 'sparse'): LogIdentity {
  return { id: randomTopicId(random), generation: 0, offsets, config: new Map() }
}

/** Reads the identity at `path`; undefined when there is none. Errors: `LOG_CORRUPT` when it can't be believed. */
export function readIdentity(fileSystem: FileSystem, path: string): LogIdentity | undefined {
  const bytes = readSmallFile(fileSystem, path, FILE_BYTES_MAX)
  if (bytes === undefined) return undefined
  const properties = new Map(parseProperties(bytes.toString('utf8')))
  const id = take(properties, ID)
  const generation = parseGeneration(take(properties, GENERATION))
  const offsets = take(properties, OFFSETS)
  if (
    id === undefined ||
    !isTopicId(id) ||
    generation === undefined ||
    (offsets !== 'dense' && offsets !== 'sparse')
  ) {
    throw new SeglogError(
      'LOG_CORRUPT',
      `${path} does not say which log this is: ${ID}, ${GENERATION} or ${OFFSETS} is missing or wrong`,
      { path },
    )
  }
  return { id, generation, offsets, config: properties }
}

/** Replaces the identity at `path` durably. */
export function writeIdentity(fileSystem: FileSystem, path: string, identity: LogIdentity): Promise<void> {
  const own = [
    [ID, identity.id],
    [GENERATION, String(identity.generation)],
    [OFFSETS, identity.offsets],
  ] as const
  return replaceFile(fileSystem, path, formatProperties(new Map([...own, ...identity.config]), 'seglog'))
}

/** What the index and the clean marker know the log by: one name for each life between truncations. */
export function identityName(identity: LogIdentity): string {
  return `${identity.id}.${identity.generation}`
}

function parseGeneration(text: string | undefined): number | undefined {
  const value = Number(text)
  return text !== undefined && String(value) === text && isOffset(value) ? value : undefined
}

function take(properties: Map<string, string>, name: string): string | undefined {
  const value = properties.get(name)
  properties.delete(name)
  return value
}
