import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type LogRecord, openLog } from '../../../../src/index.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'
import { FakeMachine, run } from '../fake-machine.ts'
import { runCommandLine } from '../../../../src/cli/program.ts'

/** Starting a process or looking at a file can take long on a machine that is busy. */
const PATIENCE = { timeout: 10_000 }

const newLog = () => join(temporaryDirectory(), 'log')

async function recordsOf(directory: string): Promise<LogRecord[]> {
  await using log = await openLog(directory, { readOnly: true })
  const records: LogRecord[] = []
  for await (const record of log.read()) records.push(record)
  return records
}

const texts = (records: readonly LogRecord[]) =>
  records.map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null])

const isLog = (directory: string) =>
  existsSync(directory) && readdirSync(directory).some((name) => name.endsWith('.log'))

async function append(input: string | Buffer[], ...args: string[]) {
  const directory = newLog()
  const result = await run(['append', directory, ...args], {
    input: typeof input === 'string' ? [input] : input,
  })
  const records = isLog(directory) ? await recordsOf(directory) : []
  return { ...result, directory, records, texts: texts(records) }
}

describe('append', () => {
  it('makes a log of the lines, and says what it did', async () => {
    const { exitCode, output, errors, texts: found } = await append('first\n\nthird\nno end')
    expect([exitCode, output]).toEqual([0, ''])
    expect(errors).toBe('appended 4 records, 16 bytes, at offsets 0 to 3, durable at level disk\n')
    expect(found).toEqual([
      [null, 'first'],
      [null, ''],
      [null, 'third'],
      [null, 'no end'],
    ])
  })

  it('goes on where the log ended', async () => {
    const { directory } = await append('a\nb\n')
    const { errors } = await run(['append', directory, '--durability', 'os'], { input: ['c\n'] })
    expect(errors).toBe('appended 1 record, 1 byte, at offset 2, durable at level os\n')
    expect(texts(await recordsOf(directory))).toHaveLength(3)
  })

  it('appends nothing of nothing', async () => {
    expect(await append('')).toMatchObject({ exitCode: 0, errors: 'appended nothing\n', records: [] })
  })

  it('keeps bytes that are no text as they are', async () => {
    const { records } = await append([Buffer.from([0xff, 0x00, 0x0d]), Buffer.from([0xfe, 0x0a])])
    expect(records[0]?.value).toEqual(Buffer.from([0xff, 0x00, 0x0d, 0xfe]))
  })

  it('splits keys, adds headers and fixed keys, and takes empty for null where told to', async () => {
    const {
      records,
      errors,
      texts: found,
    } = await append('k:v\n:v\nk:\nv\n', '-K', ':', '-H', 'a=1', '-H', 'b=', '-Z', '-k', 'f')
    expect(errors).toContain('appended 4 records, 18 bytes')
    expect(found).toEqual([
      ['k', 'v'],
      [null, 'v'],
      ['k', null],
      ['f', 'v'],
    ])
    expect(records[0]?.headers).toEqual([
      ['a', Buffer.from('1')],
      ['b', Buffer.alloc(0)],
    ])
  })

  it('splits at any delimiter, wherever the chunks of the input end', async () => {
    const chunks = ['a-', '-b', '--', 'c'].map((chunk) => Buffer.from(chunk))
    expect((await append(chunks, '-D', '--')).texts.map(([, value]) => value)).toEqual(['a', 'b', 'c'])
    expect((await append('a\tb\0c', '-D', '\\x00', '-K', '\\t')).texts).toEqual([
      ['a', 'b'],
      [null, 'c'],
    ])
  })

  it('stops after the count it was told', async () => {
    const { errors, records } = await append('a\nb\nc\nd\n', '-c', '2')
    expect(errors).toContain('appended 2 records')
    expect(records).toHaveLength(2)
  })

  it('reads JSON as read --json prints it', async () => {
    const lines = [
      '{"offset":99,"timestamp":1000,"key":"k","value":"/w==","valueEncoding":"base64","headers":[["h",null]]}',
      '',
      '{"value":null}',
    ]
    const { exitCode, records } = await append(lines.join('\n'), '--json', '--config', 'retention.ms=-1')
    expect(exitCode).toBe(0)
    expect(records).toMatchObject([
      {
        offset: 0,
        timestamp: 1000,
        key: Buffer.from('k'),
        value: Buffer.from([0xff]),
        headers: [['h', null]],
      },
      { offset: 1, timestamp: Date.UTC(2026, 0, 31, 12), key: null, value: null },
    ])
  })

  it('appends what came before a line that is wrong, names it, and exits with 2', async () => {
    const { exitCode, errors, records } = await append(
      '{"value":"a"}\n{"vlaue":"b"}\n{"value":"c"}\n',
      '--json',
    )
    expect(exitCode).toBe(2)
    expect(errors).toBe(
      'appended 1 record, 1 byte, at offset 0, durable at level disk\n' +
        'seglog: ARGUMENT_INVALID: line 2: unknown field "vlaue", did you mean "value"?\n',
    )
    expect(records).toHaveLength(1)
  })

  it('refuses a line that no record can hold, having held no more than that of it', async () => {
    const { exitCode, errors, records } = await append(
      [Buffer.from('small\n'), ...Array.from({ length: 40 }, () => Buffer.alloc(60_000, 'x'))],
      '--config',
      'max.message.bytes=100000',
    )
    expect(exitCode).toBe(2)
    expect(errors).toContain('RECORD_TOO_LARGE: more than 100000 bytes without a delimiter')
    expect(records).toHaveLength(1)
  })

  it('passes on what the log refuses', async () => {
    const { exitCode, errors } = await append(
      'small\n' + 'x'.repeat(990) + '\n',
      '--config',
      'max.message.bytes=1000',
    )
    expect(exitCode).toBe(2)
    expect(errors).toContain('RECORD_TOO_LARGE')
  })

  it('is quiet when it is told to be', async () => {
    expect(await append('a\n', '-q')).toMatchObject({ exitCode: 0, errors: '' })
  })

  it('makes no log when it is told not to', async () => {
    for (const flag of ['--no-create', '--create=false']) {
      const { exitCode, errors, directory } = await append('a\n', flag)
      expect([exitCode, existsSync(directory)]).toEqual([3, false])
      expect(errors).toContain('LOG_NOT_FOUND')
    }
    expect((await append('a\n', '--create=true')).records).toHaveLength(1)
    expect((await append('a\n', '--create', 'maybe')).errors).toContain('--create takes true, false')
  })

  it('uses a configuration for this run, and names a key that is none', async () => {
    const { directory } = await append('x\n'.repeat(3000), '--config', 'internal.segment.bytes=4096')
    expect(readdirSync(directory).filter((name) => name.endsWith('.log')).length).toBeGreaterThan(2)
    const { exitCode, errors } = await append('a\n', '--config', 'retention.sm=5')
    expect(exitCode).toBe(2)
    expect(errors).toContain(
      "CONFIG_INVALID: invalid configuration\n  retention.sm: unknown key; did you mean 'retention.ms'?",
    )
  })

  it.each([
    [['--json', '-K', ':'], '--json and -K exclude each other'],
    [['--json', '-H', 'a=b'], '--json and -H exclude each other'],
    [['-J', '-Z'], '--json and -Z exclude each other'],
    [['-D', ''], '-D takes a text'],
    [['-D', '\\q'], '-D takes a text'],
    [['-H', 'novalue'], '-H takes name=value'],
    [['--durability', 'ram'], '--durability takes memory, os, disk'],
    [['--config', 'retention.ms'], '--config takes name=value'],
  ])('refuses %j, and makes no log', async (args, message) => {
    const { exitCode, errors, directory } = await append('a\n', ...args)
    expect([exitCode, existsSync(directory)]).toEqual([2, false])
    expect(errors).toContain(message)
  })

  it('fails at once, and reads nothing, while another handle has the log', async () => {
    const directory = newLog()
    await using log = await openLog(directory)
    const { exitCode, errors } = await run(['append', directory], { input: ['a\n'] })
    expect(exitCode).toBe(3)
    expect(errors).toContain('LOG_LOCKED')
    expect(log.endOffset).toBe(0)
  })

  it('appends a line when it comes, without waiting for the next one', async () => {
    const directory = newLog()
    const input = new Readable({ read() {} })
    const machine = new FakeMachine({ input })
    const finished = runCommandLine(['append', directory], machine)
    input.push('first\nhalf')
    await expect.poll(() => existsSync(join(directory, 'watermark')), PATIENCE).toBe(true)
    await using follower = await openLog(directory, { readOnly: true })
    const records = follower.read({ follow: true })
    const next = await records.next()
    expect((next.value as LogRecord).value?.toString()).toBe('first')
    await records.return?.()
    input.push(null)
    expect(await finished).toBe(0)
    expect(texts(await recordsOf(directory))).toHaveLength(2)
  })

  it('keeps what was read when it is interrupted, but no half line, and closes the log', async () => {
    const directory = newLog()
    const input = new Readable({ read() {} })
    const machine = new FakeMachine({ input })
    const finished = runCommandLine(['append', directory], machine)
    input.push('first\nsecond\nhal')
    await expect.poll(() => existsSync(join(directory, 'watermark')), PATIENCE).toBe(true)
    await expect.poll(async () => (await recordsOf(directory)).length, PATIENCE).toBe(2)
    machine.signal('SIGINT')
    expect(await finished).toBe(130)
    expect(machine.stderr.text).toBe(
      'appended 2 records, 11 bytes, at offsets 0 to 1, durable at level disk\n',
    )
    expect(input.destroyed).toBe(true)
    await using log = await openLog(directory)
    expect([log.recovery.clean, log.endOffset]).toEqual([true, 2])
  })

  it('appends a million bytes with little under way', async () => {
    const lines = Array.from({ length: 200 }, (_, slot) =>
      Buffer.alloc(5000, `${slot % 10}`.padEnd(10, 'x') + '\n'),
    )
    const { exitCode, errors, records } = await append(lines)
    expect(exitCode).toBe(0)
    expect(errors).toContain('appended 9')
    expect(records.length).toBeGreaterThan(90_000)
  })
})
