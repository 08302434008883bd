import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLog } from '../../../../src/index.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'
import { run } from '../fake-machine.ts'

/** Ten segments of one record each; appended, as all files of a test are, at the machine's present time. */
async function tenSegments(): Promise<string> {
  const directory = join(temporaryDirectory(), 'log')
  await using log = await openLog(directory, { durability: 'os', cleanup: false })
  for (let count = 0; count < 10; count++) {
    if (count > 0) await log.roll()
    await log.append({ value: 'x'.repeat(1000), timestamp: Date.now() })
  }
  return directory
}

const segmentNames = (directory: string) => readdirSync(directory).filter((name) => name.endsWith('.log'))
const KEEP_FOUR = ['--config', 'retention.bytes=4000', '--config', 'retention.ms=-1']
const inTwoDays = () => String(Date.now() + 2 * 86_400_000)

describe('clean', () => {
  it('explains what would go with --dry-run, and touches nothing', async () => {
    const directory = await tenSegments()
    const before = readdirSync(directory)
    const { exitCode, output, errors } = await run(['clean', directory, '--dry-run', ...KEEP_FOUR])
    expect([exitCode, errors]).toEqual([0, ''])
    const lines = output.trimEnd().split('\n')
    expect(lines.filter((line) => line.startsWith('delete'))).toHaveLength(6)
    expect(lines.filter((line) => line.startsWith('keep'))).toHaveLength(4)
    expect(lines.at(-1)).toMatch(/^log-0 at .*: deletes 6 of 10 segments/)
    expect(readdirSync(directory)).toEqual(before)
  })

  it('can explain while another handle writes, but not clean', async () => {
    const directory = await tenSegments()
    await using log = await openLog(directory, { cleanup: false })
    expect((await run(['clean', directory, '--dry-run', ...KEEP_FOUR])).exitCode).toBe(0)
    const { exitCode, errors } = await run(['clean', directory, ...KEEP_FOUR])
    expect(exitCode).toBe(3)
    expect(errors).toContain('LOG_LOCKED')
    expect(log.segments()).toHaveLength(10)
  })

  it('deletes by size, and says what it did', async () => {
    const directory = await tenSegments()
    const { exitCode, output } = await run(['clean', directory, ...KEEP_FOUR])
    expect(exitCode).toBe(0)
    expect(output.trimEnd().split('\n').at(-1)).toMatch(
      /^deleted 6 segments, 6\.3 KiB, freed when the log is next opened; the log starts at offset 6$/,
    )
    expect(segmentNames(directory)).toHaveLength(4)
    const again = await run(['clean', directory, ...KEEP_FOUR])
    expect(again.output.trimEnd().split('\n').at(-1)).toBe('deleted 0 segments; the log starts at offset 6')
  })

  it('deletes by age, as of the moment it is given, and starts a new segment when all of it goes', async () => {
    const directory = await tenSegments()
    const nothing = await run([
      'clean',
      directory,
      '--config',
      'retention.ms=1d',
      '--now',
      String(Date.now()),
    ])
    expect(nothing.output).toContain('deleted 0 segments')
    const all = await run(['clean', directory, '--config', 'retention.ms=1d', '--now', inTwoDays()])
    expect(all.exitCode).toBe(0)
    expect(all.output).toContain('started a new segment; deleted 10 segments')
    await using log = await openLog(directory, { cleanup: false })
    expect([log.startOffset, log.endOffset]).toEqual([10, 10])
  })

  it('takes the clock as it is with --force', async () => {
    const directory = await tenSegments()
    const { exitCode, output } = await run(['clean', directory, '--force', ...KEEP_FOUR])
    expect(exitCode).toBe(0)
    expect(output).toContain('deleted 6 segments')
  })

  it('prints the plan and what was done as one object with --json', async () => {
    const directory = await tenSegments()
    const planned = JSON.parse(
      (await run(['clean', directory, '--dry-run', '--json', ...KEEP_FOUR])).output,
    ) as object
    expect(planned).toMatchObject({ plan: { deleteCount: 6, newStartOffset: 6 }, report: null })
    const done = JSON.parse((await run(['clean', directory, '--json', ...KEEP_FOUR])).output) as object
    expect(done).toMatchObject({
      plan: { deleteCount: 6 },
      report: {
        startOffset: 6,
        rolled: false,
        failures: [],
        deleted: [{ baseOffset: 0, rule: 'retention.bytes' }, {}, {}, {}, {}, {}],
      },
    })
    expect(done).not.toHaveProperty('report.plans')
  })

  it('paints what goes on a terminal', async () => {
    const directory = await tenSegments()
    const { output } = await run(['clean', directory, '--dry-run', ...KEEP_FOUR], { isTerminal: true })
    const painted = output.split('\n').filter((line) => line.startsWith('\u001b[31mdelete '))
    expect(painted).toHaveLength(6)
    for (const line of painted) expect(line.endsWith('\u001b[0m')).toBe(true)
  })

  it.each([
    [['--now', 'tomorrow'], '--now takes ms since 1970'],
    [['--config', 'retention.bytes=much'], 'CONFIG_INVALID'],
    [['--config', 'retention.byte=1'], "did you mean 'retention.bytes'?"],
  ])('refuses %j', async (args, message) => {
    const { exitCode, errors } = await run(['clean', await tenSegments(), ...args])
    expect(exitCode).toBe(2)
    expect(errors).toContain(message)
  })

  it('makes no log where there is none', async () => {
    const directory = join(temporaryDirectory(), 'none')
    for (const args of [[], ['--dry-run']]) {
      expect(await run(['clean', directory, ...args])).toMatchObject({
        exitCode: 3,
        errors: `seglog: LOG_NOT_FOUND: there is no log in ${directory}\n`,
      })
    }
  })
})
