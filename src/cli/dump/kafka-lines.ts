/*
 * The lines of Kafka's DumpLogSegments (4.3), letter by letter, so that the output of both tools can be compared.
 */
import { basename } from 'node:path'
import type {
  AbortedTransaction,
  InspectedBatch,
  InspectedControl,
  InspectedFile,
  InspectedRecord,
  ProducerState,
} from '../../inspect/index.ts'
import { BATCH, type RecordBatch } from '../../record/index.ts'
import { formatJson } from '../escape.ts'
import { decodeText } from '../text-bytes.ts'

/** What is printed of a record. */
export interface RecordLineOptions {
  readonly printsData: boolean
  readonly skipsMetadata: boolean
}

const BOOTSTRAP_SNAPSHOT = 'bootstrap.checkpoint'
const SNAPSHOT_NAME = /^(\d{20})-(\d{10})\.checkpoint$/

/** What stands above a segment or a snapshot; undefined when its name does not say where it starts. */
export function formatStart({ kind, path, baseOffset }: InspectedFile): string | undefined {
  if (kind === 'log') return baseOffset === undefined ? undefined : `Log starting offset: ${baseOffset}`
  const name = basename(path)
  if (name === BOOTSTRAP_SNAPSHOT) return 'KRaft bootstrap snapshot'
  const [, offset, epoch] = SNAPSHOT_NAME.exec(name) ?? []
  return offset === undefined ? undefined : `Snapshot end offset: ${BigInt(offset)}, epoch: ${Number(epoch)}`
}

/** The line of a batch. */
export function formatBatch({ batch, position, isValid }: InspectedBatch): string {
  return (
    `baseOffset: ${batch.baseOffset} lastOffset: ${batch.lastOffset} count: ${batch.recordCount}` +
    ` baseSequence: ${batch.baseSequence} lastSequence: ${batch.lastSequence}` +
    ` producerId: ${exactProducerId(batch)} producerEpoch: ${batch.producerEpoch}` +
    ` partitionLeaderEpoch: ${batch.partitionLeaderEpoch} isTransactional: ${batch.isTransactional}` +
    ` isControl: ${batch.isControl} deleteHorizonMs: ${formatOptionalLong(deleteHorizon(batch))}` +
    ` position: ${position} ${batch.timestampType}: ${batch.maxTimestampExact ?? batch.maxTimestamp}` +
    ` size: ${batch.sizeBytes} magic: ${batch.magic} compresscodec: ${batch.compression}` +
    ` crc: ${batch.crc} isvalid: ${isValid}`
  )
}

/** The line of a record; empty when there is nothing of it that is wanted. */
export function formatRecord(
  batch: RecordBatch,
  { record, sequence, control }: InspectedRecord,
  { printsData, skipsMetadata }: RecordLineOptions,
): string {
  const { offset, key, value, headers } = record
  const names = headers.map(([name]) => name).join(',')
  const metadata = skipsMetadata
    ? ''
    : `| offset: ${offset} ${batch.timestampType}: ${record.timestampExact ?? record.timestamp}` +
      ` keySize: ${key?.length ?? -1} valueSize: ${value?.length ?? -1} sequence: ${sequence}` +
      ` headerKeys: [${names}]${control === undefined ? '' : formatControl(control)}`
  if (!printsData || batch.isControl) return metadata
  const data =
    (key === null ? '' : ` key: ${decodeText(key)}`) +
    (value === null ? '' : ` payload: ${decodeText(value)}`)
  return skipsMetadata && data !== '' ? `|${data}` : metadata + data
}

function formatControl({ type, typeId, coordinatorEpoch, message }: InspectedControl): string {
  switch (type) {
    case 'ABORT':
    case 'COMMIT':
      return ` endTxnMarker: ${type} coordinatorEpoch: ${coordinatorEpoch}`
    case 'LEADER_CHANGE':
      return ` LeaderChange: ${formatMessage(message)}`
    case 'SNAPSHOT_HEADER':
      return ` SnapshotHeader ${formatMessage(message)}`
    case 'SNAPSHOT_FOOTER':
      return ` SnapshotFooter ${formatMessage(message)}`
    case 'KRAFT_VERSION':
      return ` KRaftVersion ${formatMessage(message)}`
    case 'KRAFT_VOTERS':
      return ` KRaftVoters ${formatMessage(message)}`
    default:
      return ` controlType: ${type}(${typeId})`
  }
}

function formatMessage(message: InspectedControl['message']): string {
  return message === undefined ? '(not readable)' : formatJson(message)
}

/** What stands below a segment that has bytes behind its last batch. */
export function formatTail(sizeBytes: number, path: string): string {
  return `Found ${sizeBytes} invalid bytes at the end of ${basename(path)}`
}

/** The line of an entry of a `.txnindex`. */
export function formatTransaction(transaction: AbortedTransaction): string {
  const { version, producerId, firstOffset, lastOffset, lastStableOffset } = transaction
  return (
    `version: ${version} producerId: ${producerId} firstOffset: ${firstOffset}` +
    ` lastOffset: ${lastOffset} lastStableOffset: ${lastStableOffset}`
  )
}

/** The line of a producer in a `.snapshot`. */
export function formatProducer(producer: ProducerState): string {
  const { producerId, producerEpoch, coordinatorEpoch, transactionFirstOffset, timestamp, lastBatch } =
    producer
  const state =
    `producerId: ${producerId} producerEpoch: ${producerEpoch} coordinatorEpoch: ${coordinatorEpoch}` +
    ` currentTxnFirstOffset: ${formatOptionalLong(transactionFirstOffset)} lastTimestamp: ${timestamp}`
  if (lastBatch === undefined) return state
  const { lastSequence, lastOffset, offsetDelta } = lastBatch
  return (
    `${state} firstSequence: ${firstSequence(lastSequence, offsetDelta)} lastSequence: ${lastSequence}` +
    ` lastOffset: ${lastOffset} offsetDelta: ${offsetDelta} timestamp: ${timestamp}`
  )
}

/** Counts back from a batch's last sequence number; 0 is preceded by 2^31 - 1. */
export function firstSequence(lastSequence: number, offsetDelta: number): number {
  return lastSequence >= offsetDelta ? lastSequence - offsetDelta : lastSequence - offsetDelta + 2 ** 31
}

/** The producer's id; a number that is no safe integer is read again, exactly. */
export function exactProducerId({ producerId, bytes }: RecordBatch): number | bigint {
  return Math.abs(producerId) < Number.MAX_SAFE_INTEGER ? producerId : bytes.readBigInt64BE(BATCH.producerId)
}

/** When compaction may drop the batch's tombstones, exactly; undefined where it has not seen them. */
export function deleteHorizon(batch: RecordBatch): number | bigint | undefined {
  return batch.deleteHorizonMs === undefined ? undefined : (batch.baseTimestampExact ?? batch.baseTimestamp)
}

function formatOptionalLong(value: number | bigint | undefined): string {
  return value === undefined ? 'OptionalLong.empty' : `OptionalLong[${value}]`
}
