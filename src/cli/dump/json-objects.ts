/*
 * What `dump --json` prints: one object a line, each with its type and the path of the file it is from. Numbers are
 * exact; one that JSON can't hold is a text of its digits.
 */
import type {
  AbortedTransaction,
  InspectedBatch,
  InspectedDamage,
  InspectedRecord,
  InspectedTail,
  ProducerState,
} from '../../inspect/index.ts'
import type { RecordBatch } from '../../record/index.ts'
import { toJsonRecord } from '../record-json.ts'
import { deleteHorizon, exactProducerId, firstSequence } from './kafka-lines.ts'

/** A batch, under the names its line has. */
export function batchObject({ batch, position, isValid, problem }: InspectedBatch): object {
  return {
    position,
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    count: batch.recordCount,
    baseSequence: batch.baseSequence,
    lastSequence: batch.lastSequence,
    producerId: exactProducerId(batch),
    producerEpoch: batch.producerEpoch,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    deleteHorizonMs: deleteHorizon(batch) ?? null,
    timestampType: batch.timestampType,
    maxTimestamp: batch.maxTimestampExact ?? batch.maxTimestamp,
    size: batch.sizeBytes,
    magic: batch.magic,
    compression: batch.compression,
    crc: batch.crc,
    isValid,
    ...(problem === undefined ? {} : { problem }),
  }
}

/** A record; its content only where that is asked for. */
export function recordObject(
  batch: RecordBatch,
  { record, sequence, control }: InspectedRecord,
  { printsData }: { printsData: boolean },
): object {
  const { key, keyEncoding, value, valueEncoding, headers, ...place } = toJsonRecord(record)
  const data = {
    key,
    ...(keyEncoding === undefined ? {} : { keyEncoding }),
    value,
    ...(valueEncoding === undefined ? {} : { valueEncoding }),
    headers,
  }
  return {
    ...place,
    timestampType: batch.timestampType,
    keySize: record.key?.length ?? -1,
    valueSize: record.value?.length ?? -1,
    sequence,
    ...(control === undefined ? {} : { control }),
    ...(printsData && control === undefined ? data : { headerKeys: record.headers.map(([name]) => name) }),
  }
}

/** Damage between batches. */
export function damageObject(damage: InspectedDamage): object {
  return { ...damage, kind: undefined }
}

/** What lies behind the last batch. */
export function tailObject(tail: InspectedTail): object {
  return { ...tail, kind: undefined }
}

/** An entry of a `.txnindex`. */
export function transactionObject(transaction: AbortedTransaction): object {
  return narrowed({ ...transaction })
}

/** A producer in a `.snapshot`. */
export function producerObject({ lastBatch, transactionFirstOffset, ...producer }: ProducerState): object {
  const { lastSequence, offsetDelta } = lastBatch ?? {}
  const batch =
    lastSequence === undefined || offsetDelta === undefined
      ? {}
      : { firstSequence: firstSequence(lastSequence, offsetDelta), ...lastBatch }
  return narrowed({ ...producer, currentTxnFirstOffset: transactionFirstOffset ?? null, ...batch })
}

/** Turns each bigint that a number holds exactly into that number. */
export function narrowed(fields: Record<string, unknown>): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'bigint' ? narrow(value) : value]),
  )
}

function narrow(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}
