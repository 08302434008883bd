import type { RecordBatch } from '../record/index.ts'

/** How a segment is looked at. */
export interface InspectOptions {
  /** First offset the segment can have, from its file's name. Default 0. */
  readonly baseOffset?: number
  /** First offset of the next segment: nothing here reaches it. Default none. */
  readonly offsetEnd?: number
  /** Largest batch that is read; a larger one is reported and passed over. Default 16 MiB. */
  readonly batchBytesMax?: number
  /** Bound on what the records of one batch may decompress to. Default 64 MiB. */
  readonly decompressedBytesMax?: number
  /** Look at no more than the first so many bytes. Default the whole file. */
  readonly bytesMax?: number
}

/** A batch, in the order of the file; its header and records are read as stored, whether `isValid` or not. */
export interface InspectedBatch {
  readonly kind: 'batch'
  readonly position: number
  readonly batch: RecordBatch
  /** Its checksum is right. */
  readonly isValid: boolean
  /** What is wrong with it, in words; undefined for a sound batch in its place. */
  readonly problem: string | undefined
}

/** Bytes between sound batches that hold none that can be read. */
export interface InspectedDamage {
  readonly kind: 'damage'
  readonly position: number
  readonly sizeBytes: number
  /** First offset that is not accounted for. */
  readonly offset: number
  /** The offset that reading goes on with. */
  readonly nextOffset: number
  readonly reason: string
  /** Nothing is broken: it is larger than the limit, or of a format that is not read, such as Kafka's before 0.11. */
  readonly isUnsupported: boolean
}

/** Bytes behind the last batch. `zeros`: space that was never written · `torn`: the head of a batch · `invalid`: anything else. */
export interface InspectedTail {
  readonly kind: 'tail'
  readonly position: number
  readonly sizeBytes: number
  readonly content: 'zeros' | 'torn' | 'invalid'
  readonly reason: string
}

/** One thing that a pass over a segment comes upon. */
export type Inspected = InspectedBatch | InspectedDamage | InspectedTail
