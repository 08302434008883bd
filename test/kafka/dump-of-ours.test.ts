/*
 * What seglog writes, as Kafka's own dump tool reads it: every batch is valid, and both tools print the same bytes. What
 * they don't agree on is listed in `compare-dumps.ts`, the logs in `written-logs.ts`. Those that nothing is wrong with are
 * written first and dumped together, since Java takes its time to start.
 */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLog } from '../../src/index.ts'
import { LogChild } from '../helpers/child-process.ts'
import { damageFile, flipped } from '../helpers/hand-made.ts'
import { copyOf, segmentPaths } from '../helpers/log-files.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import {
  batchLines,
  compareDumps,
  compareSoundDumps,
  expectSameBytes,
  fieldsOf,
  recordLines,
} from './compare-dumps.ts'
import { appendTen, CUTS, numbered, quick, RECORD_LOGS, SEGMENT_LOGS, writeLog } from './written-logs.ts'

const root = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** The lines that both tools print of each log, by its name. */
const dumps = new Map<string, string[]>()

beforeAll(async () => {
  const logs = [...RECORD_LOGS, ...SEGMENT_LOGS].map((log, slot) => ({
    ...log,
    directory: join(root, `${slot}`),
  }))
  for (const log of logs) {
    mkdirSync(log.directory)
    await writeLog(log, log.directory)
  }
  const lines = await compareSoundDumps(logs.flatMap(({ directory }) => segmentPaths(directory)))
  let current: string[] = []
  for (const line of lines) {
    const log = logs.find(({ directory }) => line.startsWith(`Dumping ${directory}/`))
    if (log !== undefined) {
      current = dumps.get(log.name) ?? []
      dumps.set(log.name, current)
    }
    current.push(line)
  }
})

const batchesOf = (name: string) => batchLines(dumps.get(name)!)
const recordsOf = (name: string) => recordLines(dumps.get(name)!)
const upTo = (end: number, from = 0) => Array.from({ length: end - from }, (_, slot) => `${from + slot}`)

it('each of the logs that were written has been dumped', () => {
  expect([...dumps.keys()]).toEqual([...RECORD_LOGS, ...SEGMENT_LOGS].map(({ name }) => name))
})

describe('records', () => {
  it.each([1, 2, 10_000])('%i a batch', (count) => {
    expect(fieldsOf(batchesOf(`batches of ${count}`), 'count')).toEqual([count, count, count].map(String))
    expect(fieldsOf(recordsOf(`batches of ${count}`), 'offset')).toEqual(upTo(3 * count))
    const last = 3 * count - 1
    expect(recordsOf(`batches of ${count}`).at(-1)).toMatch(
      new RegExp(` key: k${last} payload: value ${last}$`),
    )
  })

  it('of one call each, which share a batch', () => {
    expect(batchesOf('shared batches').length).toBeLessThan(1000)
    expect(fieldsOf(recordsOf('shared batches'), 'offset')).toEqual(upTo(1000))
  })

  it('with null and empty keys and values', () => {
    expect(fieldsOf(recordsOf('null and empty'), 'keySize')).toEqual(['-1', '0', '1', '-1', '0'])
    expect(fieldsOf(recordsOf('null and empty'), 'valueSize')).toEqual(['-1', '0', '-1', '1', '-1'])
  })

  it('with headers: repeated, without a name, without a value, beyond ASCII, and none', () => {
    const text = dumps.get('headers')!.join('\n')
    expect(text).toContain('headerKeys: [again,again,,größe 📏,two\nlines,a,b] payload: v\n')
    expect(recordsOf('headers')[1]).toContain('headerKeys: [] payload: w')
  })

  it('with control characters, line ends, and bytes that are no UTF-8', () => {
    const text = dumps.get('bytes')!.join('\n')
    expect(fieldsOf(recordsOf('bytes'), 'offset')).toEqual(upTo(12))
    for (const piece of ['payload: \0\u0001', 'payload: a\r\nb\n\u2028\u0085\ufeff\n', '\u001b[31mred\u0007'])
      expect(text).toContain(piece)
    expect(text.split('\ufffd').length).toBeGreaterThan(200)
  })
})

describe('timestamps', () => {
  it('of CreateTime: none, zero, out of order, far away', () => {
    expect(fieldsOf(batchesOf('CreateTime'), 'CreateTime')).toEqual(['5', '-1', `${2 ** 52}`, '1'])
    expect(fieldsOf(recordsOf('CreateTime'), 'CreateTime').slice(0, 4)).toEqual(['-1', '5', '0', '3'])
  })

  it('of CreateTime that only an encoded batch can have: negative, and beyond what a number says', () => {
    const times = fieldsOf(recordsOf('CreateTime, encoded'), 'CreateTime')
    expect(times).toEqual(['-7', '-9', `${2n ** 62n}`, `-${2n ** 62n}`])
  })

  it('of LogAppendTime: one for all records of a batch, whatever they were given', () => {
    const records = recordsOf('LogAppendTime')
    const times = fieldsOf(records, 'LogAppendTime')
    expect(new Set(times.slice(0, 3)).size).toBe(1)
    expect(times.slice(0, 4).every((time) => Number(time) > 1234)).toBe(true)
    expect(fieldsOf(records, 'CreateTime')).toEqual([undefined, undefined, undefined, undefined, '17'])
  })
})

describe('encoded batches', () => {
  it.each(['gzip', 'zstd'])('of %s', (codec) => {
    expect(fieldsOf(batchesOf(codec), 'compresscodec')).toEqual(['none', codec, 'none'])
    expect(fieldsOf(recordsOf(codec), 'offset')).toEqual(upTo(5))
  })

  it('of producers, with sequences that wrap, and of transactions', () => {
    expect(fieldsOf(batchesOf('producers'), 'lastSequence')).toEqual(['2', '0'])
    expect(fieldsOf(recordsOf('producers'), 'sequence').slice(3)).toEqual(['2147483646', '2147483647', '0'])
    expect(fieldsOf(batchesOf('transactions'), 'isTransactional')).toEqual(['true', 'true'])
    expect(fieldsOf(batchesOf('transactions'), 'compresscodec')).toEqual(['none', 'zstd'])
  })
})

describe('logs', () => {
  it('of many segments', () => {
    expect(dumps.get('rolled')!.filter((line) => line.startsWith('Dumping ')).length).toBeGreaterThan(9)
    expect(fieldsOf(recordsOf('rolled'), 'offset')).toEqual(upTo(200))
  })

  it.each(CUTS)('that were truncated to offset %i, and appended to', (offset) => {
    expect(fieldsOf(recordsOf(`cut to ${offset}`), 'offset')).toEqual(upTo(offset))
    expect(fieldsOf(recordsOf(`cut to ${offset} and gone on`), 'offset')).toEqual(upTo(offset + 4))
  })

  it('that lost their beginning to deleteRecordsBefore and clean', () => {
    expect(fieldsOf(recordsOf('without its beginning'), 'offset')).toEqual(upTo(30, 18))
  })

  it('that are torn: as they are found, and as recovery leaves them', async () => {
    const directory = temporaryDirectory()
    const log = await openLog(directory, quick)
    await appendTen(log)
    await log.append(numbered(3, 30))
    const left = copyOf(directory) // as a process that is killed leaves it
    await log.close()
    const last = segmentPaths(left).at(-1)!
    truncateSync(last, readFileSync(last).length - 5)
    const torn = await compareDumps(segmentPaths(left))
    expect(torn.lines.at(-2)).toMatch(/^Found \d+ invalid bytes at the end of /)
    const again = await openLog(left, quick)
    expect(again.recovery.cut?.kind).toBe('TAIL_TORN')
    await again.append(numbered(2, 30))
    await again.close()
    const lines = await compareSoundDumps(segmentPaths(left))
    expect(fieldsOf(recordLines(lines), 'offset')).toEqual(upTo(32))
  })

  it('whose writer was killed at work: as it leaves them, and as recovery does', async () => {
    const directory = temporaryDirectory()
    const options = { ...quick, config: { 'internal.segment.bytes': 4096 } }
    const child = new LogChild('storm', directory, options)
    const told = (): number => Math.max(0, ...child.said.filter((said) => typeof said === 'number'))
    while (told() < 500 && (await child.next()) !== undefined);
    await child.kill()
    expect(told()).toBeGreaterThanOrEqual(500)
    await compareDumps(segmentPaths(directory))
    const log = await openLog(directory, options)
    await log.append(['behind'])
    await log.close()
    const offsets = fieldsOf(recordLines(await compareSoundDumps(segmentPaths(directory))), 'offset')
    expect(offsets).toEqual(upTo(offsets.length))
    expect(offsets.length).toBeGreaterThan(told() + 1)
  })
})

it.each([
  [[]],
  [['--deep-iteration']],
  [['--print-data-log', '--skip-record-metadata']],
  [['--deep-iteration', '--max-bytes', '300']],
])('with the flags %j, too', async (flags) => {
  const first = join(root, '0')
  const rolled = join(root, `${RECORD_LOGS.length}`)
  const { kafkaErrors, ourErrors } = await compareDumps([first, rolled].flatMap(segmentPaths), flags)
  expect([kafkaErrors, ourErrors]).toEqual(['', ''])
})

describe('the comparison', () => {
  it.each([
    ['a value', -3],
    ['the checksum', 17],
  ])('sees a bit that is flipped in %s, as both tools do', async (_, place) => {
    const directory = temporaryDirectory()
    const log = await openLog(directory, quick)
    await log.append(numbered(3))
    await log.close()
    const paths = segmentPaths(directory)
    damageFile(paths[0]!, (bytes) => flipped(bytes, place < 0 ? bytes.length + place : place))
    const { lines, ourErrors, ourExitCode } = await compareDumps(paths)
    expect(batchLines(lines)).toEqual([expect.stringMatching(/ isvalid: false$/)])
    expect([ourExitCode, ourErrors]).toEqual([1, expect.stringContaining('BATCH_CORRUPT')])
    await expect(compareSoundDumps(paths)).rejects.toThrow('to deeply equal')
  })

  it('sees a byte that differs, also where the text is the same', () => {
    for (const [ours, kafkas] of [
      ['a\n', 'a'],
      ['a\n', 'b\n'],
      [Buffer.from([0xff]), Buffer.from([0xfe])],
    ] as const)
      expect(() => expectSameBytes(Buffer.from(ours), Buffer.from(kafkas))).toThrow('expected')
    expectSameBytes(Buffer.from('a\n'), Buffer.from('a\n'))
  })
})
