/*
 * `topic.properties`: what makes a log this log, and the configuration stored with it.
 *
 *   seglog.log.id       22 characters, made once
 *   seglog.generation   rises with every truncation, so that an index from before one is known as such
 *   seglog.cuts         the truncations that matter: generation:offset, both rising, at most 64; what has none has no such line
 *   seglog.offsets      dense: no offset is ever missing, a hole is damage · sparse: compacted, or written by Kafka
 *   seglog.topic.id     in a store: the topic's, as in partition.metadata, which is made from it
 *   seglog.partitions   in a store: how many partitions the topic was made with
 *   retention.ms …      Kafka's keys, as updateConfig stored them
 *
 * Replaced whole and durably. A directory without it was not made here.
 */
import { formatProperties, isOffset, parseProperties, type Random, SeglogError } from '../core/index.ts'
import { type FileSystem, readSmallFile, replaceFile } from '../fs/index.ts'
import { isPartition, isTopicId, randomTopicId } from '../layout/index.ts'
import { addCut, type Cut } from './cuts.ts'

/** What `topic.properties` says. */
export interface LogIdentity {
  readonly id: string
  readonly generation: number
  /** Truncations that went lower than all later ones. */
  readonly cuts: readonly Cut[]
  readonly offsets: 'dense' | 'sparse'
  /** Which topic of a store it is a partition of, if it was made as one. */
  readonly topic: { readonly id: string; readonly partitionCount: number } | undefined
  /** Configuration by Kafka's names, as text. */
  readonly config: ReadonlyMap<string, string>
}

const CUTS_MAX = 64

/**
 * Readers are told twice, before the first byte goes and after the last: so many generations one truncation takes. Odd
 * ones, as followers know, are those in between.
 */
const GENERATIONS_PER_CUT = 2

const FILE_BYTES_MAX = 1024 * 1024
const ID = 'seglog.log.id'
const GENERATION = 'seglog.generation'
const CUTS = 'seglog.cuts'
const OFFSETS = 'seglog.offsets'
const TOPIC_ID = 'seglog.topic.id'
const PARTITIONS = 'seglog.partitions'

/** The identity of a log that is being made now. */
export function newIdentity(
  random: Random,
  offsets: 'dense' | 'sparse',
  of?: Pick<LogIdentity, 'topic' | 'config'>,
): LogIdentity {
  const { topic, config } = of ?? { topic: undefined, config: new Map<string, string>() }
  return { id: randomTopicId(random), generation: 0, cuts: [], offsets, topic, config }
}

/** Reads the identity at `path`; undefined when there is none. Errors: `LOG_CORRUPT` when it can't be believed. */
export function readIdentity(fileSystem: FileSystem, path: string): LogIdentity | undefined {
  const bytes = readSmallFile(fileSystem, path, FILE_BYTES_MAX)
  if (bytes === undefined) return undefined
  const identity = parseIdentity(bytes.toString('utf8'))
  if (identity !== undefined) return identity
  throw new SeglogError(
    'LOG_CORRUPT',
    `${path} does not say which log this is: ${ID}, ${GENERATION} or ${OFFSETS} is missing or wrong, or ${CUTS} is wrong`,
    { path },
  )
}

/** The identity that the text of a `topic.properties` gives; undefined when it can't be believed. */
export function parseIdentity(text: string): LogIdentity | undefined {
  const properties = new Map(parseProperties(text))
  const id = take(properties, ID)
  const generation = parseGeneration(take(properties, GENERATION))
  const cuts = parseCuts(take(properties, CUTS))
  const offsets = take(properties, OFFSETS)
  const topicId = take(properties, TOPIC_ID)
  const partitionCount = parseCount(take(properties, PARTITIONS))
  if (
    id === undefined ||
    !isTopicId(id) ||
    generation === undefined ||
    cuts === undefined ||
    (cuts.at(-1)?.generation ?? 0) > generation ||
    (offsets !== 'dense' && offsets !== 'sparse')
  )
    return undefined
  const isOfTopic = topicId !== undefined && isTopicId(topicId) && partitionCount !== undefined
  const topic = isOfTopic ? { id: topicId, partitionCount } : undefined
  return { id, generation, cuts, offsets, topic, config: properties }
}

/** Replaces the identity at `path` durably. */
export function writeIdentity(fileSystem: FileSystem, path: string, identity: LogIdentity): Promise<void> {
  const own = [
    [ID, identity.id],
    [GENERATION, String(identity.generation)],
    ...(identity.cuts.length === 0 ? [] : ([[CUTS, formatCuts(identity.cuts)]] as const)),
    [OFFSETS, identity.offsets],
    ...(identity.topic === undefined ? [] : ([[TOPIC_ID, identity.topic.id]] as const)),
    ...(identity.topic === undefined ? [] : ([[PARTITIONS, String(identity.topic.partitionCount)]] as const)),
  ] as const
  return replaceFile(fileSystem, path, formatProperties(new Map([...own, ...identity.config]), 'seglog'))
}

/** The identity of a log after a truncation to `offset`. */
export function identityAfterCut(identity: LogIdentity, offset: number): LogIdentity {
  const generation = identity.generation + GENERATIONS_PER_CUT
  return { ...identity, generation, cuts: addCut(identity.cuts, { generation, offset }, { max: CUTS_MAX }) }
}

/** What the index and the clean marker know the log by: one name for each life between truncations. */
export function identityName(identity: LogIdentity): string {
  return `${identity.id}.${identity.generation}`
}

function formatCuts(cuts: readonly Cut[]): string {
  return cuts.map(({ generation, offset }) => `${generation}:${offset}`).join(' ')
}

function parseCuts(text: string | undefined): Cut[] | undefined {
  if (text === undefined) return []
  const cuts: Cut[] = []
  for (const word of text.split(' ')) {
    const [generation, offset, ...rest] = word.split(':').map(parseGeneration)
    const { generation: lastGeneration, offset: lastOffset } = cuts.at(-1) ?? { generation: 0, offset: -1 }
    if (generation === undefined || offset === undefined || rest.length > 0) return undefined
    if (generation <= lastGeneration || offset <= lastOffset) return undefined
    cuts.push({ generation, offset })
  }
  return cuts.length <= CUTS_MAX ? cuts : undefined
}

function parseGeneration(text: string | undefined): number | undefined {
  const value = Number(text)
  return text !== undefined && String(value) === text && isOffset(value) ? value : undefined
}

function parseCount(text: string | undefined): number | undefined {
  const value = parseGeneration(text)
  return value !== undefined && value > 0 && isPartition(value - 1) ? value : undefined
}

function take(properties: Map<string, string>, name: string): string | undefined {
  const value = properties.get(name)
  properties.delete(name)
  return value
}
