/*
 * Kafka's record batch, version 2 ("magic 2"); every integer is big-endian.
 *
 *    0        8       12      16 17    21   23      27              35              43              51 53    57      61
 *    +--------+--------+-------+-+------+----+-------+---------------+---------------+---------------+--+-----+-------+---
 *    | base   | length | epoch |m| crc  |attr| last  | base          | max           | producer      |pe| base| record| records
 *    | offset | after  |       |2|      |    | offset| timestamp     | timestamp     | id            |  | seq | count |
 *    |        | here   |       | |      |    | delta |               |               |               |  |     |       |
 *    +--------+--------+-------+-+------+----+-------+---------------+---------------+---------------+--+-----+-------+---
 *    |<- 12: log overhead ->|           |<- the CRC covers from here to the end of the batch
 *
 * What the CRC leaves out is what a log fills in: base offset and leader epoch can be patched in place.
 * A batch whose records were removed by compaction keeps its offsets, so it may be sparse, or be a header alone.
 */

/** Byte offset of each header field from the start of the batch. */
export const BATCH = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const

/** Size of the header, which is also the smallest batch there is. */
export const BATCH_HEADER_BYTES = 61

/** Base offset and length: the bytes that `batchLength` does not count. */
export const LOG_OVERHEAD_BYTES = 12

/** Smallest `batchLength` of a version 2 batch. */
export const BATCH_LENGTH_MIN = BATCH_HEADER_BYTES - LOG_OVERHEAD_BYTES

/** Bytes that are enough to know a batch's size and version; the same in all three versions. */
export const MAGIC_PREFIX_BYTES = 17

/** The version of the format that is read and written here. */
export const MAGIC = 2

/** Smallest length field of the formats before this one, for telling them from garbage. */
export const LEGACY_LENGTH_MIN = 14

/** Smallest encoded record: length, attributes, two deltas, null key, null value, no headers, one byte each. */
export const RECORD_BYTES_MIN = 7

/** Bits of the attributes field; those above are kept and mean nothing. */
export const ATTRIBUTE = {
  compressionMask: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const

/** Whose clock a batch's timestamps are from: the producer's, or that of the log it was appended to. */
export type TimestampType = 'CreateTime' | 'LogAppendTime'

/** The timestamp of a record that has none. */
export const NO_TIMESTAMP = -1

/** The producer id, epoch and sequence of a batch that no idempotent producer wrote. */
export const NO_PRODUCER = -1
