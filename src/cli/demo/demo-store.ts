/*
 * The store that the demo works in. Each run begins with topics that are empty: it deletes those of an earlier run, and
 * no others. Which those are, a file in the store says: the names of its topics, with their ids as soon as there are any.
 *
 *   1. the file claims names that no topic has      crash: nothing is there to be deleted
 *   2. the topics are made                          crash: a claim without an id is the demo's all the same
 *   3. the file has their ids                       a topic that somebody else makes later by that name is not the demo's
 */
import { join } from 'node:path'
import { nodeFileSystem, readSmallFile, replaceFile } from '../../fs/index.ts'
import { type ConfigInput, openStore, type Store, type Topic } from '../../index.ts'
import { FILE_NAMES, readMetaProperties } from '../../layout/index.ts'
import { PARTITIONS, SEGMENT_BYTES } from './demo.ts'
import { MARKER, removeEarlierLogs } from './earlier-demo.ts'
import { DemoFailure } from './failure.ts'

/** The topics of the demo; the last is there only while a process is killed that writes to it. */
export const TOPICS = { earthquakes: 'earthquakes', strong: 'strong-quakes', crash: 'crash-test' } as const

const MARKER_BYTES_MAX = 64 * 1024
const NOTE = 'The demo (npm start) made these topics, and deletes them when it runs again.'

/** Files of deleted segments go at once, and no segment goes by itself: by today's clock, all of 2018 has expired. */
const CONFIG = {
  'internal.segment.bytes': SEGMENT_BYTES,
  'file.delete.delay.ms': 0,
  'retention.ms': -1,
} as const

/** Ids of the demo's topics by their names; null where a topic was about to be made. */
type Claims = Record<string, string | null>

/** The demo's store, open or closed. */
export class DemoStore {
  readonly directory: string
  #opening: Promise<Store> | undefined
  #store: Store | undefined
  #closing: Promise<void> = Promise.resolve()

  constructor(directory: string) {
    this.directory = directory
  }

  /** The store while it is open. */
  get store(): Store {
    if (this.#store === undefined) throw new DemoFailure(1, 'the store of the demo is closed')
    return this.#store
  }

  get earthquakes(): Topic {
    return this.store.topic(TOPICS.earthquakes)
  }

  get strong(): Topic {
    return this.store.topic(TOPICS.strong)
  }

  /** Opens the store. Errors: those of `openStore`. */
  async open(): Promise<Store> {
    this.#opening = openStore(this.directory, { cleanup: false })
    this.#store = await this.#opening
    return this.#store
  }

  /** Closes the store, also one that is being opened; whoever calls while that goes on waits for it, too. */
  close(): Promise<void> {
    const opening = this.#opening
    this.#opening = undefined
    this.#store = undefined
    if (opening !== undefined) this.#closing = closeOpened(opening)
    return this.#closing
  }

  /**
   * Opens the store and makes the topics anew; true when an earlier run had left some.
   * Errors: those of `openStore`; a DemoFailure for Kafka's store, and for a topic by one of these names that is not the demo's.
   */
  async begin(): Promise<boolean> {
    refuseKafkas(this.directory)
    await removeEarlierLogs(this.directory)
    const store = await this.open()
    const claims = readClaims(this.directory)
    const found = store.topics().filter(({ name }) => Object.values<string>(TOPICS).includes(name))
    for (const topic of found) checkIsOurs(this.directory, topic, claims)
    for (const { name } of found) await store.deleteTopic(name)
    await writeClaims(this.directory, Object.fromEntries(Object.values(TOPICS).map((name) => [name, null])))
    const made = [
      await this.make(TOPICS.earthquakes, { partitions: PARTITIONS, config: CONFIG }),
      await this.make(TOPICS.strong, { partitions: 1, config: CONFIG }),
    ]
    const ids = Object.fromEntries(made.map(({ name, id }) => [name, id]))
    await writeClaims(this.directory, { ...ids, [TOPICS.crash]: null })
    return found.length > 0
  }

  /** Makes a topic. Errors: those of `createTopic`. */
  async make(name: string, options: { partitions: number; config: ConfigInput }): Promise<Topic> {
    return (await this.store.createTopic(name, options)).topic
  }
}

async function closeOpened(opening: Promise<Store>): Promise<void> {
  const store = await opening.catch(() => undefined) // whoever opens it hears of what it fails with
  await store?.close()
}

function refuseKafkas(directory: string): void {
  const meta = readMetaProperties(nodeFileSystem, join(directory, FILE_NAMES.metaProperties))
  if (meta === undefined || meta.problem !== undefined || meta.value.isOurs) return // what is wrong, opening tells
  throw new DemoFailure(
    3,
    `${directory} was written by Kafka: name another place with npm start -- DIRECTORY`,
  )
}

function checkIsOurs(directory: string, { name, id }: Topic, claims: Claims): void {
  if (claims[name] === null || claims[name] === id) return
  const what = `the topic ${name} in ${directory} was not made by this demo, which would delete it`
  throw new DemoFailure(3, `${what}: name another place with npm start -- DIRECTORY`)
}

/** What the file says; nothing where there is none, or where it can't be read: then no topic is the demo's. */
function readClaims(directory: string): Claims {
  const bytes = readSmallFile(nodeFileSystem, join(directory, MARKER), MARKER_BYTES_MAX)
  try {
    const { topics } = JSON.parse(bytes?.toString('utf8') ?? '{}') as { topics?: Claims }
    return topics ?? {}
  } catch {
    return {}
  }
}

async function writeClaims(directory: string, topics: Claims): Promise<void> {
  await replaceFile(
    nodeFileSystem,
    join(directory, MARKER),
    `${JSON.stringify({ note: NOTE, topics }, null, 2)}\n`,
  )
}
