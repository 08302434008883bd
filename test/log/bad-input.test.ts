import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type CleanOptions,
  type ConfigInput,
  type Log,
  type LogOptions,
  openLog,
  type RecordLike,
} from '../../src/index.ts'
import {
  expectIndependentReaderAgrees,
  namesOf,
  openTempLog,
  readAll,
  readValues,
} from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const MIB = 1024 * 1024
const typeError = (message = /./) =>
  expect.objectContaining({
    name: 'TypeError',
    code: 'ARGUMENT_INVALID',
    message: expect.stringMatching(message),
  })
const rangeError = (message = /./) =>
  expect.objectContaining({
    name: 'RangeError',
    code: 'ARGUMENT_INVALID',
    message: expect.stringMatching(message),
  })

/** All that a log says of itself and has on disk. */
function snapshot(log: Log): unknown {
  const { startOffset, endOffset, readableEndOffset, durableOffset, config, state } = log
  const files = ['.log', 'topic.properties', 'checkpoint'].flatMap((suffix) => namesOf(log.directory, suffix))
  const contents = files.map((name) => [name, readFileSync(join(log.directory, name), 'base64')])
  return { startOffset, endOffset, readableEndOffset, durableOffset, config: { ...config }, state, contents }
}

/** Shows that a call rejects, never throws, and leaves the log as it was. */
async function refusal(log: Log, call: () => Promise<unknown>): Promise<unknown> {
  await log.flush()
  const before = snapshot(log)
  const error = await call().then(
    () => 'it was not refused',
    (reason: unknown) => reason,
  )
  expect(snapshot(log)).toEqual(before)
  return error
}

async function withRecords(options: LogOptions = {}): Promise<Log> {
  const log = await openTempLog({ cleanup: false, ...options })
  await log.append(['a', 'b', 'c', 'd'])
  return log
}

describe('offsets', () => {
  const takers: readonly (readonly [string, (log: Log, offset: never) => Promise<unknown>])[] = [
    ['get', (log, offset) => log.get(offset)],
    ['deleteRecordsBefore', (log, offset) => log.deleteRecordsBefore(offset)],
    ['truncateTo', (log, offset) => log.truncateTo(offset)],
    ['append, as expectedOffset', (log, offset) => log.append('x', { expectedOffset: offset })],
  ]
  const outOfRange: readonly unknown[] = [Number.NaN, -1, 1.5, 2 ** 53, Infinity, -Infinity]
  const notNumbers: readonly unknown[] = [1n, '1', null, {}, [1], true, Symbol('1')]

  it.each(takers)('that are no whole numbers from 0 to 2^53 - 1 are refused by %s', async (_, take) => {
    const log = await withRecords()
    for (const offset of outOfRange)
      expect(await refusal(log, () => take(log, offset as never))).toEqual(rangeError())
    for (const offset of notNumbers)
      expect(await refusal(log, () => take(log, offset as never))).toEqual(typeError())
  })

  it('of -0 mean 0', async () => {
    const log = await withRecords()
    expect((await log.get(-0))?.offset).toBe(0)
    await log.deleteRecordsBefore(-0)
    expect(Object.is(log.startOffset, 0)).toBe(true)
  })

  it('outside the log are told with its range', async () => {
    const log = await withRecords()
    await log.deleteRecordsBefore(1)
    const range = { code: 'OFFSET_OUT_OF_RANGE', expected: [1, 4] }
    expect(await refusal(log, () => log.deleteRecordsBefore(5))).toMatchObject({ ...range, found: 5 })
    expect(await refusal(log, () => log.truncateTo(5))).toMatchObject({ ...range, found: 5 })
    expect(await refusal(log, () => log.truncateTo(0))).toMatchObject({ ...range, found: 0 })
  })
})

describe('records', () => {
  it.each([
    ['undefined', () => undefined],
    ['null', () => null],
    ['5', () => 5],
    ['an ArrayBuffer', () => new ArrayBuffer(3)],
    ['a promise that was not awaited', () => Promise.resolve('x')],
    ['a list in a list', () => [['x']]],
    ['an unknown field', () => ({ vaule: 'x' })],
    ['a value of another type', () => ({ value: 5 })],
    ['a header of another type', () => ({ headers: { a: 5 } })],
    ['a time that is a date', () => ({ timestamp: new Date() })],
    ['one wrong among many', () => ['a', 'b', 5, 'd']],
  ])('of %s are refused, the whole call', async (_, make) => {
    const log = await withRecords()
    expect(await refusal(log, () => log.append(make() as RecordLike))).toEqual(typeError(/record \d/))
  })

  it('over the limit are refused for what of them is too large: value, key, headers', async () => {
    const log = await withRecords()
    const big = Buffer.alloc(2 * MIB)
    const headers = Array.from({ length: 1_000_000 }, (): [string, string] => ['h', 'v'])
    for (const record of [
      big,
      { key: big },
      { headers: { h: big } },
      { headers: { ['h'.repeat(2 * MIB)]: null } },
      { headers },
      'x'.repeat(64 * MIB),
    ])
      expect(await refusal(log, () => log.append(record))).toMatchObject({ code: 'RECORD_TOO_LARGE' })
  })

  it('with empty keys, values and headers come back as they went in', async () => {
    const log = await openTempLog({ cleanup: false })
    await log.append([
      { key: '', value: '' },
      { key: null, value: null },
      { headers: [['', '']] },
      { headers: [['', null]] },
      {},
    ])
    const records = await readAll(log)
    expect(records.map(({ key, value }) => [key?.length ?? null, value?.length ?? null])).toEqual([
      [0, 0],
      [null, null],
      [null, null],
      [null, null],
      [null, null],
    ])
    expect(records.map(({ headers }) => headers)).toEqual([[], [], [['', Buffer.alloc(0)]], [['', null]], []])
    await expectIndependentReaderAgrees(log)
  })

  it('with half a surrogate pair store what UTF-8 has for it', async () => {
    const log = await openTempLog({ cleanup: false })
    await log.append({ key: '\ud800', value: 'a\udfffb', headers: { 'x\ud83d': '😀\ud83d' } })
    const record = await log.get(0)
    expect([record?.key?.toString(), record?.value?.toString()]).toEqual(['\ufffd', 'a\ufffdb'])
    expect(record?.headers.map(([name, value]) => [name, value?.toString()])).toEqual([
      ['x\ufffd', '😀\ufffd'],
    ])
    await expectIndependentReaderAgrees(log)
  })

  it('with headers called __proto__ and constructor change no prototype, and come back', async () => {
    const log = await openTempLog({ cleanup: false })
    const headers = JSON.parse('{"__proto__":"1","constructor":"2","hasOwnProperty":"3"}') as Record<
      string,
      string
    >
    await log.append({ headers })
    expect((await log.get(0))?.headers.map(([name, value]) => [name, value?.toString()])).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
      ['hasOwnProperty', '3'],
    ])
    expect(({} as Record<string, unknown>)['1']).toBeUndefined()
    await expectIndependentReaderAgrees(log)
  })
})

describe('a prototype that was polluted', () => {
  const optionNames = {
    durability: 'memory',
    create: false,
    config: { 'retention.ms': 1 },
    'retention.ms': 1,
  }
  // Some of these are more than the packages below this one bear, so they come once the log is open.
  const otherNames = {
    value: 'polluted',
    key: 'polluted',
    timestamp: 1,
    now: 5,
    plan: {},
    force: true,
    from: 3,
    until: 1,
  }
  const pollution = { ...optionNames, ...otherNames, expectedOffset: 99, signal: 5 }
  const clean = () => {
    for (const name of Object.keys(pollution)) delete (Object.prototype as Record<string, unknown>)[name]
  }
  afterEach(clean)

  it('changes no option, no record and no configuration', async () => {
    const directory = temporaryDirectory()
    Object.assign(Object.prototype, optionNames)
    const log = await openLog(directory, { cleanup: false, config: {} })
    Object.assign(Object.prototype, pollution)
    expect([log.state, log.config['retention.ms']]).toEqual(['open', 604_800_000])
    const result = await log.append({ headers: {} }, {})
    await log.append('x')
    expect(result).toMatchObject({ baseOffset: 0, durability: 'disk' })
    await log.updateConfig({ 'retention.bytes': 5000 })
    expect(log.config['retention.ms']).toBe(604_800_000)
    expect((await log.clean({})).deleted).toEqual([])
    const records = await readAll(log, {})
    expect(records.map(({ value, key }) => [value?.toString(), key])).toEqual([
      [undefined, null],
      ['x', null],
    ])
    await log.close()
    clean()
    expect(readFileSync(join(directory, 'topic.properties'), 'utf8')).not.toContain('retention.ms')
  })
})

describe('options of openLog', () => {
  it.each([undefined, null, 5, {}, [], '', 'a\0b', Buffer.from('/tmp')])(
    'need a path, not %j',
    async (directory) => {
      await expect(openLog(directory as string)).rejects.toEqual(typeError(/directory/))
    },
  )

  it.each([null, 5, 'disk', [], new Map([['create', false]]), new Date()])(
    'are an object, not %s',
    async (options) => {
      await expect(openLog(temporaryDirectory(), options as LogOptions)).rejects.toEqual(typeError(/options/))
    },
  )

  it('that are unknown are refused with the nearest known name', async () => {
    const wrong = openLog(temporaryDirectory(), { durabilty: 'os' } as LogOptions)
    await expect(wrong).rejects.toEqual(typeError(/'durabilty'; did you mean 'durability'/))
    const flat = openLog(temporaryDirectory(), { 'retention.ms': 5 } as LogOptions)
    await expect(flat).rejects.toEqual(typeError(/retention\.ms/))
  })

  it.each<[keyof LogOptions, unknown]>([
    ['durability', 'fsync'],
    ['durability', 1],
    ['durability', null],
    ['clock', null],
    ['clock', { now: () => 0 }],
    ['random', {}],
    ['fileSystem', { kind: 'native' }],
    ['logger', { info: () => {} }],
    ['logger', () => {}],
    ['cleanup', 'no'],
    ['readOnly', 1],
    ['create', null],
    ['adopt', 'yes'],
    ['onCorruption', 'ignore'],
    ['index', 'none'],
    ['index', true],
    ['maxBufferedBytes', '1 GiB'],
    ['logger', {}],
    ['config', 5],
    ['config', ['retention.ms']],
  ])('of the wrong type or value are refused: %s', async (name, value) => {
    await expect(openLog(temporaryDirectory(), { [name]: value })).rejects.toEqual(typeError())
  })

  it.each([0, 1023, 2 ** 31, 1.5, Number.NaN])('refuse %s for maxBufferedBytes', async (maxBufferedBytes) => {
    await expect(openLog(temporaryDirectory(), { maxBufferedBytes })).rejects.toEqual(
      rangeError(/maxBufferedBytes/),
    )
  })

  it('leave no file behind when they are refused', async () => {
    const directory = temporaryDirectory()
    await expect(openLog(directory, { durability: 'x' as 'os' })).rejects.toEqual(typeError())
    expect(namesOf(directory, '')).toEqual([])
  })

  it('leave the directory free when the configuration is refused, every problem told', async () => {
    const directory = temporaryDirectory()
    const config = { 'retention.mss': 1, 'segment.bytes': 5, 'cleanup.policy': 'shred' } as ConfigInput
    const error: unknown = await openLog(directory, { config }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    for (const name of ['retention.mss', 'retention.ms', 'segment.bytes', 'cleanup.policy'])
      expect((error as Error).message).toContain(name)
    const log = await openTempLog({ cleanup: false }, directory)
    expect((await log.append('x')).baseOffset).toBe(0)
  })
})

describe('other arguments', () => {
  it('of clean and plan must be a time, or options that make sense', async () => {
    const log = await withRecords()
    for (const now of [Number.NaN, -1, 0.5, 2 ** 53, Infinity]) {
      expect(await refusal(log, () => log.clean(now))).toEqual(rangeError(/now/))
      expect(await refusal(log, () => log.clean({ now }))).toEqual(rangeError(/now/))
      expect(await refusal(log, () => log.plan(now))).toEqual(rangeError(/now/))
    }
    for (const options of [
      null,
      'now',
      [],
      { when: 5 },
      { plan: null },
      { plan: 5 },
      { plan: {} },
      { plan: { at: '5' } },
      { plan: { at: 5 } },
    ])
      expect(await refusal(log, () => log.clean(options as CleanOptions))).toEqual(typeError())
  })

  it('of clean must be a plan of this log', async () => {
    const log = await withRecords()
    const plan = await log.plan()
    expect(await refusal(log, () => log.clean({ plan: { ...plan, topic: 'other' } }))).toEqual(
      typeError(/plan is one of/),
    )
    expect(await refusal(log, () => log.clean({ plan: { ...plan, segments: 'all' } as never }))).toEqual(
      typeError(/plan/),
    )
  })

  it('of updateConfig must be keys and values that exist', async () => {
    const log = await withRecords()
    for (const config of [null, undefined, 5, 'retention.ms=5', ['retention.ms']])
      expect(await refusal(log, () => log.updateConfig(config as unknown as ConfigInput))).toEqual(
        typeError(/config/),
      )
    for (const config of [
      { 'retention.mss': 5 },
      { 'retention.ms': 'soon' },
      { 'segment.bytes': 1 },
      { 'retention.ms': 1.5 },
      { __proto__: null, constructor: 5 },
    ])
      expect(await refusal(log, () => log.updateConfig(config as ConfigInput))).toMatchObject({
        code: 'CONFIG_INVALID',
      })
    expect(await readValues(log)).toEqual(['a', 'b', 'c', 'd'])
  })
})
