import { gzipSync, zstdCompressSync } from 'node:zlib'
import { encodeBatch, type Log, type LogOptions, openLog, type RecordToEncode } from '../../src/index.ts'
import { BATCH } from '../../src/record/index.ts'
import { resealed } from '../helpers/hand-made.ts'

/** No scheduler, no sync at each append. */
export const quick: LogOptions = { cleanup: false, durability: 'os' }

/** Records whose keys and values name their offsets. */
export function numbered(count: number, from = 0): { key: string; value: string }[] {
  return Array.from({ length: count }, (_, slot) => ({
    key: `k${from + slot}`,
    value: `value ${from + slot}`,
  }))
}

/** A log that is written by one use of the public interface, or by several, one after the other. */
export interface WrittenLog {
  readonly name: string
  readonly options?: LogOptions
  readonly write: readonly ((log: Log) => Promise<unknown>)[]
}

const NOW = Date.UTC(2026, 0, 1)
const anyTime: LogOptions = { config: { 'message.timestamp.after.max.ms': '9223372036854775807' } }
const stamped = (count: number): RecordToEncode[] =>
  numbered(count).map((record) => ({ ...record, timestamp: NOW }))

/** Ten batches of three records, in four segments. */
export async function appendTen(log: Log): Promise<void> {
  for (let batch = 0; batch < 10; batch++) {
    await log.append(numbered(3, batch * 3))
    if (batch % 3 === 2) await log.roll()
  }
}

const compressed = (batch: Buffer, codec: 'gzip' | 'zstd'): Buffer => {
  const records = batch.subarray(BATCH.records)
  const packed = codec === 'gzip' ? gzipSync(records) : zstdCompressSync(records)
  return resealed(Buffer.concat([batch.subarray(0, BATCH.records), packed]), (copy) => {
    copy.writeUInt16BE(copy.readUInt16BE(BATCH.attributes) | (codec === 'gzip' ? 1 : 4), BATCH.attributes)
  })
}

const producer = { producerId: 2 ** 40, producerEpoch: 3 }

/** Every kind of record and batch that the public interface takes, a log each. */
export const RECORD_LOGS: readonly WrittenLog[] = [
  ...[1, 2, 10_000].map((count) => ({
    name: `batches of ${count}`,
    write: [
      async (log: Log) => {
        for (let batch = 0; batch < 3; batch++) await log.append(numbered(count, batch * count))
      },
    ],
  })),
  {
    name: 'shared batches',
    write: [(log) => Promise.all(numbered(1000).map((record) => log.append(record)))],
  },
  {
    name: 'null and empty',
    write: [
      (log) =>
        log.append([
          { key: null, value: null },
          { key: '', value: '' },
          { key: 'k', value: null },
          { key: null, value: 'v' },
          { key: '', value: null },
        ]),
    ],
  },
  {
    name: 'headers',
    write: [
      (log) =>
        log.append([
          {
            value: 'v',
            headers: [
              ['again', '1'],
              ['again', null],
              ['', ''],
              ['größe 📏', Buffer.from([0, 255])],
              ['two\nlines', 'x'],
              ['a,b', ''],
            ],
          },
          { value: 'w', headers: [] },
        ]),
    ],
  },
  {
    name: 'bytes',
    write: [
      (log) =>
        log.append(
          [
            Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
            'a\r\nb\n\u2028\u0085\ufeff',
            '\u001b[31mred\u0007',
            Buffer.from([0xed, 0xa0, 0x80, 0x41, 0xed, 0xb0, 0x80]), // surrogates
            Buffer.from([0xc0, 0x80, 0xf4, 0x90, 0x80, 0x80, 0xf0, 0x9f, 0x98]), // overlong, too large, cut short
            Buffer.from([0xff, 0xfe, 0xe2, 0x82, 0x41, 0xf0, 0x9f]),
          ].flatMap((value) => [{ value }, { key: value, value: null }]),
        ),
    ],
  },
  {
    name: 'CreateTime',
    options: anyTime,
    write: [
      async (log) => {
        await log.append([-1, 5, 0, 3].map((timestamp) => ({ value: 'v', timestamp })))
        for (const timestamp of [-1, 2 ** 52, 1]) await log.append([{ value: 'v', timestamp }])
      },
    ],
  },
  {
    name: 'CreateTime, encoded',
    options: anyTime,
    write: [
      async (log) => {
        await log.appendBatch(
          encodeBatch(
            [-7, -9].map((timestamp) => ({ value: 'v', timestamp })),
            {},
          ),
        )
        const exact = [2n ** 62n, -(2n ** 62n)].map((timestampExact) => ({ value: 'v', timestampExact }))
        await log.appendBatch(encodeBatch(exact, {}))
      },
    ],
  },
  {
    name: 'LogAppendTime',
    options: { config: { 'message.timestamp.type': 'LogAppendTime' } },
    write: [
      async (log) => {
        await log.append([-1, 5, 3].map((timestamp) => ({ value: 'v', timestamp })))
        await log.appendBatch(encodeBatch([{ value: 'e', timestamp: 1234 }], {}))
        await log.updateConfig({ 'message.timestamp.type': 'CreateTime' })
        await log.append({ value: 'c', timestamp: 17 })
      },
    ],
  },
  ...(['gzip', 'zstd'] as const).map((codec) => ({
    name: codec,
    write: [
      async (log: Log) => {
        await log.append('before')
        await log.appendBatch(compressed(encodeBatch(stamped(3), {}), codec))
        await log.append('behind')
      },
    ],
  })),
  {
    name: 'producers',
    write: [
      async (log) => {
        await log.appendBatch(encodeBatch(stamped(3), { ...producer, baseSequence: 0 }))
        await log.appendBatch(encodeBatch(stamped(3), { ...producer, baseSequence: 2 ** 31 - 2 }))
      },
    ],
  },
  {
    name: 'transactions',
    write: [
      async (log) => {
        const options = { ...producer, isTransactional: true }
        await log.appendBatch(encodeBatch(stamped(3), { ...options, baseSequence: 1 }))
        await log.appendBatch(compressed(encodeBatch(stamped(3), { ...options, baseSequence: 4 }), 'zstd'))
      },
    ],
  },
]

/** Where the ten batches of a log are cut: between two of them, inside of one, and where a segment starts. */
export const CUTS = [15, 16, 9, 10, 1] as const

/** Logs whose segments were rolled, cut and taken away. */
export const SEGMENT_LOGS: readonly WrittenLog[] = [
  {
    name: 'rolled',
    options: { config: { 'internal.segment.bytes': 1024 } },
    write: [
      async (log) => {
        for (let batch = 0; batch < 100; batch++) await log.append(numbered(2, batch * 2))
      },
    ],
  },
  ...CUTS.flatMap((offset) => {
    const cut = [appendTen, (log: Log) => log.truncateTo(offset)]
    return [
      { name: `cut to ${offset}`, write: cut },
      {
        name: `cut to ${offset} and gone on`,
        write: [...cut, (log: Log) => log.append(numbered(4, offset))],
      },
    ]
  }),
  {
    name: 'without its beginning',
    options: { config: { 'file.delete.delay.ms': 0 } },
    write: [appendTen, (log) => log.deleteRecordsBefore(20), (log) => log.clean()],
  },
]

/** Writes the log in `directory`, opening it anew for each step. */
export async function writeLog({ write, options }: WrittenLog, directory: string): Promise<void> {
  for (const step of write) {
    const log = await openLog(directory, { ...quick, ...options })
    try {
      await step(log)
    } finally {
      await log.close()
    }
  }
}
