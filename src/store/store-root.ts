/*
 * Finding out whether a directory is a store, and making one:
 *
 *   1. directory, lock            crash: a directory with an empty `.lock`, which is as good as empty
 *   2. meta.properties            the commit point: it is a store
 *
 * A directory that is neither empty, nor a store, is somebody's: nothing is made in it.
 */
import { join, resolve } from 'node:path'
import { type Random, SeglogError } from '../core/index.ts'
import { type FileSystem, replaceFile } from '../fs/index.ts'
import {
  classifyEntry,
  FILE_NAMES,
  formatMetaProperties,
  type MetaProperties,
  metaPropertiesError,
  randomTopicId,
  readMetaProperties,
} from '../layout/index.ts'

/** A store's directory as it was found. */
export interface FoundRoot {
  /** Absolute, links resolved. */
  readonly directory: string
  /** Undefined: there is no store yet. */
  readonly meta: MetaProperties | undefined
}

const NODE_ID = 1

/**
 * Looks at a directory, which is made if need be, unless `create` is false.
 * Errors: STORE_NOT_FOUND; STORE_INVALID for a directory that is something else; INCONSISTENT_CLUSTER_ID;
 *         FORMAT_UNSUPPORTED, LOG_CORRUPT for a `meta.properties` that can't be believed; the system's.
 */
export async function findStore(
  fileSystem: FileSystem,
  path: string,
  { create, clusterId }: { create: boolean; clusterId: string | undefined },
): Promise<FoundRoot> {
  const wanted = resolve(path)
  if (fileSystem.statSync(wanted) === undefined) {
    if (!create) throw notFound(wanted)
    await fileSystem.makeDirectory(wanted)
  }
  const directory = await fileSystem.realPath(wanted)
  const kind = fileSystem.statSync(directory)?.kind
  if (kind !== 'directory') throw invalid(directory, `is a ${kind}, a directory was expected`)
  const metaPath = join(directory, FILE_NAMES.metaProperties)
  const found = readMetaProperties(fileSystem, metaPath)
  if (found === undefined) {
    await checkEmpty(fileSystem, directory)
    if (!create) throw notFound(directory)
    return { directory, meta: undefined }
  }
  if (found.problem !== undefined) throw metaPropertiesError(metaPath, found)
  checkClusterId(found.value, { clusterId, metaPath })
  return { directory, meta: found.value }
}

/** Makes a locked directory a store. Errors: the system's; LOG_POISONED for a failed sync. */
export async function formatStore(
  place: { fileSystem: FileSystem; random: Random },
  directory: string,
  clusterId: string | undefined,
): Promise<MetaProperties> {
  const { fileSystem, random } = place
  const meta: MetaProperties = {
    version: 1,
    clusterId: clusterId ?? randomTopicId(random),
    nodeId: NODE_ID,
    directoryId: randomTopicId(random),
    isOurs: true,
  }
  await replaceFile(fileSystem, join(directory, FILE_NAMES.metaProperties), formatMetaProperties(meta))
  return meta
}

function checkClusterId(
  meta: MetaProperties,
  { clusterId, metaPath }: { clusterId: string | undefined; metaPath: string },
): void {
  if (clusterId === undefined || meta.clusterId === clusterId) return
  const message = `invalid cluster.id in ${metaPath}: expected ${clusterId}, found ${meta.clusterId ?? 'none'}`
  throw new SeglogError('INCONSISTENT_CLUSTER_ID', message, {
    path: metaPath,
    found: meta.clusterId,
    expected: clusterId,
  })
}

/** A directory without `meta.properties` holds nothing but what an interrupted beginning left there. */
async function checkEmpty(fileSystem: FileSystem, directory: string): Promise<void> {
  const entries = await fileSystem.list(directory)
  const kinds = entries.map(({ name, kind }) => ({ name, kind, entry: classifyEntry(name).kind }))
  if (kinds.some(({ entry }) => entry === 'segment'))
    throw invalid(directory, 'is a log: open it with openLog, or name the directory that is to hold topics')
  const foreign = kinds.find(
    ({ name, kind, entry }) =>
      kind !== 'file' || !(entry === 'own' || entry === 'temporary') || name === FILE_NAMES.topicProperties,
  )
  if (foreign === undefined) return
  const what = `has no ${FILE_NAMES.metaProperties}, and is not empty: there is ${JSON.stringify(foreign.name)} in it`
  throw invalid(directory, what)
}

function invalid(directory: string, what: string): SeglogError {
  return new SeglogError('STORE_INVALID', `${directory} ${what}`, { path: directory })
}

function notFound(directory: string): SeglogError {
  return new SeglogError('STORE_NOT_FOUND', `there is no store in ${directory}`, { path: directory })
}
