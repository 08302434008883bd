import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { run } from './fake-machine.ts'
import { KAFKAS_META, spoil } from './stores.ts'

/** Two topics, `old` with two partitions: five segments of one record in each log. */
async function fiveSegmentsEach(): Promise<string> {
  const directory = join(temporaryDirectory(), 'store')
  await using store = await openStore(directory, { durability: 'os', cleanup: false })
  for (const [name, partitions] of [
    ['old', 2],
    ['other', 1],
  ] as const) {
    const { topic } = await store.createTopic(name, {
      partitions,
      config: { 'file.delete.delay.ms': 600_000 },
    })
    for (const log of topic.partitions) {
      for (let count = 0; count < 5; count++) {
        if (count > 0) await log.roll()
        await log.append({ value: 'x'.repeat(1000), timestamp: Date.now() })
      }
    }
  }
  return directory
}

const segmentCounts = (directory: string) =>
  ['old-0', 'old-1', 'other-0'].map(
    (log) => readdirSync(join(directory, log)).filter((name) => name.endsWith('.log')).length,
  )
const KEEP_TWO = ['--config', 'retention.bytes=2000', '--config', 'retention.ms=-1']

describe('clean of a store', () => {
  it('explains what would go from each log with --dry-run, and touches nothing', async () => {
    const directory = await fiveSegmentsEach()
    const { exitCode, output, errors } = await run(['clean', directory, '--dry-run', ...KEEP_TWO])
    expect([exitCode, errors]).toEqual([0, ''])
    const lines = output.trimEnd().split('\n')
    expect(lines.filter((line) => line.startsWith('delete '))).toHaveLength(9)
    expect(
      lines.filter((line) => / at .*: deletes 3 of 5 segments/.test(line)).map((line) => line.split(' ')[0]),
    ).toEqual(['old-0', 'old-1', 'other-0'])
    expect(segmentCounts(directory)).toEqual([5, 5, 5])
  })

  it('deletes from each log, and says how much from how many', async () => {
    const directory = await fiveSegmentsEach()
    const { exitCode, output } = await run(['clean', directory, ...KEEP_TWO])
    expect(exitCode).toBe(0)
    expect(output.trimEnd().split('\n').at(-1)).toBe(
      'deleted 9 segments of 3 logs, 9.4 KiB, freed when the store is next opened',
    )
    expect(segmentCounts(directory)).toEqual([2, 2, 2])
    const again = await run(['clean', directory, ...KEEP_TWO])
    expect(again.output.trimEnd().split('\n').at(-1)).toBe('deleted 0 segments')
  })

  it('cleans one topic, or one partition of it, and leaves the rest alone', async () => {
    const directory = await fiveSegmentsEach()
    const one = await run(['clean', directory, '-t', 'old', '-p', '1', ...KEEP_TWO])
    expect(one.output).toContain('deleted 3 segments of 1 log,')
    expect(segmentCounts(directory)).toEqual([5, 2, 5])
    const planned = await run(['clean', directory, '-t', 'old', '--dry-run', ...KEEP_TWO])
    expect(planned.output).toMatch(/old-0 at .*: deletes 3 of 5[^]*old-1 at .*: deletes nothing of 2/)
    expect(planned.output).not.toContain('other-0')
    await run(['clean', directory, '-t', 'old', ...KEEP_TWO])
    expect(segmentCounts(directory)).toEqual([2, 2, 5])
  })

  it('goes by what is stored with a topic before what it is told', async () => {
    const directory = await fiveSegmentsEach()
    await run(['topics', 'alter', directory, '-t', 'other', '--config', 'retention.bytes=4000'])
    await run(['clean', directory, ...KEEP_TWO])
    expect(segmentCounts(directory)).toEqual([2, 2, 4])
  })

  it('keeps to a disk budget of the whole store, planned and done', async () => {
    const directory = await fiveSegmentsEach()
    const budget = ['--config', 'seglog.retention.total.bytes=10KiB']
    const planned = await run(['clean', directory, '--dry-run', ...budget])
    const goes = planned.output.split('\n').filter((line) => line.startsWith('delete '))
    expect(goes).toHaveLength(6)
    for (const line of goes) expect(line).toContain('seglog.retention.total.bytes')
    expect((await run(['clean', directory, ...budget])).output).toContain('deleted 6 segments')
    expect(segmentCounts(directory).reduce((sum, count) => sum + count)).toBe(9)
    const ofTopic = await run([
      'clean',
      directory,
      '-t',
      'old',
      '--dry-run',
      '--config',
      'seglog.retention.total.bytes=1',
    ])
    expect(ofTopic.output).not.toContain('delete ')
  })

  it('judges age as of another moment', async () => {
    const directory = await fiveSegmentsEach()
    const inTwoDays = ['--now', String(Date.now() + 2 * 86_400_000), '--config', 'retention.ms=1d']
    expect((await run(['clean', directory, '--dry-run', ...inTwoDays])).output).toContain(
      'deletes 5 of 5 segments',
    )
    expect((await run(['clean', directory, ...inTwoDays])).output).toContain('deleted 15 segments of 3 logs')
    expect(segmentCounts(directory)).toEqual([1, 1, 1])
  })

  it('prints all plans and what was done as one object with --json', async () => {
    const directory = await fiveSegmentsEach()
    const planned = JSON.parse(
      (await run(['clean', directory, '--dry-run', '--json', ...KEEP_TWO])).output,
    ) as object
    expect(planned).toMatchObject({
      plans: [
        { topic: 'old', partition: 0, deleteCount: 3 },
        { topic: 'old', partition: 1, deleteCount: 3 },
        { topic: 'other', partition: 0, deleteCount: 3 },
      ],
      report: null,
    })
    const done = JSON.parse(
      (await run(['clean', directory, '-t', 'other', '--json', ...KEEP_TWO])).output,
    ) as object
    expect(done).toMatchObject({ plans: [{ topic: 'other' }], report: { failures: [], bytesFreed: 3210 } })
    expect(done).not.toHaveProperty('report.plans')
  })

  it('tells of a log that can not be opened, and cleans the others', async () => {
    const directory = await fiveSegmentsEach()
    spoil(directory, 'old-0')
    for (const args of [['--dry-run'], ['-t', 'old', '--dry-run'], []]) {
      const { exitCode, output, errors } = await run(['clean', directory, ...args, ...KEEP_TWO])
      expect(exitCode).toBe(1)
      expect(errors).toMatch(/^seglog: LOG_CORRUPT: old-0: [^\n]*\n$/)
      expect(output).toContain('old-1 at ')
    }
    expect(segmentCounts(directory)).toEqual([5, 2, 2])
  })

  it('can explain while another handle has the store, but not clean', async () => {
    const directory = await fiveSegmentsEach()
    await using store = await openStore(directory, { cleanup: false })
    expect((await run(['clean', directory, '--dry-run', ...KEEP_TWO])).exitCode).toBe(0)
    const { exitCode, errors } = await run(['clean', directory, ...KEEP_TWO])
    expect(exitCode).toBe(3)
    expect(errors).toContain('LOG_LOCKED')
    expect(store.log('old', 0).segments()).toHaveLength(5)
  })

  it.each([
    [['-t', 'odl'], 'did you mean old?', 3],
    [['-p', '1'], '-p goes with -t', 2],
    [['-t', 'old', '-p', '2'], '-p 2: old has partitions 0 to 1', 2],
    [['--config', 'retention.byte=1'], "did you mean 'retention.bytes'?", 2],
  ])('refuses %j', async (args, message, code) => {
    const { exitCode, errors } = await run(['clean', await fiveSegmentsEach(), '--dry-run', ...args])
    expect(exitCode).toBe(code)
    expect(errors).toContain(message)
  })
})

describe("a store of Kafka's", () => {
  it('is explained, and never cleaned', async () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'orders-0'))
    writeFileSync(join(directory, 'meta.properties'), KAFKAS_META)
    cpSync('data/samples/kafka/stopped/orders-0', join(directory, 'orders-0'), { recursive: true })
    expect((await run(['clean', directory, '--dry-run'])).output).toContain('orders-0 at ')
    expect(await run(['clean', directory])).toMatchObject({
      exitCode: 3,
      errors: expect.stringContaining('was written by Kafka') as string,
    })
    expect(existsSync(join(directory, '.lock'))).toBe(false)
  })
})
