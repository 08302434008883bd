import { argumentRangeError, argumentTypeError, typeName } from '../core/index.ts'
import type { RecordLike } from '../log/index.ts'

/** Records for one partition, or one record for the partition that its key says. */
export type TopicRecord =
  | RecordLike
  | { readonly partition: number; readonly records: RecordLike | readonly RecordLike[] }

/** Where an append goes, as far as its argument says. */
export interface AppendTarget {
  /** Undefined: the partitioner decides. */
  readonly partition: number | undefined
  readonly records: RecordLike | readonly RecordLike[]
  /** The bytes of the record's key; undefined when it has none, or is none. */
  readonly key: Uint8Array | undefined
  /** About as many bytes as the record has. */
  readonly sizeBytes: number
}

/** Reads what `topic.append` was given. Errors: TypeError, RangeError; what is wrong with a record, its log says. */
export function readTopicRecord(input: TopicRecord, partitionCount: number): AppendTarget {
  if (Array.isArray(input))
    throw argumentTypeError('several records go to one partition: append { partition, records: [...] }')
  if (isAddressed(input)) {
    const { partition, records } = input
    const isPartition = Number.isSafeInteger(partition) && partition >= 0 && partition < partitionCount
    if (!isPartition) {
      const found = typeof partition === 'number' ? partition : typeName(partition)
      throw argumentRangeError(`partition must be from 0 to ${partitionCount - 1}, found ${found}`)
    }
    return { partition, records, key: undefined, sizeBytes: 0 }
  }
  const { key, value } = isPlain(input) ? { key: undefined, value: input } : (input ?? {})
  return { partition: undefined, records: input, key: toBytes(key), sizeBytes: sizeOf(key) + sizeOf(value) }
}

function isAddressed(input: TopicRecord): input is Extract<TopicRecord, { readonly partition: number }> {
  return typeof input === 'object' && input !== null && ('partition' in input || 'records' in input)
}

function isPlain(input: unknown): input is string | Uint8Array {
  return typeof input === 'string' || input instanceof Uint8Array
}

function toBytes(key: unknown): Uint8Array | undefined {
  if (typeof key === 'string') return Buffer.from(key)
  return key instanceof Uint8Array ? key : undefined
}

function sizeOf(bytes: unknown): number {
  return isPlain(bytes) ? bytes.length : 0
}
