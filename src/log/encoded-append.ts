import { argumentTypeError, SeglogError, typeName } from '../core/index.ts'
import { checkClientBatch, type RecordBatch } from '../record/index.ts'
import type { AppendLimits } from './append-queue.ts'

const NO_TIMESTAMP = -1

/**
 * Copies and checks a batch that a caller encoded, as Kafka's leader does.
 *
 * Errors: TypeError; RECORD_INVALID, RECORD_TOO_LARGE, TIMESTAMP_INVALID, BATCH_CORRUPT, FORMAT_UNSUPPORTED,
 *         COMPRESSION_UNSUPPORTED. Nothing has been accepted then.
 */
export function checkEncodedBatch(
  input: unknown,
  options: { limits: AppendLimits; decompressedBytesMax: number; nowMs: number },
): { bytes: Buffer; batch: RecordBatch } {
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
  checkTopicRules(batch, options)
  return { bytes, batch }
}

function checkTopicRules(
  batch: RecordBatch,
  { limits, nowMs }: { limits: AppendLimits; nowMs: number },
): void {
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
  for (const { timestamp, key, offset } of batch) {
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
}
