/*
 * `meta.properties`: what makes a directory a store, and whose. Java's .properties text:
 *
 *   version=1                     version=0, from before Kafka had controllers of its own
 *   cluster.id=c2VnbG9n…          the same; may be missing
 *   node.id=1                     broker.id=1; may be missing
 *   directory.id=0_W-qGwt…        16 bytes in base64; may be missing in both
 *   seglog.version=1              made by seglog; Kafka keeps to the keys it knows
 *
 * A file without a version is one of version 0, as Kafka reads it; keys that are not known are nobody's concern.
 */
import {
  assert,
  formatProperties,
  INT32_MAX,
  isSeglogError,
  parseProperties,
  SeglogError,
} from '../core/index.ts'
import type { FileSystem } from '../fs/index.ts'
import { type Parsed, readSmallText } from './checkpoint-text.ts'
import { quoteName } from './topic-names.ts'

/** What `meta.properties` says. */
export interface MetaProperties {
  readonly version: 0 | 1
  /** Of the cluster that the store belongs to; there is always one from version 1 on. */
  readonly clusterId: string | undefined
  /** Of the broker; there is always one from version 1 on. */
  readonly nodeId: number | undefined
  /** Of this very directory: 16 bytes in base64. */
  readonly directoryId: string | undefined
  /** The store was made by seglog, not by Kafka. */
  readonly isOurs: boolean
}

const FILE_BYTES_MAX = 64 * 1024
const KEY = {
  version: 'version',
  clusterId: 'cluster.id',
  nodeId: 'node.id',
  brokerId: 'broker.id',
  directoryId: 'directory.id',
  seglogVersion: 'seglog.version',
} as const
const VERSION_MAX = 1
const SEGLOG_VERSION = '1'
const UUID_BYTES = 16

/** Formats `meta.properties` as Kafka does: without the date in its comment, so that the same content is the same bytes. */
export function formatMetaProperties(meta: MetaProperties): string {
  assert(parseMetaProperties(textOf(meta)).problem === undefined, 'meta.properties')
  return textOf(meta)
}

function textOf({ version, clusterId, nodeId, directoryId, isOurs }: MetaProperties): string {
  const entries: (readonly [string, string | number | undefined])[] = [
    [KEY.version, version],
    [KEY.clusterId, clusterId],
    [version === 0 ? KEY.brokerId : KEY.nodeId, nodeId],
    [KEY.directoryId, directoryId],
    [KEY.seglogVersion, isOurs ? SEGLOG_VERSION : undefined],
  ]
  const given = entries.flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)] as const],
  )
  return formatProperties(given)
}

/** Parses `meta.properties`; the version is looked at first, since a newer one may mean anything. */
export function parseMetaProperties(text: string): Parsed<MetaProperties> {
  let properties: ReadonlyMap<string, string>
  try {
    properties = parseProperties(text)
  } catch (error) {
    if (!isSeglogError(error, 'CONFIG_INVALID')) throw error
    return { problem: `is no .properties file: ${error.message}` }
  }
  if (!Object.values(KEY).some((key) => properties.has(key)))
    return { problem: 'says neither a version nor an id' }
  const versionText = properties.get(KEY.version) ?? '0'
  const version = parseNumber(versionText)
  if (version === undefined) return { problem: `has version ${quoteName(versionText)}, 0 or 1 was expected` }
  if (version > VERSION_MAX) {
    return {
      problem: `has version ${version}, of which nothing is known here: 0 and 1 are read`,
      unknownVersion: version,
    }
  }
  return parseContent(properties, version === 0 ? 0 : 1)
}

function parseContent(properties: ReadonlyMap<string, string>, version: 0 | 1): Parsed<MetaProperties> {
  const clusterId = properties.get(KEY.clusterId)
  const nodeKey = version === 0 ? KEY.brokerId : KEY.nodeId
  const nodeText = properties.get(nodeKey)
  const nodeId = nodeText === undefined ? undefined : parseNumber(nodeText)
  const directoryId = properties.get(KEY.directoryId)
  if (clusterId === '' || (clusterId === undefined && version === 1))
    return { problem: `has no ${KEY.clusterId}` }
  if (nodeText === undefined && version === 1) return { problem: `has no ${KEY.nodeId}` }
  if (nodeText !== undefined && nodeId === undefined)
    return { problem: `has ${nodeKey} ${quoteName(nodeText)}, a number from 0 to ${INT32_MAX} was expected` }
  if (directoryId !== undefined && !isUuid(directoryId))
    return {
      problem: `has ${KEY.directoryId} ${quoteName(directoryId)}, which is no id of ${UUID_BYTES} bytes`,
    }
  const seglogVersion = properties.get(KEY.seglogVersion)
  if (seglogVersion !== undefined && seglogVersion !== SEGLOG_VERSION) {
    const unknownVersion = parseNumber(seglogVersion)
    const problem = `has ${KEY.seglogVersion} ${quoteName(seglogVersion)}, ${SEGLOG_VERSION} was expected`
    return unknownVersion === undefined ? { problem } : { problem, unknownVersion }
  }
  return { value: { version, clusterId, nodeId, directoryId, isOurs: seglogVersion !== undefined } }
}

/** Reads `meta.properties` at `path`; undefined when there is none. Errors: the system's. */
export function readMetaProperties(fileSystem: FileSystem, path: string): Parsed<MetaProperties> | undefined {
  return readSmallText(fileSystem, path, { bytesMax: FILE_BYTES_MAX, parse: parseMetaProperties })
}

/**
 * The error for a `meta.properties` that can't be believed: FORMAT_UNSUPPORTED for a version that is not known, which
 * nothing is wrong with; else LOG_CORRUPT.
 */
export function metaPropertiesError(
  path: string,
  { problem, unknownVersion: version }: { problem: string; unknownVersion?: number },
): SeglogError {
  if (version === undefined) return new SeglogError('LOG_CORRUPT', problem, { path })
  return new SeglogError('FORMAT_UNSUPPORTED', problem, { path, found: version, expected: [0, VERSION_MAX] })
}

/** A number as Java reads it, blanks around it left out; undefined for anything that no version and no node can be. */
function parseNumber(text: string): number | undefined {
  const match = /^[\0-\x20]*\+?(\d{1,10})[\0-\x20]*$/.exec(text)
  const value = Number(match?.[1] ?? Number.NaN)
  return value <= INT32_MAX ? value : undefined
}

function isUuid(text: string): boolean {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length === UUID_BYTES && bytes.toString('base64url') === text
}
