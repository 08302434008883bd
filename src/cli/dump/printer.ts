import type {
  AbortedTransaction,
  InspectedBatch,
  InspectedDamage,
  InspectedFile,
  InspectedOffsetEntry,
  InspectedRecord,
  InspectedTail,
  InspectedTimeEntry,
  ProducerState,
} from '../../inspect/index.ts'
import type { RecordBatch } from '../../record/index.ts'
import { escapeLine, formatJson } from '../escape.ts'
import type { Output } from '../output.ts'
import {
  batchObject,
  damageObject,
  narrowed,
  producerObject,
  recordObject,
  tailObject,
  transactionObject,
} from './json-objects.ts'
import {
  formatBatch,
  formatProducer,
  formatRecord,
  formatStart,
  formatTail,
  formatTransaction,
  type RecordLineOptions,
} from './kafka-lines.ts'

/** Where what is found goes: one method for each kind of thing. */
export interface DumpPrinter {
  file(file: InspectedFile): void
  batch(file: InspectedFile, batch: InspectedBatch): void
  record(file: InspectedFile, batch: RecordBatch, record: InspectedRecord): void
  damage(file: InspectedFile, damage: InspectedDamage): void
  tail(file: InspectedFile, tail: InspectedTail): void
  offsetEntry(file: InspectedFile, entry: InspectedOffsetEntry): void
  timeEntry(file: InspectedFile, entry: InspectedTimeEntry): void
  transaction(file: InspectedFile, transaction: AbortedTransaction): void
  producer(file: InspectedFile, producer: ProducerState): void
  emptyIndex(file: InspectedFile): void
  saneIndex(file: InspectedFile): void
}

/** So few bytes at the end Kafka counts as invalid without a look; at zeros that are more it ends with an exception. */
const KAFKA_LOOKED_AT_BYTES = 17

/** Prints as Kafka's DumpLogSegments does; on a terminal, what it would act on is escaped. */
export function linePrinter(output: Output, options: RecordLineOptions): DumpPrinter {
  const print = (line: string) => output.line(output.isTerminal ? escapeLine(line) : line)
  return {
    file(file) {
      print(`Dumping ${file.path}`)
      const start = file.kind === 'log' || file.kind === 'checkpoint' ? formatStart(file) : undefined
      if (start !== undefined) print(start)
    },
    batch: (_, batch) => print(formatBatch(batch)),
    record: (_, batch, record) => print(formatRecord(batch, record, options)),
    damage() {}, // Kafka has no line for it: it ends there
    tail({ path }, { content, sizeBytes }) {
      const isRoom = content === 'zeros' && sizeBytes > KAFKA_LOOKED_AT_BYTES // Kafka has no line for it either
      if (!isRoom) print(formatTail(sizeBytes, path))
    },
    offsetEntry: (_, { offset, position }) => print(`offset: ${offset} position: ${position}`),
    timeEntry: (_, { timestamp, offset }) => print(`timestamp: ${timestamp} offset: ${offset}`),
    transaction: (_, transaction) => print(formatTransaction(transaction)),
    producer: (_, producer) => print(formatProducer(producer)),
    emptyIndex: ({ path }) => print(`${path} is empty.`),
    saneIndex: ({ path }) => print(`${path} passed sanity check.`),
  }
}

/** Prints one JSON object a line. */
export function jsonPrinter(output: Output, options: RecordLineOptions): DumpPrinter {
  const print = (type: string, { path }: InspectedFile, fields: object) =>
    output.line(formatJson({ type, path, ...fields }))
  return {
    file() {},
    batch: (file, batch) => print('batch', file, batchObject(batch)),
    record: (file, batch, record) => print('record', file, recordObject(batch, record, options)),
    damage: (file, damage) => print('damage', file, damageObject(damage)),
    tail: (file, tail) => print('tail', file, tailObject(tail)),
    offsetEntry: (file, { offset, position, foundOffset }) =>
      print('offsetEntry', file, { offset, position, foundOffset: foundOffset ?? null }),
    timeEntry: (file, { timestamp, offset, found }) =>
      print('timeEntry', file, narrowed({ timestamp, offset, foundOffset: found?.lastOffset ?? null })),
    transaction: (file, transaction) => print('transaction', file, transactionObject(transaction)),
    producer: (file, producer) => print('producer', file, producerObject(producer)),
    emptyIndex: (file) => print('index', file, { entries: 0 }),
    saneIndex: (file) => print('index', file, { isSane: true }),
  }
}
