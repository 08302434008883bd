import { argumentTypeError, SeglogError, typeName } from '../core/index.ts'
import { checkClientBatch, type RecordBatch, setMaxTimestamp } from '../record/index.ts'
import type { AppendLimits } from './append-queue.ts'

const NO_TIMESTAMP = -1

/**
 * Copies and checks a batch that a caller encoded, as Kafka's leader does, and gives its header the largest timestamp of
 * its records: what the client says of that is not believed, because retention goes by it.
 *
 * Errors: TypeError; RECORD_INVALID, RECORD_TOO_LARGE, TIMESTAMP_INVALID, BATCH_CORRUPT, FORMAT_UNSUPPORTED,
 *         COMPRESSION_UNSUPPORTED. Nothing has been accepted then.
 */
export function checkEncodedBatch(
  input: unknown,
  options: { limits: AppendLimits; decompressedBytesMax: number; nowMs: number },
): { bytes: Buffer; batch: RecordBatch; maxTimestamp: number } {
  if (!(input instanceof Uint8Array)) {
    throw argumentTypeError(`appendBatch takes a Uint8Array that holds one batch, found ${typeName(input)}`)
  }
  const { limits } = options
  const batchBytesMax = Math.min(limits.batchBytesMax, limits.segmentBytes, limits.bufferedBytesMax)
  if (input.length > batchBytesMax) {
    throw new SeglogError(
      'RECORD_TOO_LARGE',
      `a batch of ${input.length} bytes, at most ${batchBytesMax} are taken`,
      {
        found: input.length,
        expected: batchBytesMax,
        outcome: 'not-written',
      },
    )
  }
  const bytes = Buffer.from(input) // the caller keeps its own; this copy gets offsets
  const batch = checkClientBatch(bytes, { batchBytesMax, decompressedBytesMax: options.decompressedBytesMax })
  const largest = checkTopicRules(batch, options)
  const { timestampType } = limits
  const maxTimestamp = timestampType === 'LogAppendTime' ? options.nowMs : largest.timestamp
  // One outside the safe range is data like any other, and no number says it: where it is in both, it stays as it is.
  const isSaid = timestampType === 'CreateTime' && !largest.isExact && batch.maxTimestampExact !== undefined
  if (!isSaid) setMaxTimestamp(bytes, 0, { timestampType, timestamp: maxTimestamp })
  return { bytes, batch, maxTimestamp }
}

/** Gives the largest timestamp of the records; it is not exact where some are outside the safe range. */
function checkTopicRules(
  batch: RecordBatch,
  { limits, nowMs }: { limits: AppendLimits; nowMs: number },
): { timestamp: number; isExact: boolean } {
  let largest = NO_TIMESTAMP
  let isExact = true
  const isCreateTime = limits.timestampType === 'CreateTime'
  if (isCreateTime && batch.timestampType === 'LogAppendTime') {
    throw new SeglogError(
      'TIMESTAMP_INVALID',
      'the batch has LogAppendTime and message.timestamp.type is CreateTime',
      {
        outcome: 'not-written',
      },
    )
  }
  for (const { timestamp, timestampExact, key, offset } of batch) {
    largest = Math.max(largest, timestamp)
    isExact &&= timestampExact === undefined
    if (limits.keyRequired && key === null) {
      throw new SeglogError('RECORD_INVALID', `record ${offset} has no key, and cleanup.policy is compact`, {
        outcome: 'not-written',
      })
    }
    if (!isCreateTime || timestamp === NO_TIMESTAMP) continue
    if (nowMs - timestamp > limits.timestampBeforeMaxMs || timestamp - nowMs > limits.timestampAfterMaxMs) {
      throw new SeglogError(
        'TIMESTAMP_INVALID',
        `timestamp ${timestamp} of record ${offset} is too far from now, ${nowMs}: message.timestamp.before.max.ms is ` +
          `${limits.timestampBeforeMaxMs}, message.timestamp.after.max.ms is ${limits.timestampAfterMaxMs}`,
        { found: timestamp, expected: nowMs, outcome: 'not-written' },
      )
    }
  }
  return { timestamp: largest, isExact }
}
