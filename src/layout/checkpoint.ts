import { assert, isOffset, SerialQueue } from '../core/index.ts'
import { type FileSystem, replaceFile } from '../fs/index.ts'
import {
  CHECKPOINT_BYTES_MAX,
  formatCheckpointText,
  type Parsed,
  parseCheckpointText,
  readSmallText,
} from './checkpoint-text.ts'
import {
  isPartition,
  parseDecimal,
  parsePartitionDirectoryName,
  partitionDirectoryName,
  quoteName,
  topicNameProblem,
} from './topic-names.ts'

/** Offsets by partition directory name, `<topic>-<partition>`. */
export type CheckpointOffsets = ReadonlyMap<string, number>

/** Formats Kafka's checkpoint of offsets: one line `<topic> <partition> <offset>` a log. */
export function formatCheckpoint(offsets: CheckpointOffsets): string {
  const lines = Array.from(offsets, ([key, offset]) => {
    const name = parsePartitionDirectoryName(key)
    assert(name !== undefined && isOffset(offset), 'checkpoint line')
    return `${name.topic} ${name.partition} ${offset}`
  })
  return formatCheckpointText(lines)
}

/** Parses Kafka's checkpoint of offsets; one wrong line makes the whole file a problem. */
export function parseCheckpoint(text: string): Parsed<Map<string, number>> {
  const lines = parseCheckpointText(text)
  if (lines.problem !== undefined) return lines
  const offsets = new Map<string, number>()
  for (const [slot, line] of lines.value.entries()) {
    const [topic = '', partitionText = '', offsetText = '', ...rest] = line.split(' ')
    const partition = parseDecimal(partitionText)
    const offset = parseDecimal(offsetText)
    const isLine = rest.length === 0 && topicNameProblem(topic) === undefined && isPartition(partition)
    if (!isLine || offset === undefined)
      return { problem: `has a line ${slot + 3} that is no <topic> <partition> <offset>` }
    const key = partitionDirectoryName({ topic, partition })
    if (offsets.has(key)) return { problem: `has two lines for ${quoteName(key)}` }
    offsets.set(key, offset)
  }
  return { value: offsets }
}

/**
 * Reads the checkpoint at `path`; one that is missing is empty, one that can't be believed is a problem, which the
 * caller reports and treats as empty.
 */
export function readCheckpoint(fileSystem: FileSystem, path: string): Parsed<Map<string, number>> {
  return (
    readSmallText(fileSystem, path, { bytesMax: CHECKPOINT_BYTES_MAX, parse: parseCheckpoint }) ?? {
      value: new Map(),
    }
  )
}

/** Opens the checkpoint at `path` for reading and writing; makes no file before the first `set`. */
export function openCheckpointFile(fileSystem: FileSystem, path: string): CheckpointFile {
  const found = readCheckpoint(fileSystem, path)
  return new CheckpointFile(fileSystem, path, found)
}

/**
 * The offsets of all logs that share one checkpoint; each write replaces the file and keeps the other logs' lines.
 *
 * Cost: calls that arrive while a write is under way share the next one.
 */
export class CheckpointFile {
  readonly path: string
  /** Why the file found at opening was not believed; undefined when it was, or when there was none. */
  readonly problem: string | undefined
  readonly #fileSystem: FileSystem
  readonly #queue = new SerialQueue()
  /** What the file is known to hold; unknown for sure after a failed write, until one succeeds. */
  #stored: CheckpointOffsets
  #storedIsCertain: boolean
  #waiting: { readonly changes: Map<string, number | undefined>; readonly written: Promise<void> } | undefined

  constructor(fileSystem: FileSystem, path: string, found: Parsed<CheckpointOffsets>) {
    this.#fileSystem = fileSystem
    this.path = path
    this.problem = found.problem
    this.#stored = found.value ?? new Map()
    this.#storedIsCertain = found.problem === undefined
  }

  /** The offset stored for a log: what the last write that returned put there. */
  get(topic: string, partition: number): number | undefined {
    return this.#stored.get(partitionDirectoryName({ topic, partition }))
  }

  /**
   * Stores a log's offset, or removes its line with undefined; resolves when it is on disk.
   *
   * Errors: the system's; then nothing of this write counts here, and the file holds the old lines or the new ones.
   */
  set(topic: string, partition: number, offset: number | undefined): Promise<void> {
    const key = partitionDirectoryName({ topic, partition })
    assert(offset === undefined || isOffset(offset), `checkpoint offset ${offset}`)
    if (this.#waiting === undefined) {
      const changes = new Map<string, number | undefined>()
      this.#waiting = { changes, written: this.#queue.run(() => this.#write(changes)) }
    }
    this.#waiting.changes.set(key, offset)
    return this.#waiting.written
  }

  /** Resolves when every write asked for so far has ended, well or not. */
  idle(): Promise<void> {
    return this.#queue.idle()
  }

  async #write(changes: ReadonlyMap<string, number | undefined>): Promise<void> {
    this.#waiting = undefined // from here on, `changes` is closed
    const next = new Map(this.#stored)
    let changed = !this.#storedIsCertain
    for (const [key, offset] of changes) {
      changed ||= next.get(key) !== offset
      if (offset === undefined) next.delete(key)
      else next.set(key, offset)
    }
    if (!changed) return
    const text = formatCheckpoint(next)
    assert(text.length <= CHECKPOINT_BYTES_MAX, `${this.path} would be too large to read back`)
    this.#storedIsCertain = false
    await replaceFile(this.#fileSystem, this.path, text)
    this.#stored = next
    this.#storedIsCertain = true
  }
}
