import { describe, expect, it } from 'vitest'
import {
  formatBatch,
  formatProducer,
  formatRecord,
  formatStart,
  formatTail,
  formatTransaction,
} from '../../../../src/cli/dump/kafka-lines.ts'
import { classifyFile, type InspectedBatch, inspectRecords } from '../../../../src/inspect/index.ts'
import { encodeBatch } from '../../../../src/record/index.ts'
import { compressed, decode, golden, resealed, threeRecords } from '../../record/batches.ts'

function line(bytes: Buffer, found: Partial<InspectedBatch> = {}): string {
  return formatBatch({
    kind: 'batch',
    position: 0,
    batch: decode(bytes),
    isValid: true,
    problem: undefined,
    ...found,
  })
}

function records(bytes: Buffer, options: { printsData?: boolean; skipsMetadata?: boolean } = {}): string[] {
  const { printsData = false, skipsMetadata = false } = options
  const batch = decode(bytes)
  return Array.from(inspectRecords(batch), (record) =>
    formatRecord(batch, record, { printsData, skipsMetadata }),
  )
}

describe('the line of a batch', () => {
  it('is that of Kafka for two records', () => {
    expect(line(golden.twoRecords)).toBe(
      'baseOffset: 0 lastOffset: 1 count: 2 baseSequence: -1 lastSequence: -1 producerId: -1 producerEpoch: -1 ' +
        'partitionLeaderEpoch: 0 isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty ' +
        'position: 0 CreateTime: 283843 size: 97 magic: 2 compresscodec: none crc: 3851219455 isvalid: true',
    )
  })

  it('is that of Kafka for a batch that compaction emptied', () => {
    expect(line(golden.empty, { position: 97 })).toBe(
      'baseOffset: 3 lastOffset: 4 count: 0 baseSequence: 10 lastSequence: 11 producerId: 23 producerEpoch: 5 ' +
        'partitionLeaderEpoch: 293 isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty ' +
        'position: 97 CreateTime: 12 size: 61 magic: 2 compresscodec: none crc: 1431834952 isvalid: true',
    )
  })

  it('is that of Kafka for the end of a transaction', () => {
    expect(line(golden.commitMarker, { position: 158 })).toBe(
      'baseOffset: 983 lastOffset: 983 count: 1 baseSequence: -1 lastSequence: -1 producerId: 73 producerEpoch: 13 ' +
        'partitionLeaderEpoch: 29 isTransactional: true isControl: true deleteHorizonMs: OptionalLong.empty ' +
        'position: 158 CreateTime: 1000 size: 78 magic: 2 compresscodec: none crc: 388722120 isvalid: true',
    )
  })

  it('names the codec, the clock, the delete horizon and a checksum that is wrong', () => {
    expect(line(compressed(threeRecords(), 1))).toContain(' compresscodec: gzip ')
    expect(line(compressed(threeRecords(), 2))).toContain(' compresscodec: snappy ')
    expect(line(compressed(threeRecords(), 3))).toContain(' compresscodec: lz4 ')
    expect(line(compressed(threeRecords(), 4))).toContain(' compresscodec: zstd ')
    expect(line(compressed(threeRecords(), 5))).toContain(' compresscodec: unknown ')
    const appended = encodeBatch([{ value: 'v' }], { timestampType: 'LogAppendTime', maxTimestamp: 77 })
    expect(line(appended)).toContain(' LogAppendTime: 77 ')
    const compacted = encodeBatch([{ value: 'v', timestamp: 5 }], { deleteHorizonMs: 123 })
    expect(line(compacted)).toContain(' deleteHorizonMs: OptionalLong[123] ')
    expect(line(threeRecords(), { isValid: false })).toMatch(/ isvalid: false$/)
  })

  it('keeps numbers exact that no number can hold', () => {
    const far = encodeBatch([{ value: 'v', timestampExact: 2n ** 62n + 1n }], { baseOffset: 0 })
    expect(line(far)).toContain(` CreateTime: ${2n ** 62n + 1n} `)
    const producer = resealed(threeRecords(), (copy) => void copy.writeBigInt64BE(2n ** 62n + 1n, 43))
    expect(line(producer)).toContain(` producerId: ${2n ** 62n + 1n} `)
    const horizon = resealed(encodeBatch([{ value: 'v' }], { deleteHorizonMs: 5 }), (copy) => {
      copy.writeBigInt64BE(2n ** 62n + 1n, 27)
    })
    expect(line(horizon)).toContain(` deleteHorizonMs: OptionalLong[${2n ** 62n + 1n}] `)
  })

  it('counts sequences past 2^31 - 1 from 0', () => {
    const batch = encodeBatch([{ value: 'a' }, { value: 'b' }], {
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 2 ** 31 - 1,
    })
    expect(line(batch)).toContain(' baseSequence: 2147483647 lastSequence: 0 ')
  })
})

describe('the line of a record', () => {
  it('is that of Kafka, without keys and values', () => {
    expect(records(threeRecords())).toEqual([
      '| offset: 0 CreateTime: 1000 keySize: 2 valueSize: 5 sequence: -1 headerKeys: []',
      '| offset: 1 CreateTime: 1002 keySize: -1 valueSize: 6 sequence: -1 headerKeys: []',
      '| offset: 2 CreateTime: 1001 keySize: 2 valueSize: -1 sequence: -1 headerKeys: [trace]',
    ])
  })

  it('is that of Kafka, with what there is of keys and values', () => {
    expect(records(golden.twoRecords, { printsData: true })).toEqual([
      '| offset: 0 CreateTime: 283843 keySize: 4 valueSize: 6 sequence: -1 headerKeys: [] key: key1 payload: value1',
      '| offset: 1 CreateTime: 1234 keySize: 4 valueSize: 6 sequence: -1 headerKeys: [] key: key2 payload: value2',
    ])
    expect(records(threeRecords(), { printsData: true }).slice(1)).toEqual([
      '| offset: 1 CreateTime: 1002 keySize: -1 valueSize: 6 sequence: -1 headerKeys: [] payload: second',
      '| offset: 2 CreateTime: 1001 keySize: 2 valueSize: -1 sequence: -1 headerKeys: [trace] key: k3',
    ])
  })

  it('can be keys and values alone; a line is left for what has neither', () => {
    const batch = encodeBatch([{ key: 'k', value: 'v' }, { key: 'k' }, { value: 'v' }, {}], { baseOffset: 0 })
    const options = { printsData: true, skipsMetadata: true }
    expect(records(batch, options)).toEqual(['| key: k payload: v', '| key: k', '| payload: v', ''])
    expect(records(batch, { skipsMetadata: true })).toEqual(['', '', '', ''])
    expect(records(golden.commitMarker, options)).toEqual([''])
  })

  it('shows the end of a transaction, and never the bytes of a marker', () => {
    const expected =
      '| offset: 983 CreateTime: 1000 keySize: 4 valueSize: 6 sequence: -1 headerKeys: [] ' +
      'endTxnMarker: COMMIT coordinatorEpoch: 347'
    expect(records(golden.commitMarker)).toEqual([expected])
    expect(records(golden.commitMarker, { printsData: true })).toEqual([expected])
  })

  it.each([
    [0, '000000000007', ' endTxnMarker: ABORT coordinatorEpoch: 7'],
    [
      2,
      '000000000001030000000100000000020002000000020000',
      ' LeaderChange: {"version":0,"leaderId":1,"voters":[{"voterId":1},{"voterId":2}],"grantingVoters":[{"voterId":2}]}',
    ],
    [
      3,
      '000000007048860ddf7900',
      ' SnapshotHeader {"version":0,"lastContainedLogTimestamp":123456789012345}',
    ],
    [4, '000000', ' SnapshotFooter {"version":0}'],
    [5, '0000000100', ' KRaftVersion {"version":0,"kRaftVersion":1}'],
    [6, '00000100', ' KRaftVoters {"version":0,"voters":[]}'],
    [6, 'ffff', ' KRaftVoters (not readable)'],
    [9, '0000', ' controlType: UNKNOWN(9)'],
  ])('shows a marker of type %d', (type, value, expected) => {
    const key = Buffer.from([0, 0, 0, type])
    const batch = encodeBatch([{ key, value: Buffer.from(value, 'hex') }], { isControl: true })
    expect(records(batch)[0]).toMatch(/ headerKeys: \[\] /)
    expect(records(batch)[0]?.endsWith(`headerKeys: []${expected}`)).toBe(true)
  })

  it('prints keys and values as Kafka decodes them', () => {
    const batch = encodeBatch([{ value: Buffer.from('ffeda08041', 'hex') }], { baseOffset: 0 })
    expect(records(batch, { printsData: true })[0]).toMatch(/ payload: \ufffd\ufffdA$/)
  })
})

describe('other lines', () => {
  it('say where a segment or a snapshot starts', () => {
    expect(formatStart(classifyFile('x/00000000000000000042.log'))).toBe('Log starting offset: 42')
    expect(formatStart(classifyFile('x/copy.log'))).toBeUndefined()
    expect(formatStart(classifyFile('x/bootstrap.checkpoint'))).toBe('KRaft bootstrap snapshot')
    expect(formatStart(classifyFile('x/00000000000000000012-0000000003.checkpoint'))).toBe(
      'Snapshot end offset: 12, epoch: 3',
    )
    expect(formatStart(classifyFile('x/other.checkpoint'))).toBeUndefined()
  })

  it('say how much is left behind the last batch, by the name of the file alone', () => {
    expect(formatTail(7, 'a/b/00000000000000000000.log')).toBe(
      'Found 7 invalid bytes at the end of 00000000000000000000.log',
    )
  })

  it('show aborted transactions and producers', () => {
    expect(
      formatTransaction({
        version: 0,
        producerId: 5n,
        firstOffset: 21n,
        lastOffset: 23n,
        lastStableOffset: 24n,
      }),
    ).toBe('version: 0 producerId: 5 firstOffset: 21 lastOffset: 23 lastStableOffset: 24')
    const producer = {
      producerId: 4n,
      producerEpoch: 1,
      coordinatorEpoch: 0,
      transactionFirstOffset: 18n,
      timestamp: 99n,
      lastBatch: { lastSequence: 1, lastOffset: 19n, offsetDelta: 3 },
    }
    expect(formatProducer(producer)).toBe(
      'producerId: 4 producerEpoch: 1 coordinatorEpoch: 0 currentTxnFirstOffset: OptionalLong[18] lastTimestamp: 99 ' +
        'firstSequence: 2147483646 lastSequence: 1 lastOffset: 19 offsetDelta: 3 timestamp: 99',
    )
    expect(formatProducer({ ...producer, transactionFirstOffset: undefined, lastBatch: undefined })).toBe(
      'producerId: 4 producerEpoch: 1 coordinatorEpoch: 0 currentTxnFirstOffset: OptionalLong.empty lastTimestamp: 99',
    )
  })
})
