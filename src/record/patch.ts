import { writeInt64 } from '../codec/index.ts'
import { ATTRIBUTE, BATCH, type TimestampType } from './batch-layout.ts'
import {
  attributesAt,
  batchSizeAt,
  isMaxTimestampExactAt,
  maxTimestampAt,
  writeBatchCrc,
} from './batch-header.ts'

/** Gives the batch at `at` its offsets and leader epoch, in place; both lie outside the CRC, which stays good. */
export function assignOffsets(
  bytes: Buffer,
  at: number,
  assigned: { baseOffset: number; partitionLeaderEpoch: number },
): void {
  writeInt64(bytes, at + BATCH.baseOffset, assigned.baseOffset)
  bytes.writeInt32BE(assigned.partitionLeaderEpoch, at + BATCH.partitionLeaderEpoch)
}

/**
 * Sets the timestamp type and largest timestamp of the batch at `at`, and its CRC; writes nothing when both are so.
 *
 * Shape:  base timestamp and deltas stay as they are: under LogAppendTime readers pass over them.
 */
export function setMaxTimestamp(
  bytes: Buffer,
  at: number,
  change: { timestampType: TimestampType; timestamp: number },
): void {
  const attributes = attributesAt(bytes, at)
  const withoutType = attributes & ~ATTRIBUTE.logAppendTime
  const changed =
    change.timestampType === 'LogAppendTime' ? withoutType | ATTRIBUTE.logAppendTime : withoutType
  const isSame = isMaxTimestampExactAt(bytes, at) && maxTimestampAt(bytes, at) === change.timestamp
  if (changed === attributes && isSame) return
  bytes.writeUInt16BE(changed, at + BATCH.attributes)
  writeInt64(bytes, at + BATCH.maxTimestamp, change.timestamp)
  writeBatchCrc(bytes, { at, sizeBytes: batchSizeAt(bytes, at) })
}
