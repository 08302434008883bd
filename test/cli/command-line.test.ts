import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLog, openStore } from '../../src/index.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { runProcess, start } from './command-line.ts'

/** Starting a process or looking at a file can take long on a machine that is busy. */
const PATIENCE = { timeout: 10_000 }

const KAFKAS = 'data/samples/kafka/stopped/orders-0'

async function logOf(recordCount: number): Promise<string> {
  const directory = join(temporaryDirectory(), 'log')
  await using log = await openLog(directory, { durability: 'os' })
  const records = Array.from({ length: 100 }, (_, slot) => `value ${slot} ${'x'.repeat(100)}`)
  for (let count = 0; count < recordCount; count += records.length) await log.append(records)
  return directory
}

describe('the command line as a process', () => {
  it('exits with 0, 1, 2 and 3 for what they stand for, and tells why on standard error', async () => {
    const torn = join(temporaryDirectory(), '00000000000000000000.log')
    const bytes = readFileSync(join(KAFKAS, '00000000000000000000.log'))
    writeFileSync(torn, bytes.subarray(0, -1))
    const [sound, damaged, usage, failed] = await Promise.all([
      runProcess(['dump', KAFKAS]),
      runProcess(['dump', torn]),
      runProcess(['dump', KAFKAS, '--print-datalog']),
      runProcess(['read', '/nowhere']),
    ])
    expect([sound.exitCode, damaged.exitCode, usage.exitCode, failed.exitCode]).toEqual([0, 1, 2, 3])
    expect(sound.errors).toBe('')
    expect(damaged.errors).toMatch(/^seglog: TAIL_TORN: /)
    expect(usage.errors).toMatch(/^seglog: USAGE: [^\n]*did you mean --print-data-log\?[^\n]*\n$/)
    expect(failed.errors).toMatch(/^seglog: LOG_NOT_FOUND: /)
    expect([usage.output, failed.output].map(String)).toEqual(['', ''])
  })

  it('shows a stack only when SEGLOG_DEBUG is set', async () => {
    const plain = await runProcess(['read', '/nowhere'])
    expect(plain.errors).not.toContain('    at ')
    const shown = await start(['read', '/nowhere'], { input: '', environment: { SEGLOG_DEBUG: '1' } }).ended
    expect(shown.errors).toMatch(/^seglog: LOG_NOT_FOUND: [^\n]*\n[^]*\n    at /)
  })

  it('carries records from one log to another through a pipe, byte for byte', async () => {
    const copy = join(temporaryDirectory(), 'copy')
    const { output } = await runProcess(['read', KAFKAS, '--json'])
    const { exitCode, errors } = await runProcess(['append', copy, '--json'], output)
    expect([exitCode, errors]).toEqual([0, expect.stringContaining('appended 25 records')])
    const format = ['-f', '%T|%k|%K|%s|%S|%h\\n']
    const [from, to] = await Promise.all([KAFKAS, copy].map((log) => runProcess(['read', log, ...format])))
    expect(to?.output).toEqual(from?.output)
    expect(from?.output.length).toBeGreaterThan(500)
  })

  it('ends quietly when whoever reads it has had enough', async () => {
    const directory = await logOf(20_000)
    for (const args of [
      ['read', directory],
      ['read', directory, '--json'],
      ['dump', '--print-data-log', directory],
    ]) {
      const { process: child, ended } = start(args, { input: '' })
      child.stdout?.once('data', () => child.stdout?.destroy())
      const { exitCode, errors } = await ended
      expect([args[0], exitCode, errors]).toEqual([args[0], 0, ''])
    }
  })

  it('reads a log without waiting for an input that stays open', async () => {
    const { ended } = start(['read', KAFKAS])
    expect((await ended).exitCode).toBe(0)
  })

  it('takes everything that is written to it at once, and closes the log', async () => {
    const directory = join(temporaryDirectory(), 'log')
    const input = 'a line of some length, which is not short either\n'.repeat(50_000)
    const { exitCode, errors } = await runProcess(['append', directory, '--durability', 'os'], input)
    expect([exitCode, errors]).toEqual([0, expect.stringContaining('appended 50000 records, 2400000 bytes')])
    await using log = await openLog(directory)
    expect([log.endOffset, log.recovery.clean]).toEqual([50_000, true])
  })
})

describe('Ctrl-C', () => {
  it('ends a follower in order, with 130', async () => {
    const directory = await logOf(100)
    const running = start(['read', directory, '--follow'])
    await expect.poll(() => running.output(), PATIENCE).toContain('value 99')
    running.process.kill('SIGINT')
    expect(await running.ended).toMatchObject({ exitCode: 130, errors: '' })
  })

  it('ends an append with what was read on disk, the log closed, and 130', async () => {
    const directory = join(temporaryDirectory(), 'log')
    const running = start(['append', directory])
    running.process.stdin?.write('first\nsecond\nhal')
    await expect.poll(() => existsSync(join(directory, '00000000000000000000.log')), PATIENCE).toBe(true)
    await expect
      .poll(() => statSync(join(directory, '00000000000000000000.log')).size, PATIENCE)
      .toBeGreaterThan(61)
    running.process.kill('SIGINT')
    expect(await running.ended).toMatchObject({
      exitCode: 130,
      errors: 'appended 2 records, 11 bytes, at offsets 0 to 1, durable at level disk\n',
    })
    await using log = await openLog(directory)
    expect([log.endOffset, log.recovery.clean]).toEqual([2, true])
  })

  it('ends a read for a group with what was written committed, so that the next one goes on there', async () => {
    const directory = join(temporaryDirectory(), 'store')
    const lines = Array.from({ length: 20_000 }, (_, slot) => `${slot} ${'x'.repeat(100)}`)
    {
      await using store = await openStore(directory, { durability: 'os', cleanup: false })
      const { topic } = await store.createTopic('orders', { partitions: 2 })
      for (let first = 0; first < lines.length; first += 1000) {
        const partition = (first / 1000) % 2
        await topic.append({ partition, records: lines.slice(first, first + 1000) })
      }
    }
    const read = ['read', directory, '-t', 'orders', '-G', 'g']
    const running = start(read)
    running.process.stdout?.once('data', () => void running.process.kill('SIGINT'))
    const { exitCode, output, errors } = await running.ended
    const printed = output.toString().trimEnd().split('\n')
    expect(exitCode).toBe(130)
    expect(printed.length).toBeLessThan(lines.length)
    expect(errors).toMatch(new RegExp(`^group g: ${printed.length} records printed, committed `))
    const rest = await runProcess(read)
    const all = [
      ...printed,
      ...rest.output
        .toString()
        .split('\n')
        .filter((line) => line !== ''),
    ]
    expect(all.toSorted()).toEqual(lines.toSorted())
  })

  it('is not needed twice, and SIGTERM does the same, with 143', async () => {
    const directory = await logOf(100)
    const running = start(['read', directory, '--follow'])
    await expect.poll(() => running.output(), PATIENCE).toContain('value 99')
    running.process.kill('SIGTERM')
    expect((await running.ended).exitCode).toBe(143)
  })
})
