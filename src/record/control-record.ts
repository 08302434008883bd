/*
 * A control record, in a batch with the control bit:
 *
 *   key     version int16 | type int16
 *   value   of ABORT and COMMIT: version int16 | coordinator epoch int32; of the others: a message of Kafka's own
 */
import { SeglogError } from '../core/index.ts'
import type { BatchPlace, ControlRecord, ControlType, LogRecord } from './types.ts'

const CONTROL_TYPES: readonly ControlType[] = [
  'ABORT',
  'COMMIT',
  'LEADER_CHANGE',
  'SNAPSHOT_HEADER',
  'SNAPSHOT_FOOTER',
  'KRAFT_VERSION',
  'KRAFT_VOTERS',
]

const KEY_BYTES_MIN = 4
const END_TRANSACTION_BYTES_MIN = 6

/**
 * Decodes the marker in a record of a control batch; versions newer than 0 are read as 0, as Kafka does.
 *
 * Errors: `BATCH_CORRUPT` a key or value that is missing or too short, a negative version.
 */
export function decodeControlRecord(record: LogRecord, place: BatchPlace | undefined): ControlRecord {
  const { key, value, offset } = record
  if (key === null || key.length < KEY_BYTES_MIN) throw damaged('key is too short', record, place)
  const version = key.readInt16BE(0)
  if (version < 0) throw damaged(`key has version ${version}`, record, place)
  const type = CONTROL_TYPES[key.readInt16BE(2)] ?? 'UNKNOWN'
  if (type !== 'ABORT' && type !== 'COMMIT') return { offset, type, version }
  if (value === null || value.length < END_TRANSACTION_BYTES_MIN)
    throw damaged('value is too short', record, place)
  const valueVersion = value.readInt16BE(0)
  if (valueVersion < 0) throw damaged(`value has version ${valueVersion}`, record, place)
  return { offset, type, version, coordinatorEpoch: value.readInt32BE(2) }
}

function damaged(what: string, record: LogRecord, place: BatchPlace | undefined): SeglogError {
  return new SeglogError('BATCH_CORRUPT', `the control record at offset ${record.offset}: its ${what}`, {
    ...place,
    offset: record.offset,
  })
}
