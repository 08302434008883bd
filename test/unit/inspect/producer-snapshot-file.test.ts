import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { crc32c } from '../../../src/codec/index.ts'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { readProducerSnapshot } from '../../../src/inspect/index.ts'
import { flipped, writeFile } from './segment-file.ts'

const kafkas = readFileSync('data/samples/kafka/stopped/orders-0/00000000000000000027.snapshot')

const read = (contents: Buffer) =>
  readProducerSnapshot(nodeFileSystem, writeFile('00000000000000000027.snapshot', contents), crc32c)

/** A copy of Kafka's with a right checksum after `edit`. */
function resealed(edit: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(kafkas)
  edit(copy)
  copy.writeUInt32BE(crc32c(copy.subarray(6)), 2)
  return copy
}

describe('readProducerSnapshot', () => {
  it('reads what Kafka wrote: producers with a last batch, and with none', () => {
    const { producers, problem } = read(kafkas)
    expect(problem).toBeUndefined()
    expect(producers).toHaveLength(6)
    expect(producers?.[0]).toEqual({
      producerId: 0n,
      producerEpoch: 0,
      coordinatorEpoch: -1,
      transactionFirstOffset: undefined,
      timestamp: 1_700_000_480_000n,
      lastBatch: { lastSequence: 2, lastOffset: 8n, offsetDelta: 2 },
    })
    expect(producers?.[5]).toMatchObject({ producerId: 5n, producerEpoch: 1, lastBatch: undefined })
  })

  it('reads the first offset of a transaction under way', () => {
    const copy = resealed((bytes) => void bytes.writeBigInt64BE(18n, 10 + 38))
    expect(read(copy).producers?.[0]?.transactionFirstOffset).toBe(18n)
  })

  it('believes nothing when any bit is flipped', () => {
    for (let position = 0; position < kafkas.length; position += 3) {
      expect(read(flipped(kafkas, position, position % 8)).producers, `byte ${position}`).toBeUndefined()
    }
  })

  it('says what is wrong: too short, another version, a checksum, a count that does not fit', () => {
    expect(read(Buffer.alloc(0)).problem).toContain('too few')
    expect(read(kafkas.subarray(0, 9)).problem).toContain('too few')
    expect(read(resealed((copy) => void copy.writeInt16BE(2, 0))).problem).toContain('version 2')
    expect(read(kafkas.subarray(0, -1)).problem).toContain('checksum')
    expect(read(resealed((copy) => void copy.writeInt32BE(0x7fff_ffff, 6))).problem).toContain('do not fit')
    expect(read(resealed((copy) => void copy.writeInt32BE(-1, 6))).problem).toContain('do not fit')
  })
})
