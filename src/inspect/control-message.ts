/*
 * What the markers of Kafka's controllers hold: messages of Kafka's protocol, in its "flexible" form.
 *
 *   integers are big-endian · a text or a list begins with its length plus one as an unsigned varint
 *   every structure ends with tagged fields: their count, then for each its tag, its size and its bytes
 */
import type { ControlType } from '../record/index.ts'

/** A decoded message: its fields by Kafka's names, in Kafka's order. */
export interface ControlMessage {
  readonly [field: string]: number | bigint | string | ControlMessage | readonly ControlMessage[]
}

const VARINT_BITS_MAX = 35
const UUID_BYTES = 16

/** Decodes the value of a control record; undefined for types without a message, other versions, and damaged bytes. */
export function decodeControlMessage(type: ControlType, value: Buffer): ControlMessage | undefined {
  const read = READERS[type]
  if (read === undefined) return undefined
  try {
    return read(new MessageReader(value))
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

type Read = (reader: MessageReader) => ControlMessage | undefined

const READERS: Partial<Record<ControlType, Read>> = {
  LEADER_CHANGE(reader) {
    const version = reader.int16()
    if (version > 1) return undefined
    const leaderId = reader.int32()
    const voter = () =>
      reader.structure(() => ({
        voterId: reader.int32(),
        ...(version === 0 ? {} : { voterDirectoryId: reader.uuid() }),
      }))
    return { version, leaderId, voters: reader.list(voter), grantingVoters: reader.list(voter) }
  },
  SNAPSHOT_HEADER: ofVersionZero((reader) => ({ lastContainedLogTimestamp: reader.int64() })),
  SNAPSHOT_FOOTER: ofVersionZero(() => ({})),
  KRAFT_VERSION: ofVersionZero((reader) => ({ kRaftVersion: reader.int16() })),
  KRAFT_VOTERS: ofVersionZero((reader) => ({ voters: reader.list(() => readVoter(reader)) })),
}

function ofVersionZero(read: (reader: MessageReader) => ControlMessage): Read {
  return (reader) => {
    const version = reader.int16()
    return version === 0 ? { version, ...read(reader) } : undefined
  }
}

function readVoter(reader: MessageReader): ControlMessage {
  return reader.structure(() => ({
    voterId: reader.int32(),
    voterDirectoryId: reader.uuid(),
    endpoints: reader.list(() =>
      reader.structure(() => ({ name: reader.text(), host: reader.text(), port: reader.uint16() })),
    ),
    kRaftVersionFeature: reader.structure(() => ({
      minSupportedVersion: reader.int16(),
      maxSupportedVersion: reader.int16(),
    })),
  }))
}

/** Reads field after field; a RangeError says that the bytes are not what they should be. */
class MessageReader {
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  int16(): number {
    return this.#take(2).readInt16BE()
  }

  uint16(): number {
    return this.#take(2).readUInt16BE()
  }

  int32(): number {
    return this.#take(4).readInt32BE()
  }

  int64(): number | bigint {
    const value = this.#take(8).readBigInt64BE()
    return Number.isSafeInteger(Number(value)) ? Number(value) : value
  }

  /** 16 bytes in base64 without padding, as Kafka writes them. */
  uuid(): string {
    return this.#take(UUID_BYTES).toString('base64url')
  }

  text(): string {
    return this.#take(this.#length()).toString()
  }

  list(item: () => ControlMessage): ControlMessage[] {
    const length = this.#length()
    if (length > this.#bytes.length - this.#position) throw new RangeError('list')
    return Array.from({ length }, item)
  }

  structure(fields: () => ControlMessage): ControlMessage {
    const message = fields()
    for (let left = this.#varint(); left > 0; left--) {
      this.#varint()
      this.#take(this.#varint())
    }
    return message
  }

  #length(): number {
    const length = this.#varint() - 1
    if (length < 0) throw new RangeError('null')
    return length
  }

  #varint(): number {
    let value = 0
    for (let shift = 0; shift < VARINT_BITS_MAX; shift += 7) {
      const byte = this.#take(1).readUInt8()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new RangeError('varint')
  }

  #take(count: number): Buffer {
    const start = this.#position
    if (count > this.#bytes.length - start) throw new RangeError('end')
    this.#position = start + count
    return this.#bytes.subarray(start, this.#position)
  }
}
