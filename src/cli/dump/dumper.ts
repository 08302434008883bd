import { crc32c } from '../../codec/index.ts'
import { isSeglogError } from '../../core/index.ts'
import type { FileSystem } from '../../fs/index.ts'
import {
  checkIndexSanity,
  type Inspected,
  type InspectedBatch,
  type InspectedDamage,
  type InspectedFile,
  inspectOffsetIndex,
  inspectRecords,
  inspectSegment,
  inspectTimeIndex,
  inspectTransactionIndex,
  type InspectOptions,
  readProducerSnapshot,
  TRANSACTION_INDEX_VERSION,
  transactionIndexRemainder,
} from '../../inspect/index.ts'
import type { CommandContext } from '../context.ts'
import { plural } from '../words.ts'
import type { Findings } from './findings.ts'
import type { DumpPrinter } from './printer.ts'

/** What is looked at, and how closely. */
export interface DumpOptions {
  /** Records too, not only batches. */
  readonly isDeep: boolean
  /** No more than so many bytes of each segment; undefined for all. */
  readonly bytesMax: number | undefined
  /** Largest batch that is read; undefined for the default. */
  readonly batchBytesMax: number | undefined
  readonly verifiesIndexOnly: boolean
  readonly checksIndexSanity: boolean
}

/** Dumps one file after another; what is wrong with them goes to the findings, and ends nothing. */
export class Dumper {
  readonly #context: CommandContext
  readonly #printer: DumpPrinter
  readonly #findings: Findings
  readonly #options: DumpOptions
  #doneBytes = 0
  readonly #totalBytes: number

  constructor(
    context: CommandContext,
    parts: { printer: DumpPrinter; findings: Findings; options: DumpOptions; totalBytes: number },
  ) {
    this.#context = context
    this.#printer = parts.printer
    this.#findings = parts.findings
    this.#options = parts.options
    this.#totalBytes = parts.totalBytes
  }

  /** Dumps a file by its kind. Errors: the system's; InterruptedError, OutputClosedError. */
  async dump(file: InspectedFile): Promise<void> {
    this.#printer.file(file)
    switch (file.kind) {
      case 'log':
      case 'checkpoint':
        await this.#dumpSegment(file)
        break
      case 'index':
      case 'timeindex':
        await this.#dumpIndex({ ...file, kind: file.kind })
        break
      case 'txnindex':
        await this.#dumpTransactions(file)
        break
      case 'snapshot':
        this.#dumpSnapshot(file)
        break
      case 'unknown':
        this.#context.notes.line(`Ignoring unknown file ${file.path}`)
        break
    }
    await this.#context.output.flush()
  }

  get #fileSystem() {
    return this.#context.machine.fileSystem
  }

  async #dumpSegment(file: InspectedFile): Promise<void> {
    const { bytesMax, batchBytesMax, isDeep } = this.#options
    const options: InspectOptions = {
      ...(file.baseOffset === undefined ? {} : { baseOffset: file.baseOffset }),
      ...(file.offsetEnd === undefined ? {} : { offsetEnd: file.offsetEnd }),
      ...(bytesMax === undefined ? {} : { bytesMax }),
      ...(batchBytesMax === undefined ? {} : { batchBytesMax }),
    }
    let lastOffset: number | undefined
    const startBytes = this.#doneBytes
    for await (const item of inspectSegment(this.#fileSystem, file.realPath, options)) {
      await this.#dumpItem(file, item)
      if (item.kind === 'batch' && isDeep) lastOffset = await this.#dumpRecords(file, item, lastOffset)
      else if (item.kind === 'damage' && item.isUnsupported && item.nextOffset > item.offset)
        lastOffset = item.nextOffset - 1 // told, and no hole
      const sizeBytes = item.kind === 'batch' ? item.batch.sizeBytes : item.sizeBytes
      this.#doneBytes = startBytes + item.position + sizeBytes
      await this.#keepUp()
    }
  }

  async #dumpItem(file: InspectedFile, item: Inspected): Promise<void> {
    if (item.kind === 'batch') this.#printer.batch(file, item)
    else if (item.kind === 'damage') this.#printer.damage(file, item)
    else if (this.#options.bytesMax === undefined) this.#printer.tail(file, item) // as Kafka does
    if (item.kind === 'batch' && item.problem === undefined) return
    await this.#context.output.flush() // what is told of it comes after it
    this.#tell(file.path, item)
  }

  #tell(path: string, item: Inspected): void {
    if (item.kind === 'batch') {
      const { baseOffset, lastOffset } = item.batch
      const place = `batch of offsets ${baseOffset} to ${lastOffset} at position ${item.position}`
      this.#findings.damage('BATCH_CORRUPT', `${path}: ${place}: ${item.problem}`)
      return
    }
    const place = `${path}: ${plural(item.sizeBytes, 'byte')} from position ${item.position} on: ${item.reason}`
    if (item.kind === 'damage') {
      if (item.isUnsupported) this.#findings.incomplete('FORMAT_UNSUPPORTED', place)
      else this.#findings.damage('BATCH_CORRUPT', place + lostOffsets(item))
    } else if (item.content === 'zeros') this.#context.notes.line(`seglog: ${place}`)
    else this.#findings.damage(item.content === 'torn' ? 'TAIL_TORN' : 'BATCH_CORRUPT', place)
  }

  /** Gives the offset of the last record; undefined as long as there was none. */
  async #dumpRecords(
    file: InspectedFile,
    { batch, position }: InspectedBatch,
    lastOffset: number | undefined,
  ): Promise<number | undefined> {
    let last = lastOffset
    try {
      for (const record of inspectRecords(batch)) {
        const { offset } = record.record
        if (last !== undefined && offset !== last + 1) {
          const line = `  ${last} is followed by ${offset}`
          this.#findings.note('notConsecutive', file.path, line, { isDamage: false })
        }
        last = offset
        this.#printer.record(file, batch, record)
        if (this.#context.output.isFull) await this.#keepUp()
      }
    } catch (error) {
      if (!isSeglogError(error)) throw error
      const message = `${file.path}: records of the batch at position ${position}: ${error.message}`
      if (error.kind === 'damage') this.#findings.damage(error.code, message)
      else this.#findings.incomplete(error.code, message)
      last = batch.lastOffset // what could not be read is told, and is no hole
    }
    return last
  }

  async #dumpIndex(file: InspectedFile & { kind: 'index' | 'timeindex' }): Promise<void> {
    const { baseOffset, path } = file
    if (baseOffset === undefined) {
      this.#findings.incomplete(
        'FORMAT_UNSUPPORTED',
        `${path}: the name of an index file begins with its base offset`,
      )
      return
    }
    const index = { ...file, path: file.realPath, baseOffset }
    const sanity = checkIndexSanity(this.#fileSystem, index)
    if (!this.#options.checksIndexSanity) this.#tellRemainder(path, sanity.remainderBytes)
    if (sanity.entryCount === 0 && file.kind === 'index') this.#printer.emptyIndex(file)
    else if (this.#options.checksIndexSanity) {
      if (sanity.problem === undefined) this.#printer.saneIndex(file)
      else this.#findings.damage('LOG_CORRUPT', `${path}: corrupt index: ${sanity.problem}`)
    } else if (file.kind === 'index') await this.#dumpOffsetEntries(file, index)
    else await this.#dumpTimeEntries(file, index)
  }

  async #dumpOffsetEntries(
    file: InspectedFile,
    index: InspectedFile & { baseOffset: number },
  ): Promise<void> {
    const isCheckable = this.#hasSegment(file)
    for await (const entry of inspectOffsetIndex(this.#fileSystem, index)) {
      const { offset, foundOffset = -1, previousOffset } = entry
      const isUnwritten = offset === index.baseOffset && entry.position === 0
      if (isCheckable && foundOffset !== offset && !isUnwritten) {
        const line = `  Index offset: ${offset}, log offset: ${foundOffset}`
        this.#findings.note('offsetMismatch', file.path, line, { isDamage: true })
      }
      if (previousOffset !== undefined && previousOffset >= offset) {
        const line = `  Index offset: ${offset}, Previously indexed offset: ${previousOffset}`
        this.#findings.note('offsetOutOfOrder', file.path, line, { isDamage: true })
      }
      if (!this.#options.verifiesIndexOnly) this.#printer.offsetEntry(file, entry)
      await this.#keepUp()
    }
  }

  async #dumpTimeEntries(file: InspectedFile, index: InspectedFile & { baseOffset: number }): Promise<void> {
    const isCheckable = this.#hasSegment(file)
    const note = (
      finding: 'notFound' | 'timestampMismatch' | 'outOfOrder',
      line: string,
      isDamage: boolean,
    ) => this.#findings.note(finding, file.path, line, { isDamage })
    for await (const entry of inspectTimeIndex(this.#fileSystem, index)) {
      const { timestamp, offset, found, previousTimestamp } = entry
      const isUnwritten = offset === index.baseOffset && timestamp === 0n
      if (isUnwritten) {
        // Zeros of a file at full size, which Kafka prints as an entry: whoever believed it would find the right place.
      } else if (isCheckable && found?.lastOffset !== offset) {
        // Kafka before 3.8 stored the record's own offset, so one inside a batch is nothing to worry about.
        const isInside = found !== undefined && found.baseOffset <= offset
        note('notFound', `Indexed offset: ${offset}, found log offset: ${found?.lastOffset ?? -1}`, !isInside)
      } else if (found !== undefined && found.maxTimestamp !== timestamp) {
        const line = `  Index timestamp: ${timestamp}, log timestamp: ${found.maxTimestamp}`
        note('timestampMismatch', line, true)
      }
      if (previousTimestamp !== undefined && previousTimestamp >= timestamp) {
        const line = `  Index timestamp: ${timestamp}, Previously indexed timestamp: ${previousTimestamp}`
        note('outOfOrder', line, true)
      }
      if (!this.#options.verifiesIndexOnly) this.#printer.timeEntry(file, entry)
      await this.#keepUp()
    }
  }

  async #dumpTransactions(file: InspectedFile): Promise<void> {
    const { path, realPath, baseOffset = 0 } = file
    this.#tellRemainder(path, transactionIndexRemainder(sizeOf(this.#fileSystem, realPath)))
    let previous = BigInt(baseOffset) - 1n
    for await (const transaction of inspectTransactionIndex(this.#fileSystem, realPath)) {
      const { version, lastOffset } = transaction
      const isKnown = version === TRANSACTION_INDEX_VERSION
      if (!isKnown || lastOffset <= previous) {
        const line = isKnown
          ? `  Last offset: ${lastOffset}, Expected above: ${previous}`
          : `  Version: ${version}, Expected: ${TRANSACTION_INDEX_VERSION}`
        this.#findings.note('wrongTransaction', path, line, { isDamage: true })
      }
      previous = lastOffset
      this.#printer.transaction(file, transaction)
      await this.#keepUp()
    }
  }

  /** Kafka's tool takes no notice of the piece of an entry; its broker takes the file for corrupt. */
  #tellRemainder(path: string, remainderBytes: number): void {
    if (remainderBytes === 0) return
    const bytes = plural(remainderBytes, 'byte')
    this.#findings.damage('LOG_CORRUPT', `${path}: ${bytes} behind the last whole entry`)
  }

  #hasSegment({ path, segmentPath }: InspectedFile): boolean {
    if (this.#fileSystem.statSync(segmentPath)?.kind === 'file') return true
    this.#context.notes.line(`seglog: ${path}: not checked, because there is no ${segmentPath}`)
    return false
  }

  #dumpSnapshot(file: InspectedFile): void {
    const { producers, problem } = readProducerSnapshot(this.#fileSystem, file.realPath, crc32c)
    if (producers === undefined) this.#findings.damage('LOG_CORRUPT', `${file.path}: ${problem}`)
    else for (const producer of producers) this.#printer.producer(file, producer)
  }

  async #keepUp(): Promise<void> {
    this.#context.interrupt.throwIfAborted()
    this.#context.notes.progress({ doneBytes: this.#doneBytes, totalBytes: this.#totalBytes })
    if (this.#context.output.isFull) await this.#context.output.flush()
  }
}

function sizeOf(fileSystem: FileSystem, path: string): number {
  const stat = fileSystem.statSync(path)
  return stat?.kind === 'file' ? stat.sizeBytes : 0
}

function lostOffsets({ offset, nextOffset }: InspectedDamage): string {
  return nextOffset > offset ? `; offsets ${offset} to ${nextOffset - 1} are lost` : ''
}
