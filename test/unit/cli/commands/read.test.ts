import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLog, type RecordLike } from '../../../../src/index.ts'
import { BATCH, encodeBatch } from '../../../../src/record/index.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'
import { batchOf, flipped } from '../../inspect/segment-file.ts'
import { compressed } from '../../record/batches.ts'
import { FakeMachine, run, withRealClock } from '../fake-machine.ts'
import { runCommandLine } from '../../../../src/cli/program.ts'

/** Starting a process or looking at a file can take long on a machine that is busy. */
const PATIENCE = { timeout: 10_000 }

const KAFKAS = 'data/samples/kafka/stopped/orders-0'

async function logOf(...records: RecordLike[]): Promise<string> {
  const directory = join(temporaryDirectory(), 'log')
  await using log = await openLog(directory, { durability: 'os' })
  for (const record of records) await log.append(record)
  return directory
}

const five = () => logOf('a', { key: 'k', value: 'b' }, 'c', { key: 'k', value: null }, 'e')

describe('read', () => {
  it('prints values, a line each', async () => {
    expect(await run(['read', await five()])).toMatchObject({
      exitCode: 0,
      output: 'a\nb\nc\n\ne\n',
      errors: '',
    })
  })

  it('prints keys before values, with other delimiters, and null as NULL', async () => {
    const directory = await five()
    expect((await run(['read', directory, '-K', ':'])).output).toBe(':a\nk:b\n:c\nk:\n:e\n')
    expect((await run(['read', directory, '-K', '%o', '-Z', '-D', '\\t'])).output).toBe(
      'NULL%oa\tk%ob\tNULL%oc\tk%oNULL\tNULL%oe\t',
    )
    expect((await run(['read', directory, '-D', ''])).output).toBe('abce')
  })

  it('prints records by a format', async () => {
    const directory = await five()
    expect(
      (await run(['read', directory, '-f', '%o:%k:%K:%s:%S %t-%p\\n', '-o', '1', '-c', '1'])).output,
    ).toBe('1:k:1:b:1 log-0\n')
    expect((await run(['read', KAFKAS, '-f', '%t-%p %o %T %h\\n', '-o', '2', '-c', '1'])).output).toBe(
      'orders-0 2 1700000120000 trace=t-2,trace=retry,empty=NULL\n',
    )
  })

  it.each([
    [['-o', 'beginning'], 'abc'],
    [['-o', '2'], 'ce'],
    [['-o', '-2'], 'e'],
    [['-o', '-100'], 'abce'],
    [['-o', 'end'], ''],
    [['-o', '5'], ''],
    [['-c', '2'], 'ab'],
    [['-o', '1', '-c', '1'], 'b'],
    [['-e'], 'abce'],
  ])('reads %j', async (args, expected) => {
    const { exitCode, output } = await run(['read', await five(), '-f', '%s', ...args])
    expect(exitCode).toBe(0)
    expect(output).toMatch(new RegExp(`^${expected}`))
    expect(output.length).toBe(expected === 'abc' ? 4 : expected.length)
  })

  it('reads from a time on, up to a time', async () => {
    const args = ['-f', '%o ', '-o', 's@1700000300000', '-o', 'e@1700000480000']
    expect((await run(['read', KAFKAS, ...args])).output).toBe('5 6 7 ')
    expect((await run(['read', KAFKAS, '-f', '%o ', '-o', 's@9999999999999'])).output).toBe('')
  })

  it('starts in the middle of a batch, and stops there', async () => {
    const directory = join(temporaryDirectory(), 'log')
    await using log = await openLog(directory)
    await log.append(['a', 'b', 'c', 'd'])
    expect((await run(['read', directory, '-o', '1', '-c', '2'])).output).toBe('b\nc\n')
  })

  it('refuses an offset outside the log, naming the range', async () => {
    expect(await run(['read', await five(), '-o', '6'])).toMatchObject({
      exitCode: 2,
      output: '',
      errors: 'seglog: OFFSET_OUT_OF_RANGE: offset 6 is outside 0 to 5\n',
    })
  })

  it('says so when there is no log', async () => {
    expect(await run(['read', '/nowhere'])).toMatchObject({
      exitCode: 3,
      errors: 'seglog: LOG_NOT_FOUND: there is no log in /nowhere\n',
    })
  })

  it.each([
    [['-e', '--follow'], '-e and --follow exclude each other'],
    [['-f', '%s', '--json'], '-f and --json exclude each other'],
    [['-f', '%s', '-K', ':'], '-f and -K exclude each other'],
    [['-f', '%s', '-D', ','], '-D goes with -K or alone'],
    [['-J', '-D', ','], '-D goes with -K or alone'],
    [['-f', '%y'], '-f has no "%y"'],
    [['-o', 'middle'], '-o takes'],
    [['-c', '0'], '-c takes'],
  ])('refuses %j', async (args, message) => {
    const { exitCode, errors } = await run(['read', '/nowhere', ...args])
    expect(exitCode).toBe(2)
    expect(errors).toContain(message)
  })

  it('prints bytes as they are in a pipe, and escaped on a terminal', async () => {
    const value = Buffer.from([0xff, 0x1b, 0x5b, 0x0a, 0x09])
    const directory = await logOf({ value })
    const piped = await run(['read', directory, '-f', '%s'])
    expect(piped.machine.stdout.bytes).toEqual(value)
    expect((await run(['read', directory], { isTerminal: true })).output).toBe('\ufffd\\x1b[\n\t\n')
  })

  it('reads what Kafka wrote: gzip, zstd, transactions, and no markers', async () => {
    const { exitCode, output, errors } = await run(['read', KAFKAS, '-f', '%o %k\\n'])
    expect([exitCode, errors]).toEqual([0, ''])
    const offsets = output
      .trimEnd()
      .split('\n')
      .map((line) => Number(line.split(' ')[0]))
    expect(offsets).toEqual(
      Array.from({ length: 27 }, (_, offset) => offset).filter((o) => o !== 20 && o !== 23),
    )
  })
})

describe('read --json', () => {
  it('prints an object a record, which append --json reads back', async () => {
    const [from, to] = [KAFKAS, join(temporaryDirectory(), 'copy')]
    const { output } = await run(['read', from, '--json'])
    expect(output.split('\n')[1]).toBe(
      '{"offset":1,"timestamp":1700000060000,"key":"order-1","value":"{\\"item\\":\\"chair\\",\\"count\\":2}",' +
        '"headers":[["trace","t-1"],["source","web"]]}',
    )
    const { errors } = await run(['append', to, '--json'], { input: [output] })
    expect(errors).toContain('appended 25 records')
    const format = ['-f', '%T|%k|%K|%s|%S|%h\\n']
    const [original, copy] = [await run(['read', from, ...format]), await run(['read', to, ...format])]
    expect(copy.machine.stdout.bytes).toEqual(original.machine.stdout.bytes)
  })

  it('is safe on a terminal, and the same there', async () => {
    const piped = await run(['read', KAFKAS, '-J', '-o', '-1'])
    const shown = await run(['read', KAFKAS, '-J', '-o', '-1'], { isTerminal: true })
    expect(shown.output).toBe(piped.output)
    expect(shown.output).not.toContain('\u001b')
  })
})

describe('read --follow', () => {
  it('prints what comes, when it comes, until it is interrupted', async () => {
    const directory = join(temporaryDirectory(), 'log')
    await using log = await openLog(directory)
    await log.append('before')
    const machine = new FakeMachine()
    const finished = runCommandLine(['read', directory, '--follow'], withRealClock(machine))
    await expect.poll(() => machine.stdout.text, PATIENCE).toBe('before\n')
    await log.append('after')
    await expect.poll(() => machine.stdout.text, PATIENCE).toBe('before\nafter\n')
    machine.signal('SIGINT')
    expect(await finished).toBe(130)
    expect(machine.stderr.text).toBe('')
    await log.append('the log is still open')
  })

  it('ends after the count, too', async () => {
    const machine = new FakeMachine()
    const directory = await five()
    expect(await runCommandLine(['read', directory, '--follow', '-c', '5'], machine)).toBe(0)
    expect(machine.stdout.text).toBe('a\nb\nc\n\ne\n')
  })
})

describe('read of what is damaged', () => {
  it('goes on past it, says where it was and which offsets are lost, and exits with 1', async () => {
    const directory = temporaryDirectory()
    const first = Buffer.concat([batchOf(0), flipped(batchOf(1, 2), BATCH.records + 9), batchOf(3)])
    writeFileSync(join(directory, '00000000000000000000.log'), first)
    writeFileSync(join(directory, '00000000000000000004.log'), batchOf(4))
    const { exitCode, output, errors } = await run(['read', directory])
    expect(exitCode).toBe(1)
    expect(output).toBe('value-0\nvalue-3\nvalue-4\n')
    expect(errors).toContain('BATCH_CORRUPT')
    expect(errors).toContain('offsets 1 to 2 are lost')
  })

  it('fails at records it has no decoder for, having printed those before', async () => {
    const directory = temporaryDirectory()
    const unknown = compressed(encodeBatch([{ value: 'v' }], { baseOffset: 1 }), 5)
    writeFileSync(join(directory, '00000000000000000000.log'), Buffer.concat([batchOf(0), unknown]))
    writeFileSync(join(directory, '00000000000000000002.log'), batchOf(2))
    const { exitCode, output, errors } = await run(['read', directory])
    expect(exitCode).toBe(3)
    expect(output).toBe('value-0\n')
    expect(errors).toContain('COMPRESSION_UNSUPPORTED')
  })

  it('changes nothing on disk', async () => {
    const directory = temporaryDirectory()
    cpSync(KAFKAS, directory, { recursive: true })
    const path = join(directory, '00000000000000000020.log')
    writeFileSync(path, readFileSync(path).subarray(0, -5))
    const before = readFileSync(path)
    await run(['read', directory])
    expect(readFileSync(path)).toEqual(before)
  })
})
