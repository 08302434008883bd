import type { FileSystem } from '../fs/index.ts'
import type { LogPaths, Watermark } from '../layout/index.ts'
import { wasWithKafka } from './kafka-handover.ts'
import type { LogDirectory } from './log-directory.ts'
import type { Unseen } from './log-view.ts'
import { cutBetween, hasSameSession, isSameWatermark, WatermarkReader } from './watermark-reader.ts'

/** Who writes a followed log, and what it says: its lock, its watermark, and whether the log is Kafka's meanwhile. */
export class FollowedWriter {
  readonly #fileSystem: FileSystem
  readonly #lockPath: string
  /** The log is of our making: else there is nothing that a writer of ours could say. */
  readonly #isOurs: boolean
  readonly #watermark: WatermarkReader
  /** The log was last Kafka's: the watermark says nothing, whoever holds the lock. */
  #isKafkas = false
  /** The watermark that the last look went by. */
  mark: Watermark | undefined

  constructor(fileSystem: FileSystem, paths: LogPaths, { isOurs }: { isOurs: boolean }) {
    this.#fileSystem = fileSystem
    this.#lockPath = paths.lock
    this.#isOurs = isOurs
    this.#watermark = new WatermarkReader(fileSystem, paths.watermark)
  }

  /** The log has been Kafka's since a writer of ours last said something. */
  get isKafkas(): boolean {
    return this.#isKafkas
  }

  /** What the watermark says now; that of the last look when it is met half way. Errors: the system's. */
  read(): Watermark | undefined {
    return this.#watermark.read(this.mark)
  }

  /** What the watermark says and the last look has not seen, of what was taken back; see `LogView`. */
  unseen(startOffset: number): Unseen | undefined {
    if (!this.#isOurs) return undefined
    const mark = this.#watermark.readAgain()
    if (mark === undefined) return undefined
    const cutTo = cutBetween(this.mark, mark) ?? Infinity
    return cutTo < Infinity || mark.startOffset > startOffset
      ? { cutTo, startOffset: mark.startOffset }
      : undefined
  }

  /** True while a writer of ours has the log open; `listed`: the directory, if it was looked at anew. */
  isThere(mark: Watermark | undefined, listed: LogDirectory | undefined): boolean {
    const hasMoved = mark !== undefined && this.mark !== undefined && !isSameWatermark(mark, this.mark)
    if (listed !== undefined) this.#isKafkas = wasWithKafka(listed, mark?.readableEndOffset)
    if (hasMoved) this.#isKafkas = false
    return this.#mayBeThere() && (hasMoved || this.#isLocked())
  }

  /** False when a writer came, went or truncated since `mark` was read, and there was a writer or not. */
  isAsBefore(mark: Watermark | undefined, { hasWriter }: { hasWriter: boolean }): boolean {
    const now = this.read()
    if (!hasWriter) return isSameWatermark(now, mark) && !(this.#mayBeThere() && this.#isLocked())
    return isSameLife(now, mark)
  }

  /** The same of a moment ago, when there was a writer: asks the file that said `mark`, which no writer replaces. */
  isStillThere(mark: Watermark): boolean {
    return isSameLife(this.#watermark.readAgain(), mark)
  }

  close(): void {
    this.#watermark.close()
  }

  #mayBeThere(): boolean {
    return this.#isOurs && !this.#isKafkas
  }

  #isLocked(): boolean {
    return this.#fileSystem.isLocked(this.#lockPath)
  }
}

/** True when both are of one opening by a writer, and nothing was cut between them. */
function isSameLife(now: Watermark | undefined, mark: Watermark | undefined): boolean {
  if (now === undefined || mark === undefined) return false
  return hasSameSession(now, mark) && now.generation === mark.generation
}
