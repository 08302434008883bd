import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLog } from '../../../../src/index.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'
import { run } from '../fake-machine.ts'

async function threeSegments(): Promise<string> {
  const directory = join(temporaryDirectory(), 'log')
  await using log = await openLog(directory, { durability: 'os' })
  for (const timestamp of [1_000_000_000_000, 1_000_000_060_000, -1]) {
    await log.append([
      { value: 'a'.repeat(600), timestamp },
      { value: 'b', timestamp },
    ])
    if (timestamp > 0) await log.roll()
  }
  return directory
}

describe('segments', () => {
  it('lists them, oldest first, with their times, also those that the log has not looked at yet', async () => {
    const { exitCode, output, errors } = await run(['segments', await threeSegments()])
    expect([exitCode, errors]).toEqual([0, ''])
    const [heading, ...rows] = output.trimEnd().split('\n')
    expect(heading).toMatch(/^BASE OFFSET {2}NEXT OFFSET {2} *SIZE {2}MAX TIMESTAMP +APPENDED$/)
    expect(rows.map((row) => row.trim().split(/ {2,}/).slice(0, 4))).toEqual([
      ['0', '2', '678 B', '2001-09-09T01:46:40.000Z'],
      ['2', '4', '678 B', '2001-09-09T01:47:40.000Z'],
      ['4', '6', '678 B', '-'],
    ])
    expect(rows.map((row) => row.endsWith('  active'))).toEqual([false, false, true])
  })

  it('has a bold heading on a terminal, unless NO_COLOR is set', async () => {
    const directory = await threeSegments()
    const shown = await run(['segments', directory], { isTerminal: true })
    const [heading = '', first] = shown.output.split('\n')
    expect(heading.startsWith('\u001b[1mBASE OFFSET')).toBe(true)
    expect(heading.endsWith('APPENDED\u001b[0m')).toBe(true)
    expect(first).toMatch(/^ {10}0 /)
    const plain = await run(['segments', directory], { isTerminal: true, environment: { NO_COLOR: '1' } })
    expect(plain.output).toMatch(/^BASE OFFSET/)
  })

  it('prints an object a segment with --json', async () => {
    const directory = await threeSegments()
    const { output } = await run(['segments', directory, '--json'])
    const rows = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(rows).toMatchObject([
      { baseOffset: 0, nextOffset: 2, sizeBytes: 678, maxTimestamp: 1_000_000_000_000, active: false },
      { baseOffset: 2, nextOffset: 4, maxTimestamp: 1_000_000_060_000, active: false },
      {
        baseOffset: 4,
        nextOffset: 6,
        maxTimestamp: -1,
        active: true,
        path: join(directory, '00000000000000000004.log'),
      },
    ])
  })

  it("reads Kafka's directories, and those that another handle writes to, and leaves no trace", async () => {
    const before = readdirSync('data/samples/kafka/stopped/orders-0')
    expect((await run(['segments', 'data/samples/kafka/stopped/orders-0'])).output.split('\n')).toHaveLength(
      4,
    )
    expect(readdirSync('data/samples/kafka/stopped/orders-0')).toEqual(before)
    const directory = join(temporaryDirectory(), 'log')
    await using log = await openLog(directory)
    await log.append('x')
    expect((await run(['segments', directory])).exitCode).toBe(0)
  })

  it('says so when there is no log', async () => {
    expect(await run(['segments', temporaryDirectory()])).toMatchObject({
      exitCode: 3,
      output: '',
      errors: expect.stringContaining('LOG_NOT_FOUND') as string,
    })
  })
})
