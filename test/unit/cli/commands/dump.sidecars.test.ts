/*
 * Kafka's files beside a segment, made wrong on purpose: each is told, none stands in the way of the others.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'
import { run } from '../fake-machine.ts'

const MIB = 1024 * 1024
const LOG = '00000000000000000020.log'
const garbage = (sizeBytes: number) =>
  Buffer.from(Array.from({ length: sizeBytes }, (_, at) => (at * 131 + 89) % 256))
const reversed = (bytes: Buffer, entryBytes: number) =>
  Buffer.concat(
    Array.from({ length: bytes.length / entryBytes }, (_, slot) =>
      bytes.subarray(bytes.length - (slot + 1) * entryBytes, bytes.length - slot * entryBytes),
    ),
  )

/** A copy of a partition that Kafka wrote. */
function copyOfSample(): string {
  const directory = temporaryDirectory()
  cpSync('data/samples/kafka/stopped/orders-0', directory, { recursive: true })
  return directory
}

type Spoil = (bytes: Buffer, path: string) => Buffer | void

/** The file, what is done to it, and what is said of it. */
const cases: readonly [string, string, Spoil, RegExp][] = [
  [
    'an index of garbage',
    '00000000000000000000.index',
    () => garbage(80),
    /Mismatches in :.*\n {2}Index offset: /,
  ],
  [
    'an index cut in an entry',
    '00000000000000000000.index',
    (bytes) => bytes.subarray(0, 17),
    /LOG_CORRUPT.*: 1 byte behind/,
  ],
  [
    'a byte more in an index',
    '00000000000000000000.index',
    (bytes) => Buffer.concat([bytes, garbage(7)]),
    /7 bytes behind/,
  ],
  ['an index with one byte', '00000000000000000000.index', () => garbage(1), /LOG_CORRUPT.*: 1 byte behind/],
  [
    'an index of another log',
    '00000000000000000000.index',
    () => readFileSync('data/samples/kafka/stopped/orders-0/00000000000000000020.index'),
    /Mismatches in :/,
  ],
  [
    'an index that falls',
    '00000000000000000000.index',
    (bytes) => reversed(bytes, 8),
    /out of order offsets in :.*\n {2}Index offset: 14, Previously indexed offset: 19\n/,
  ],
  [
    'an index that leads past the end',
    '00000000000000000000.index',
    (bytes) => (bytes.writeInt32BE(MIB, 20), bytes),
    /log offset: -1/,
  ],
  [
    'an index that leads before the start',
    '00000000000000000000.index',
    (bytes) => (bytes.writeInt32BE(-1, 20), bytes),
    /log offset: -1/,
  ],
  [
    'a time index of garbage',
    '00000000000000000000.timeindex',
    () => garbage(36),
    /not found in :|out of order timestamp/,
  ],
  [
    'a time index cut in an entry',
    '00000000000000000000.timeindex',
    (bytes) => bytes.subarray(0, 25),
    /LOG_CORRUPT.*: 1 byte behind/,
  ],
  [
    'a time index that falls',
    '00000000000000000000.timeindex',
    (bytes) => reversed(bytes, 12),
    /out of order timestamp in :/,
  ],
  [
    'a time index of other times',
    '00000000000000000000.timeindex',
    (bytes) => (bytes.writeBigInt64BE(1n, 0), bytes),
    /timestamp mismatch in :/,
  ],
  [
    'a time index of offsets past the end',
    '00000000000000000000.timeindex',
    (bytes) => (bytes.writeInt32BE(10_000, 32), bytes),
    /not found in :/,
  ],
  [
    'a transaction index of garbage',
    '00000000000000000020.txnindex',
    () => garbage(34),
    /wrong transactions in :.*\n {2}Version: 23004, Expected: 0\n/,
  ],
  [
    'a transaction index cut in an entry',
    '00000000000000000020.txnindex',
    (bytes) => bytes.subarray(0, 33),
    /LOG_CORRUPT.*: 33 bytes behind/,
  ],
  [
    'a transaction index that stands still',
    '00000000000000000020.txnindex',
    (bytes) => Buffer.concat([bytes, bytes]),
    /Last offset: 23, Expected above: 23\n/,
  ],
  [
    'a transaction index of a log before',
    '00000000000000000020.txnindex',
    (bytes) => (bytes.writeBigInt64BE(5n, 18), bytes),
    /Last offset: 5, Expected above: 19\n/,
  ],
  [
    'a transaction index of zeros',
    '00000000000000000020.txnindex',
    () => Buffer.alloc(34 * 3000),
    /Expected above: 19\n[^]* and 2000 more\n/,
  ],
  [
    'a snapshot of garbage',
    '00000000000000000027.snapshot',
    () => garbage(240),
    /LOG_CORRUPT.*: snapshot of version/,
  ],
  [
    'a snapshot with a bit flipped',
    '00000000000000000027.snapshot',
    (bytes) => ((bytes[100]! ^= 1), bytes),
    /LOG_CORRUPT.*: a checksum that does not match/,
  ],
  [
    'a snapshot cut at its end',
    '00000000000000000027.snapshot',
    (bytes) => bytes.subarray(0, -1),
    /LOG_CORRUPT/,
  ],
  [
    'an empty snapshot',
    '00000000000000000027.snapshot',
    () => Buffer.alloc(0),
    /LOG_CORRUPT.*: 0 bytes are too few/,
  ],
  [
    'a snapshot that is far too large',
    '00000000000000000027.snapshot',
    (_, path) => truncateSync(path, 2 ** 40),
    /LOG_CORRUPT.*at most 67108864 were/,
  ],
  [
    'a directory in place of a snapshot',
    '00000000000000000027.snapshot',
    (_, path) => (rmSync(path), mkdirSync(path)),
    /LOG_CORRUPT.*is a directory, a regular file was expected/,
  ],
  [
    'a FIFO in place of a snapshot',
    '00000000000000000027.snapshot',
    (_, path) => (rmSync(path), void execFileSync('mkfifo', [path])),
    /LOG_CORRUPT.*a regular file was/,
  ],
]

describe("dump of Kafka's files beside a segment", () => {
  it.each(cases)('tells of %s, and goes on with the next file', async (_, name, spoil, told) => {
    const directory = copyOfSample()
    const path = join(directory, name)
    const bytes = spoil(readFileSync(path), path)
    if (bytes !== undefined) writeFileSync(path, bytes)
    const sound = join(directory, LOG)
    const { exitCode, output, errors } = await run(['dump', path, sound])
    expect(errors).toMatch(told)
    expect(errors).toContain(name)
    expect(exitCode).toBe(1)
    expect(output).toContain((await run(['dump', sound])).output)
  })

  it.each(['index', 'timeindex', 'txnindex'])(
    'can not look into what is no file, only has the name of a .%s',
    async (suffix) => {
      for (const make of [mkdirSync, (path: string) => void execFileSync('mkfifo', [path])]) {
        const directory = copyOfSample()
        const path = join(directory, `00000000000000000020.${suffix}`)
        rmSync(path)
        make(path)
        const { exitCode, output, errors } = await run(['dump', path, join(directory, LOG)])
        expect(exitCode).toBe(3)
        expect(errors).toContain(`${path} is not a regular file`)
        expect(output).toContain('baseOffset: 20 ')
      }
    },
  )

  it('finds nothing wrong with empty ones, and with space that Kafka had made and not used', async () => {
    const directory = copyOfSample()
    const files = ['index', 'timeindex', 'txnindex'].map((suffix) =>
      join(directory, `00000000000000000020.${suffix}`),
    )
    for (const path of files) writeFileSync(path, '')
    expect(await run(['dump', ...files])).toMatchObject({ exitCode: 0, errors: '' })
    for (const [suffix, sizeBytes] of [
      ['index', 10 * MIB],
      ['timeindex', 10_485_756],
    ] as const) {
      const path = join(directory, `00000000000000000000.${suffix}`)
      truncateSync(path, sizeBytes)
      expect(await run(['dump', path])).toMatchObject({ exitCode: 0, errors: '' })
    }
  })

  it('reads an index of nothing but zeros, or of garbage, in little memory and time', async () => {
    const directory = copyOfSample()
    const path = join(directory, '00000000000000000000.index')
    writeFileSync(path, Buffer.alloc(10 * MIB))
    const zeros = await run(['dump', path])
    expect(zeros.output).toBe(`Dumping ${path}\noffset: 0 position: 0\n`) // as Kafka does
    expect(zeros).toMatchObject({ exitCode: 0, errors: '' }) // space that a killed broker had not written yet
    writeFileSync(path, Buffer.alloc(MIB, garbage(256)))
    const before = process.memoryUsage().rss
    const { exitCode, errors } = await run(['dump', '--verify-index-only', path])
    expect(exitCode).toBe(1)
    expect(errors.split('\n').length).toBeLessThan(2100)
    expect(errors).toMatch(/and \d+ more\n/)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * MIB)
  })

  it('goes through a link, as it does for segments', async () => {
    const directory = copyOfSample()
    const path = join(temporaryDirectory(), '00000000000000000020.txnindex')
    symlinkSync(join(directory, '00000000000000000020.txnindex'), path)
    expect((await run(['dump', path])).output).toContain('producerId: 5 firstOffset: 21')
  })
})

describe('dump', () => {
  it.each([
    '--key-decoder-class',
    '--value-decoder-class',
    '--offsets-decoder',
    '--transaction-log-decoder',
    '--cluster-metadata-decoder',
    '--remote-log-metadata-decoder',
    '--share-group-state-decoder',
  ])('has no %s, and says so', async (flag) => {
    for (const args of [[flag], ['--print-data-log', flag]]) {
      const { exitCode, output, errors } = await run([
        'dump',
        ...args,
        join('data/samples/kafka/stopped/orders-0', LOG),
      ])
      expect([exitCode, output]).toEqual([2, ''])
      expect(errors).toContain(`${flag} is not supported: keys and values are printed as text`)
    }
  })
})
