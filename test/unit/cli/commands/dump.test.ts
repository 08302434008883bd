import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLog } from '../../../../src/index.ts'
import { BATCH, encodeBatch } from '../../../../src/record/index.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'
import { batchOf, flipped } from '../../inspect/segment-file.ts'
import { compressed, golden, resealed, threeRecords } from '../../record/batches.ts'
import { run } from '../fake-machine.ts'

const NAME = '00000000000000000000.log'

function segment(...contents: Uint8Array[]): string {
  const path = join(temporaryDirectory(), NAME)
  writeFileSync(path, Buffer.concat(contents))
  return path
}

const TWO_RECORDS =
  'baseOffset: 0 lastOffset: 1 count: 2 baseSequence: -1 lastSequence: -1 producerId: -1 producerEpoch: -1 ' +
  'partitionLeaderEpoch: 0 isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty ' +
  'position: 0 CreateTime: 283843 size: 97 magic: 2 compresscodec: none crc: 3851219455 isvalid: true'

const jsonLines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('dump of a segment', () => {
  it('prints what Kafka prints: where it starts, and a line a batch', async () => {
    const path = segment(golden.twoRecords)
    expect(await run(['dump', path])).toMatchObject({
      exitCode: 0,
      output: `Dumping ${path}\nLog starting offset: 0\n${TWO_RECORDS}\n`,
      errors: '',
    })
  })

  it('prints records with --deep-iteration, and their content with --print-data-log', async () => {
    const path = segment(golden.twoRecords)
    const deep = await run(['dump', path, '--deep-iteration'])
    expect(deep.output.split('\n').slice(3)).toEqual([
      '| offset: 0 CreateTime: 283843 keySize: 4 valueSize: 6 sequence: -1 headerKeys: []',
      '| offset: 1 CreateTime: 1234 keySize: 4 valueSize: 6 sequence: -1 headerKeys: []',
      '',
    ])
    const data = await run(['dump', '--print-data-log', path])
    expect(data.output.split('\n')[3]).toMatch(/ headerKeys: \[\] key: key1 payload: value1$/)
    const bare = await run(['dump', '--print-data-log', '--skip-record-metadata', path])
    expect(bare.output.split('\n').slice(3)).toEqual([
      '| key: key1 payload: value1',
      '| key: key2 payload: value2',
      '',
    ])
  })

  it('takes --files as Kafka does, and paths beside it', async () => {
    const [a, b, c] = [segment(golden.twoRecords), segment(), segment()]
    const { output } = await run(['dump', c, '--files', `${a},${b}`])
    expect(output.split('\n').filter((line) => line.startsWith('Dumping'))).toEqual(
      [c, a, b].map((path) => `Dumping ${path}`),
    )
  })

  it('does not expect the offset at which a snapshot of KRaft ends, its name, to be its first one', async () => {
    const path = join(temporaryDirectory(), '00000000000000000012-0000000003.checkpoint')
    writeFileSync(path, golden.twoRecords)
    expect(await run(['dump', path])).toMatchObject({
      exitCode: 0,
      output: `Dumping ${path}\nSnapshot end offset: 12, epoch: 3\n${TWO_RECORDS}\n`,
      errors: '',
    })
  })

  it('stops at --max-bytes, without a word about the rest', async () => {
    const path = segment(batchOf(0), batchOf(1), batchOf(2))
    const size = batchOf(0).length
    const lines = async (bytes: number) =>
      (await run(['dump', path, '--max-bytes', String(bytes)])).output.trimEnd().split('\n').slice(2)
    expect(await lines(0)).toHaveLength(0)
    expect(await lines(2 * size)).toHaveLength(2)
    expect(await lines(2 * size + 5)).toHaveLength(2)
    expect(await lines(3 * size)).toHaveLength(3)
    expect(await lines(2 ** 31 - 1)).toHaveLength(3)
  })

  it('passes over an unknown file, saying so', async () => {
    const path = join(temporaryDirectory(), 'notes.txt')
    writeFileSync(path, 'hello')
    expect(await run(['dump', path])).toMatchObject({
      exitCode: 0,
      output: `Dumping ${path}\n`,
      errors: `Ignoring unknown file ${path}\n`,
    })
  })

  it('tells of holes between records only when it looks at records', async () => {
    const path = segment(batchOf(5), batchOf(9))
    expect((await run(['dump', path])).errors).toBe('')
    expect(await run(['dump', path, '--deep-iteration'])).toMatchObject({
      exitCode: 0,
      errors: `Non-consecutive offsets in ${path}\n  5 is followed by 9\n`,
    })
  })

  it('says which file can not be opened, and goes on with the next', async () => {
    const directory = temporaryDirectory()
    symlinkSync('/dev/null', join(directory, 'null.log'))
    const path = segment(golden.twoRecords)
    const { exitCode, output, errors } = await run(['dump', join(directory, 'null.log'), path])
    expect(exitCode).toBe(3)
    expect(output).toContain(TWO_RECORDS)
    expect(errors).toMatch(/^seglog: EINVAL: [^\n]*null\.log: [^\n]* is not a regular file\n$/)
  })

  it('refuses an empty path', async () => {
    expect(await run(['dump', ''])).toMatchObject({ exitCode: 2, output: '' })
  })

  it('says what is missing, and dumps nothing, when a path leads nowhere', async () => {
    const path = segment(golden.twoRecords)
    expect(await run(['dump', path, '/nowhere/0.log'])).toMatchObject({
      exitCode: 3,
      output: '',
      errors: 'seglog: LOG_NOT_FOUND: there is nothing at /nowhere/0.log\n',
    })
  })
})

describe('dump of directories', () => {
  it('dumps the segments of a log in order, while another handle appends to it', async () => {
    const directory = temporaryDirectory()
    await using log = await openLog(directory, {
      durability: 'os',
      config: { 'internal.segment.bytes': 4096 },
    })
    for (let count = 0; count < 20; count++) await log.append('x'.repeat(1000))
    const { exitCode, output, errors } = await run(['dump', directory, '--deep-iteration'])
    expect([exitCode, errors]).toEqual([0, ''])
    const dumped = output.split('\n').filter((line) => line.startsWith('Dumping'))
    expect(dumped).toEqual(log.segments().map(({ path }) => `Dumping ${path}`))
    expect(output.match(/^\| offset: \d+/gm)).toHaveLength(20)
  })

  it('dumps every log of a store', async () => {
    const store = temporaryDirectory()
    for (const name of ['b-0', 'a-1', 'a-0']) {
      mkdirSync(join(store, name))
      writeFileSync(join(store, name, NAME), golden.twoRecords)
    }
    const { output } = await run(['dump', store])
    expect(output.match(/^Dumping .*$/gm)).toEqual(
      ['a-0', 'a-1', 'b-0'].map((name) => `Dumping ${join(store, name, NAME)}`),
    )
  })

  it('says so when there is no log', async () => {
    expect(await run(['dump', temporaryDirectory()])).toMatchObject({ exitCode: 3, output: '' })
  })
})

describe('dump of what is damaged', () => {
  it('prints a batch with a wrong checksum as Kafka does, says so, and goes on', async () => {
    const path = segment(batchOf(0), flipped(batchOf(1), BATCH.records + 15), batchOf(2))
    const { exitCode, output, errors } = await run(['dump', '--print-data-log', path])
    expect(exitCode).toBe(1)
    expect(output.match(/isvalid: \w+/g)).toEqual(['isvalid: true', 'isvalid: false', 'isvalid: true'])
    expect(output.match(/^\| offset: \d/gm)).toEqual(['| offset: 0', '| offset: 1', '| offset: 2'])
    expect(errors).toMatch(
      new RegExp(
        `^seglog: BATCH_CORRUPT: ${path}: batch of offsets 1 to 1 at position 80: a checksum that [^\n]*\n$`,
      ),
    )
  })

  it('says where bytes were passed over, and which offsets are lost', async () => {
    const path = segment(batchOf(0), flipped(batchOf(1, 3), BATCH.batchLength + 1, 6), batchOf(4))
    const { exitCode, output, errors } = await run(['dump', path])
    expect(exitCode).toBe(1)
    expect(output.match(/^baseOffset: \d/gm)).toEqual(['baseOffset: 0', 'baseOffset: 4'])
    expect(errors).toContain(`${path}: 118 bytes from position 80 on: a batch of 4194422 bytes, of which`)
    expect(errors).toContain('; offsets 1 to 3 are lost\n')
  })

  it('counts a torn tail as Kafka does, and says what it is', async () => {
    const path = segment(batchOf(0), batchOf(1).subarray(0, 70))
    const { exitCode, output, errors } = await run(['dump', path])
    expect(exitCode).toBe(1)
    expect(output).toMatch(/\nFound 70 invalid bytes at the end of 00000000000000000000\.log\n$/)
    expect(errors).toBe(
      `seglog: TAIL_TORN: ${path}: 70 bytes from position 80 on: a batch of 80 bytes, of which 70 are there\n`,
    )
  })

  it('counts garbage at the end', async () => {
    const { exitCode, output, errors } = await run(['dump', segment(batchOf(0), Buffer.alloc(99, 0x55))])
    expect(exitCode).toBe(1)
    expect(output).toContain('Found 99 invalid bytes at the end of')
    expect(errors).toContain('BATCH_CORRUPT')
  })

  it.each([1, 17, 18, 61, 4096, 2 * 1024 * 1024])(
    'does not take space that was never written for damage: %i bytes of it',
    async (sizeBytes) => {
      const { exitCode, output, errors } = await run(['dump', segment(batchOf(0), Buffer.alloc(sizeBytes))])
      expect(exitCode).toBe(0)
      const line = `Found ${sizeBytes} invalid bytes at the end of`
      expect(output.includes(line)).toBe(sizeBytes <= 17) // as Kafka, which ends where there are more
      expect(errors).toMatch(
        new RegExp(
          `${sizeBytes} bytes? from position 80 on: zeros up to the end: space that was never written`,
        ),
      )
    },
  )

  it('goes on past records that can not be read', async () => {
    const broken = encodeBatch([{ value: 'v' }], { baseOffset: 1 })
    const path = segment(
      batchOf(0),
      compressed(broken, 1).fill(0, 61, 64),
      compressed(batchOf(2), 5),
      batchOf(3),
    )
    const { exitCode, output, errors } = await run(['dump', '--deep-iteration', path])
    expect(exitCode).toBe(1)
    expect(output.match(/^baseOffset: \d/gm)).toHaveLength(4)
    expect(output.match(/^\| offset: \d/gm)).toEqual(['| offset: 0', '| offset: 3'])
    expect(errors).toContain('BATCH_CORRUPT')
    expect(errors).toContain('COMPRESSION_UNSUPPORTED')
    expect(errors).not.toContain('Non-consecutive')
  })

  it('exits with 3 when nothing is damaged, and not all could be shown', async () => {
    const path = segment(compressed(threeRecords(), 5))
    expect((await run(['dump', path])).exitCode).toBe(0)
    expect((await run(['dump', '--deep-iteration', path])).exitCode).toBe(3)
  })

  it('reads batches up to --max-message-size', async () => {
    const path = segment(
      batchOf(0),
      encodeBatch([{ value: Buffer.alloc(5000) }], { baseOffset: 1 }),
      batchOf(2),
    )
    const { exitCode, output, errors } = await run(['dump', path, '--max-message-size', '4096'])
    expect(exitCode).toBe(3)
    expect(output.match(/^baseOffset: \d/gm)).toEqual(['baseOffset: 0', 'baseOffset: 2'])
    expect(errors).toContain('a batch larger than the limit')
    expect((await run(['dump', path, '--max-message-size', '8192'])).exitCode).toBe(0)
  })
})

describe('dump of a hostile file', () => {
  it('says little of a mebibyte of noise, whatever it is asked for', async () => {
    const noise = Buffer.alloc(1 << 20)
    for (let at = 0, state = 7; at < noise.length; at++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      noise[at] = state >>> 24
    }
    for (const args of [[], ['--print-data-log'], ['--print-data-log', '--json']]) {
      const { exitCode, output, errors } = await run(['dump', segment(noise), ...args], { isTerminal: true })
      expect(exitCode).toBe(1)
      expect(output.length + errors.length).toBeLessThan(10_000)
      expect(output).not.toContain('\u001b')
    }
  })

  it('does not believe lengths and counts that lie', async () => {
    const bytes = batchOf(0, 3)
    const wrong = [
      resealed(bytes, (copy) => void copy.writeInt32BE(0x7fff_ffff, BATCH.recordCount)),
      resealed(bytes, (copy) => void copy.writeInt32BE(-5, BATCH.lastOffsetDelta)),
      resealed(bytes, (copy) => copy.fill(0xff, BATCH.records)),
    ]
    for (const batch of wrong) {
      const { exitCode, output } = await run(['dump', '--print-data-log', segment(batch)])
      expect(exitCode).toBe(1)
      expect(output).toContain('baseOffset: 0')
    }
    bytes.writeInt32BE(0x7fff_ffff, BATCH.batchLength)
    expect((await run(['dump', '--print-data-log', segment(bytes)])).output).toContain('Found ')
  })

  it('does not unpack a bomb', async () => {
    const bomb = compressed(encodeBatch([{ value: Buffer.alloc(70 * 1024 * 1024) }], { baseOffset: 0 }), 4)
    expect(bomb.length).toBeLessThan(100_000)
    const { exitCode, output, errors } = await run(['dump', '--deep-iteration', segment(bomb)])
    expect(exitCode).toBe(3)
    expect(output.match(/^\|/gm)).toBeNull()
    expect(errors).toContain('RECORD_TOO_LARGE')
  })
})

describe('dump on a terminal', () => {
  const hostile = encodeBatch(
    [{ key: '\u001b]0;title\u0007', value: 'a\u001b[31mb\nc\u202e', headers: [['\u001b[2J', null]] }],
    { baseOffset: 0 },
  )

  it('escapes what the terminal would act on, names of headers too', async () => {
    const { output } = await run(['dump', '--print-data-log', segment(hostile)], { isTerminal: true })
    expect(output).toContain(
      'headerKeys: [\\x1b[2J] key: \\x1b]0;title\\x07 payload: a\\x1b[31mb\\x0ac\\u202e\n',
    )
    expect(output).not.toContain('\u001b')
  })

  it('leaves them as Kafka prints them everywhere else', async () => {
    const { output } = await run(['dump', '--print-data-log', segment(hostile)])
    expect(output).toContain('key: \u001b]0;title\u0007 payload: a\u001b[31mb\nc\u202e\n')
  })

  it('never prints them in JSON', async () => {
    for (const isTerminal of [true, false]) {
      const { output } = await run(['dump', '--print-data-log', '--json', segment(hostile)], { isTerminal })
      expect(output).not.toContain('\u001b')
      expect(jsonLines(output)[1]).toMatchObject({
        key: '\u001b]0;title\u0007',
        value: 'a\u001b[31mb\nc\u202e',
        headers: [['\u001b[2J', null]],
      })
    }
  })
})

describe('dump --json', () => {
  it('prints an object a batch, under the names of the lines', async () => {
    const path = segment(golden.twoRecords, golden.commitMarker)
    const [first, second] = jsonLines((await run(['dump', '--json', path])).output)
    expect(first).toEqual({
      type: 'batch',
      path,
      position: 0,
      baseOffset: 0,
      lastOffset: 1,
      count: 2,
      baseSequence: -1,
      lastSequence: -1,
      producerId: -1,
      producerEpoch: -1,
      partitionLeaderEpoch: 0,
      isTransactional: false,
      isControl: false,
      deleteHorizonMs: null,
      timestampType: 'CreateTime',
      maxTimestamp: 283_843,
      size: 97,
      magic: 2,
      compression: 'none',
      crc: 3_851_219_455,
      isValid: true,
    })
    expect(second).toMatchObject({ position: 97, isControl: true, producerId: 73 })
  })

  it('prints records with their content, text or base64, and markers for what they are', async () => {
    const path = segment(
      encodeBatch([{ key: Buffer.from([0xff]), value: 'é', headers: [['h', 'x']] }], { baseOffset: 0 }),
      golden.commitMarker,
    )
    const [, record, , marker] = jsonLines((await run(['dump', '--json', '--print-data-log', path])).output)
    expect(record).toMatchObject({
      type: 'record',
      offset: 0,
      key: '/w==',
      keyEncoding: 'base64',
      keySize: 1,
      value: 'é',
      valueSize: 2,
      headers: [['h', 'x']],
    })
    expect(marker).toMatchObject({
      offset: 983,
      control: { type: 'COMMIT', typeId: 1, coordinatorEpoch: 347 },
    })
    expect(marker).not.toHaveProperty('key')
    const [, bare] = jsonLines((await run(['dump', '--json', '--deep-iteration', path])).output)
    expect(bare).toMatchObject({ headerKeys: ['h'], keySize: 1 })
    expect(bare).not.toHaveProperty('value')
  })

  it('prints damage and the tail as objects too', async () => {
    const path = segment(
      batchOf(0),
      flipped(batchOf(1), BATCH.batchLength + 1, 6),
      batchOf(2),
      Buffer.alloc(9),
    )
    const { exitCode, output } = await run(['dump', '--json', path])
    expect(exitCode).toBe(1)
    expect(jsonLines(output).map(({ type, position, sizeBytes }) => [type, position, sizeBytes])).toEqual([
      ['batch', 0, undefined],
      ['damage', 80, 80],
      ['batch', 160, undefined],
      ['tail', 240, 9],
    ])
  })

  it('keeps timestamps exact', async () => {
    const far = encodeBatch([{ value: 'v', timestampExact: 2n ** 62n + 1n }], { baseOffset: 0 })
    const [batch, record] = jsonLines(
      (await run(['dump', '--json', '--deep-iteration', segment(far)])).output,
    )
    expect(batch).toMatchObject({ maxTimestamp: '4611686018427387905' })
    expect(record).toMatchObject({ timestamp: '4611686018427387905' })
  })
})

/** Copies of a segment of Kafka's and its index files; gives their paths by their suffix. */
function copyOfSample(): (name: string) => string {
  const directory = temporaryDirectory()
  for (const suffix of ['log', 'index', 'timeindex']) {
    const name = `00000000000000000000.${suffix}`
    copyFileSync(join('data/samples/kafka/stopped/orders-0', name), join(directory, name))
  }
  return (suffix) => join(directory, `00000000000000000000.${suffix}`)
}

describe("dump of Kafka's index files", () => {
  it('prints their entries, and nothing else when they are right', async () => {
    const path = copyOfSample()
    expect(await run(['dump', path('index'), path('timeindex')])).toMatchObject({
      exitCode: 0,
      output:
        `Dumping ${path('index')}\noffset: 8 position: 414\noffset: 14 position: 791\noffset: 19 position: 1168\n` +
        `Dumping ${path('timeindex')}\ntimestamp: 1700000480000 offset: 8\n` +
        'timestamp: 1700000840000 offset: 14\ntimestamp: 1700001140000 offset: 19\n',
      errors: '',
    })
  })

  it('compares them with the segment, in the words of Kafka', async () => {
    const path = copyOfSample()
    const index = Buffer.alloc(16)
    index.writeInt32BE(7, 0)
    index.writeInt32BE(414, 4)
    index.writeInt32BE(13, 8)
    index.writeInt32BE(791, 12)
    writeFileSync(path('index'), index)
    const times = Buffer.alloc(36)
    times.writeBigInt64BE(1_700_000_480_001n, 0)
    times.writeInt32BE(8, 8)
    times.writeBigInt64BE(1_700_000_480_001n, 12)
    times.writeInt32BE(13, 20)
    times.writeBigInt64BE(1_700_009_999_999n, 24)
    times.writeInt32BE(99, 32)
    writeFileSync(path('timeindex'), times)
    const { exitCode, output, errors } = await run([
      'dump',
      '--verify-index-only',
      path('index'),
      path('timeindex'),
    ])
    expect(exitCode).toBe(1)
    expect(output).toBe(`Dumping ${path('index')}\nDumping ${path('timeindex')}\n`)
    expect(errors.split('\n')).toEqual([
      `Mismatches in :${path('index')}`,
      '  Index offset: 13, log offset: 14',
      '  Index offset: 7, log offset: 8',
      `Found timestamp mismatch in :${path('timeindex')}`,
      '  Index timestamp: 1700000480001, log timestamp: 1700000480000',
      `Found out of order timestamp in :${path('timeindex')}`,
      '  Index timestamp: 1700000480001, Previously indexed timestamp: 1700000480001',
      `The following indexed offsets are not found in :${path('timeindex')}`,
      'Indexed offset: 13, found log offset: 14',
      'Indexed offset: 99, found log offset: -1',
      '',
    ])
  })

  it('prints space that was never written as Kafka does, one entry, and finds nothing wrong with it', async () => {
    const path = copyOfSample()
    for (const suffix of ['index', 'timeindex']) writeFileSync(path(suffix), Buffer.alloc(240))
    expect(await run(['dump', path('index'), path('timeindex')])).toMatchObject({
      exitCode: 0,
      output:
        `Dumping ${path('index')}\noffset: 0 position: 0\n` +
        `Dumping ${path('timeindex')}\ntimestamp: 0 offset: 0\n`,
      errors: '',
    })
    const wrong = Buffer.alloc(8)
    wrong.writeInt32BE(1, 4) // a position other than 0 is an entry, and this one is wrong
    writeFileSync(path('index'), wrong)
    expect(await run(['dump', path('index')])).toMatchObject({ exitCode: 1 })
  })

  it('does not take the offset of a record, as Kafka wrote before 3.8, for damage', async () => {
    const path = copyOfSample()
    const times = Buffer.alloc(12)
    times.writeBigInt64BE(1_700_000_420_000n, 0)
    times.writeInt32BE(7, 8)
    writeFileSync(path('timeindex'), times)
    const { exitCode, errors } = await run(['dump', path('timeindex')])
    expect(exitCode).toBe(0)
    expect(errors).toContain('Indexed offset: 7, found log offset: 8')
  })

  it('says that an index is empty, or sane, or why Kafka would build it anew', async () => {
    const path = copyOfSample()
    expect((await run(['dump', '--index-sanity-check', path('index')])).output).toContain(
      `${path('index')} passed sanity check.\n`,
    )
    writeFileSync(path('timeindex'), Buffer.alloc(13))
    expect(await run(['dump', '--index-sanity-check', path('timeindex')])).toMatchObject({
      exitCode: 1,
      errors: expect.stringContaining('LOG_CORRUPT') as string,
    })
    writeFileSync(path('index'), '')
    expect((await run(['dump', path('index')])).output).toContain(`${path('index')} is empty.\n`)
  })

  it('prints them as JSON, with what the segment has', async () => {
    const path = copyOfSample()
    const { output } = await run(['dump', '--json', path('index'), path('timeindex')])
    expect(jsonLines(output).slice(2, 4)).toEqual([
      { type: 'offsetEntry', path: path('index'), offset: 19, position: 1168, foundOffset: 19 },
      { type: 'timeEntry', path: path('timeindex'), timestamp: 1_700_000_480_000, offset: 8, foundOffset: 8 },
    ])
    const others = await run([
      'dump',
      '--json',
      'data/samples/kafka/stopped/orders-0/00000000000000000020.txnindex',
      'data/samples/kafka/stopped/orders-0/00000000000000000027.snapshot',
    ])
    const [transaction, first, ...producers] = jsonLines(others.output)
    expect(transaction).toMatchObject({
      type: 'transaction',
      producerId: 5,
      firstOffset: 21,
      lastStableOffset: 24,
    })
    expect(first).toMatchObject({
      type: 'producer',
      producerId: 0,
      firstSequence: 0,
      lastSequence: 2,
      lastOffset: 8,
    })
    expect(producers.at(-1)).toMatchObject({ producerId: 5, currentTxnFirstOffset: null })
    expect(producers.at(-1)).not.toHaveProperty('lastSequence')
  })

  it('prints entries without comparing them when there is no segment', async () => {
    const path = join(temporaryDirectory(), '00000000000000000000.index')
    copyFileSync('data/samples/kafka/stopped/orders-0/00000000000000000000.index', path)
    const { exitCode, output, errors } = await run(['dump', path])
    expect(exitCode).toBe(0)
    expect(output).toContain('offset: 8 position: 414\n')
    expect(errors).toContain('not checked')
  })

  it('says what is wrong with a snapshot of producers, and with an index that has no number', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, '00000000000000000000.snapshot'), Buffer.alloc(20))
    writeFileSync(join(directory, 'copy.index'), Buffer.alloc(8))
    expect(await run(['dump', join(directory, '00000000000000000000.snapshot')])).toMatchObject({
      exitCode: 1,
    })
    expect(await run(['dump', join(directory, 'copy.index')])).toMatchObject({ exitCode: 3 })
  })
})
