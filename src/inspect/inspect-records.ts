import { INT32_MAX } from '../core/index.ts'
import type { ControlType, LogRecord, RecordBatch } from '../record/index.ts'
import { type ControlMessage, decodeControlMessage } from './control-message.ts'

/** What a control record says, as far as its type is known. */
export interface InspectedControl {
  readonly type: ControlType
  /** The type as a number, which says more than `UNKNOWN`. */
  readonly typeId: number
  /** Of the transaction's coordinator; only in ABORT and COMMIT. */
  readonly coordinatorEpoch?: number
  /** What a marker of Kafka's controllers holds; undefined for other types and for versions that are not known. */
  readonly message: ControlMessage | undefined
}

/** A record and what its batch adds to it. */
export interface InspectedRecord {
  readonly record: LogRecord
  /** The producer's sequence number; -1 for none. */
  readonly sequence: number
  /** Only in control batches. */
  readonly control: InspectedControl | undefined
}

const CONTROL_TYPE_POSITION = 2

/**
 * The records of a batch, control records too, decoded as they are asked for.
 *
 * Errors: while iterating: those of the batch, and `BATCH_CORRUPT` for a control record that can't be read; the records
 *         given before it are good.
 */
export function* inspectRecords(batch: RecordBatch): Generator<InspectedRecord, void> {
  const controls = batch.controlRecords()
  let slot = 0
  for (const record of batch.rawRecords()) {
    const control = controls[slot++]
    yield {
      record,
      sequence: sequenceOf(batch, record.offset),
      control: control === undefined ? undefined : inspectControl(record, control),
    }
  }
}

function inspectControl(
  { key, value }: LogRecord,
  control: { type: ControlType; coordinatorEpoch?: number },
): InspectedControl {
  const { type, coordinatorEpoch } = control
  return {
    type,
    typeId: key?.readInt16BE(CONTROL_TYPE_POSITION) ?? -1,
    ...(coordinatorEpoch === undefined ? {} : { coordinatorEpoch }),
    message: value === null ? undefined : decodeControlMessage(type, value),
  }
}

/** Counts on from the batch's first sequence number; 2^31 - 1 is followed by 0. */
function sequenceOf({ baseSequence, baseOffset }: RecordBatch, offset: number): number {
  if (baseSequence < 0) return -1
  const sequence = baseSequence + (offset - baseOffset)
  return sequence > INT32_MAX ? sequence - INT32_MAX - 1 : sequence
}
