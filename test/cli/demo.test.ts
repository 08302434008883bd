import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { countLost } from '../../src/cli/demo/crash-chapter.ts'
import { check, DemoFailure, tellFailure } from '../../src/cli/demo/failure.ts'
import { formatElapsed, Page } from '../../src/cli/demo/page.ts'
import { SeglogError } from '../../src/core/index.ts'
import { nodeFileSystem } from '../../src/fs/index.ts'
import { openLog, openStore } from '../../src/index.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const sample = readFileSync(join(root, 'data/samples/earthquakes.ndjson'))

interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<{ exitCode: number | null; stdout: string; stderr: string }>
  /** Resolves as soon as the output contains `text`. */
  shown(text: string): Promise<void>
}

function startDemo(...words: string[]): Run {
  // FORCE_COLOR is what a test runner may have set; without a terminal it must not matter.
  const child = spawn(process.execPath, ['src/cli/demo/main.ts', ...words], {
    cwd: root,
    env: { ...process.env, FORCE_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
  const ended = once(child, 'close').then(([exitCode]) => ({ exitCode: exitCode as number | null, ...texts }))
  const shown = async (text: string) => {
    while (!texts.stdout.includes(text)) {
      const more = await Promise.race([once(child.stdout, 'data'), ended])
      if (!Array.isArray(more)) throw new TypeError(`the demo ended without showing ${text}: ${texts.stderr}`)
    }
  }
  return { child, ended, shown }
}

describe('npm start', () => {
  it('shows every chapter, ends with 0, begins anew the next time, and leaves a second one at the same time out', {
    timeout: 90_000,
  }, async () => {
    const directory = temporaryDirectory()
    const first = await startDemo(directory).ended
    expect(first).toMatchObject({ stderr: '', exitCode: 0 })
    expectChapters(first.stdout)
    expect(first.stdout).not.toContain('begun anew')
    const ids = await expectStore(directory)
    writeFileSync(join(directory, 'notes.txt'), 'mine')
    await addTopic(directory, 'mine')

    const second = startDemo(directory)
    await second.shown('1  Append')
    const third = await startDemo(directory).ended
    expect(third).toMatchObject({ exitCode: 3, stdout: '' })
    expect(third.stderr).toMatch(/^LOG_LOCKED: .+ is open for writing already, by process \d+ on .+\n$/)
    expect(third.stderr).toContain(`by process ${second.child.pid} `)
    const { stdout, stderr, exitCode } = await second.ended
    expect([stderr, exitCode]).toEqual(['', 0])
    expect(stdout).toContain('begun anew: the topics that an earlier run had made there were deleted')
    expectChapters(stdout)
    const newIds = await expectStore(directory, { others: ['mine'] })
    expect(newIds.filter((id) => ids.includes(id))).toEqual([])
    expect(readFileSync(join(directory, 'notes.txt'), 'utf8')).toBe('mine')
  })

  it.each(['4  Follow', '5  Groups', '7  Crash'])(
    'SIGINT in %s ends it at once: exit code 130, nothing on stderr, no child left, and a store that opens',
    { timeout: 60_000 },
    async (chapter) => {
      const directory = temporaryDirectory()
      const demo = startDemo(directory)
      await demo.shown(chapter)
      demo.child.kill('SIGINT')
      expect(await demo.ended).toMatchObject({ exitCode: 130, stderr: '' }) // children share stderr: it closes with the last
      await using store = await openStore(directory, { cleanup: false })
      expect(store.report.logs.filter(({ error }) => error !== undefined)).toEqual([])
      expect(store.topics().map(({ name }) => name)).toEqual(
        expect.arrayContaining(['earthquakes', 'strong-quakes']),
      )
    },
  )

  it('begins anew after it was killed in the middle', { timeout: 60_000 }, async () => {
    const directory = temporaryDirectory()
    const first = startDemo(directory)
    await first.shown('7  Crash')
    first.child.kill('SIGKILL')
    await first.ended
    const second = startDemo(directory)
    await second.shown('begun anew')
    await second.shown('2  Segments')
    second.child.kill('SIGTERM')
    expect(await second.ended).toMatchObject({ exitCode: 143, stderr: '' })
    await using store = await openStore(directory, { cleanup: false })
    expect(store.topics().map(({ name }) => name)).toContain('earthquakes')
    expect(store.topics().map(({ name }) => name)).not.toContain('crash-test')
  })

  it('ends when whoever reads its output goes away', async () => {
    const demo = startDemo(temporaryDirectory())
    await demo.shown('1  Append')
    demo.child.stdout?.destroy()
    expect(await demo.ended).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('leaves a directory alone that is no store, and a topic that it did not make', async () => {
    const directory = temporaryDirectory()
    const log = await openLog(join(directory, 'earthquakes'), { cleanup: false })
    await log.append('mine')
    await log.close()
    const before = readdirSync(log.directory)
    const inDirectory = await startDemo(directory).ended
    expect({ exitCode: inDirectory.exitCode, after: readdirSync(log.directory) }).toEqual({
      exitCode: 3,
      after: before,
    })
    expect(inDirectory.stderr).toMatch(/^STORE_INVALID: .+ is not empty: there is "earthquakes" in it\n$/)
    const store = join(directory, 'earthquakes', 'store')
    await addTopic(store, 'earthquakes')
    const inStore = await startDemo(store).ended
    expect(inStore).toMatchObject({ exitCode: 3, stdout: '' })
    expect(inStore.stderr).toContain('the topic earthquakes in ')
    expect(inStore.stderr).toContain('was not made by this demo')
    await using opened = await openStore(store, { readOnly: true })
    expect(opened.log('earthquakes', 0).readableEndOffset).toBe(1)
  })

  it('takes the place of the logs that earlier versions made, and leaves what else is in their directories', async () => {
    const directory = temporaryDirectory()
    for (const name of ['earthquakes', 'earthquakes-crash']) {
      const log = await openLog(join(directory, name), { cleanup: false })
      await log.append('old')
      await log.close()
      writeFileSync(join(directory, name, '.made-by-the-demo'), 'The demo made this directory.\n')
      mkdirSync(join(directory, name, 'quarantine'))
      writeFileSync(join(directory, name, 'quarantine', 'cut'), 'bytes')
    }
    writeFileSync(join(directory, 'earthquakes-crash', 'notes.txt'), 'mine')
    const refused = await startDemo(directory).ended
    expect(refused).toMatchObject({ exitCode: 3 })
    expect(refused.stderr).toContain('there is "earthquakes-crash" in it')
    expect(readdirSync(join(directory, 'earthquakes-crash')).sort()).toEqual([
      '.made-by-the-demo',
      'notes.txt',
    ])
    rmSync(join(directory, 'earthquakes-crash', 'notes.txt'))
    const demo = startDemo(directory)
    await demo.shown('1  Append')
    demo.child.kill('SIGTERM')
    expect(await demo.ended).toMatchObject({ exitCode: 143, stderr: '' })
    expect(readdirSync(directory).filter((name) => /^earthquakes(-crash)?$/.test(name))).toEqual([])
  })

  it("refuses Kafka's store, too many words and unknown flags, each in a line", async () => {
    const store = temporaryDirectory()
    writeFileSync(join(store, 'meta.properties'), 'version=1\ncluster.id=c2VnbG9nLXRlc3RzLTAwMA\nnode.id=1\n')
    const runs = [startDemo(store), startDemo(store, 'more'), startDemo('--fast')].map(({ ended }) => ended)
    const [inStore, twoWords, flag] = await Promise.all(runs)
    expect(inStore).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/^.+ was written by Kafka: .+\n$/),
    })
    expect(readdirSync(store)).toEqual(['meta.properties'])
    for (const run of [twoWords, flag]) {
      expect(run).toMatchObject({
        exitCode: 2,
        stdout: '',
        stderr: expect.stringMatching(/^USAGE: npm start .+\n$/),
      })
    }
  })
})

async function addTopic(directory: string, name: string): Promise<void> {
  await using store = await openStore(directory, { cleanup: false })
  const { topic } = await store.createTopic(name)
  await topic.append('mine')
}

function expectChapters(stdout: string): void {
  const headings = Array.from(stdout.matchAll(/^\d+ {2}(.+)$/gm), ([heading]) => heading)
  expect(headings).toEqual([
    '1  Append',
    '2  Segments',
    '3  Find',
    '4  Follow',
    '5  Groups',
    '6  Retention',
    '7  Crash',
    '8  Dump',
  ])
  expect(stdout).toContain('1,694 of 1,707 records are on disk')
  expect(stdout).toMatch(
    /^ +0 +692 +[\d.]+ KiB +nc nn pr se\n +1 +662 +.+ ci hv mb nm us uu\n +2 +340 +.+ ak uw$/m,
  )
  expect(stdout).toMatch(/^ +0 +0 +\d+ +[\d.]+ KiB +2018-01-31 02:40 +2018-0\d-\d\d \d\d:\d\d +sealed$/m)
  expect(stdout).toMatch(/get\(400\) in partition 1 +1 +400 +2018-02-04 06:51 .+ (?:µs|ms)$/m)
  expect(stdout).toMatch(/ 1 +368 +2018-02-04 00:01 .+ (?:µs|ms)$/m)
  expect(stdout).toMatch(/ 1 +634 +2018-02-06 15:50 +6\.4 +22km NNE of Hualian, Taiwan .+ (?:µs|ms)$/m)
  const live = ['2 340', '2 341', '2 342', '2 343', '2 344', '1 662', '2 345', '2 346', '0 692', '2 347']
  for (const place of live)
    expect(stdout).toMatch(new RegExp(`^ +${place.replace(' ', ' +')} .+ [mµ]?s$`, 'm'))
  expect(stdout).toMatch(
    /^ +begins +0 0 0 +(\d+ \d+ \d+) +700 +\d+ .+\n +opened again +\1 +693 663 348 +1,004 +\d+ /m,
  )
  expect(stdout).toContain('1,704 records, each once; strong-quakes has the 85 strong ones')
  expect(stdout).toMatch(/^ +delete +0-\d+ .+ retention\.ms /m)
  expect(stdout).toMatch(/\d+ segments gone, .+ start offsets 0 0 0 → \d+ \d+ \d+$/m)
  expect(stdout).toMatch(/get\(0\) now: OFFSET_OUT_OF_RANGE: .* to 693/)
  expect(stdout).toMatch(/^ +delete .+ retention\.bytes needs 32\.0 KiB$/m)
  expect(stdout).toContain('read all 1,704 records')
  expect(stdout).toMatch(/^ +os +[\d,]+ +[\d,]+ +0\n +disk +[\d,]+ +[\d,]+ +0$/m)
  expect(stdout).toContain('0 lost')
  expect(stdout).toContain("deleteTopic('crash-test')")
  expect(stdout).toContain('baseOffset: 663 lastOffset: 665 count: 3 ')
  expect(stdout).toContain('npm run seglog -- read ')
  expect(stdout).toContain('npm run dump -- ')
  expect(stdout).not.toContain('\u001b')
}

const isStrong = (line: string): boolean => (JSON.parse(line) as { mag: number }).mag >= 4.5

/** What the demo leaves is the end of the sample, partition by partition, and all that is strong; gives the topics' ids. */
async function expectStore(
  directory: string,
  { others = [] }: { others?: readonly string[] } = {},
): Promise<string[]> {
  await using store = await openStore(directory, { readOnly: true })
  expect(store.topics().map(({ name }) => name)).toEqual(
    ['__seglog_offsets', 'earthquakes', ...others, 'strong-quakes'].sort(),
  )
  const lines = sample.toString().trimEnd().split('\n')
  const topic = store.topic('earthquakes')
  expect(topic.partitions.map(({ readableEndOffset }) => readableEndOffset)).toEqual([693, 666, 348])
  expect(topic.partitions.map((_, partition) => topic.committed('strong-quakes', partition))).toEqual([
    693, 663, 348,
  ])
  for (const log of topic.partitions) {
    expect(log.config['retention.ms']).toBe(-1)
    const values: string[] = []
    const nets = new Set<string>()
    for await (const { key, value } of log.read()) {
      values.push(value?.toString() ?? '')
      nets.add(key?.toString() ?? '')
    }
    const expected = lines.filter((line) => nets.has((JSON.parse(line) as { net: string }).net))
    expect(values.length).toBe(log.readableEndOffset - log.startOffset)
    expect(values).toEqual(expected.slice(-values.length))
  }
  const strong: string[] = []
  for await (const { value } of store.topic('strong-quakes').read()) strong.push(value?.toString() ?? '')
  expect(strong.sort()).toEqual(lines.filter(isStrong).sort())
  expect(nodeFileSystem.isLocked(join(directory, '.lock'))).toBe(false)
  return [topic.id, store.topic('strong-quakes').id]
}

describe('a failed check', () => {
  it('counts acknowledged records that are not there, level by level', () => {
    const acknowledged = { os: [0, 1, 2], disk: [3, 4] }
    expect(countLost(acknowledged, new Set([0, 1, 2, 3, 4, 5]))).toEqual({ os: 0, disk: 0 })
    expect(countLost(acknowledged, new Set([0, 2, 3]))).toEqual({ os: 1, disk: 1 })
    expect(countLost(acknowledged, new Set())).toEqual({ os: 3, disk: 2 })
  })

  it('ends the demo with 1 and a line; other failures with their own codes', () => {
    expect(() => check(false, '2 records were lost')).toThrow(
      new DemoFailure(1, 'check failed: 2 records were lost'),
    )
    expect(tellFailure(new DemoFailure(1, 'check failed: why'))).toEqual({
      text: 'check failed: why',
      exitCode: 1,
    })
    expect(tellFailure(new SeglogError('LOG_LOCKED', 'taken'))).toEqual({
      text: 'LOG_LOCKED: taken',
      exitCode: 3,
    })
    const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', syscall: 'open' })
    expect(tellFailure(denied)).toEqual({ text: 'EACCES: permission denied', exitCode: 3 })
    const bug = new TypeError('oops')
    expect(tellFailure(bug)).toEqual({ text: `BUG: oops\n${bug.stack}`, exitCode: 3 })
  })
})

describe('the screen', () => {
  it('lines columns up, numbers to the right', () => {
    const { page, text } = fakePage({})
    page.table(
      [{ title: 'name' }, { title: 'count', align: 'right' }],
      [
        ['a long one', '7'],
        ['b', '1,000'],
      ],
    )
    page.facts([
      ['short', 'x'],
      ['longer name', 'y'],
    ])
    expect(text()).toBe(
      [
        '   name        count',
        '   a long one      7',
        '   b           1,000',
        '   short        x',
        '   longer name  y',
        '',
      ].join('\n'),
    )
  })

  it.each([
    { where: 'a terminal', terminal: true, environment: {}, coloured: true },
    {
      where: 'a terminal with an empty NO_COLOR',
      terminal: true,
      environment: { NO_COLOR: '' },
      coloured: true,
    },
    { where: 'a terminal with NO_COLOR', terminal: true, environment: { NO_COLOR: '1' }, coloured: false },
    { where: 'no terminal', terminal: false, environment: {}, coloured: false },
    {
      where: 'no terminal with FORCE_COLOR',
      terminal: false,
      environment: { FORCE_COLOR: '3' },
      coloured: false,
    },
  ])('on $where colours are $coloured', ({ terminal, environment, coloured }) => {
    const { page, text } = fakePage(environment, { terminal })
    page.chapter('Append', 'about')
    page.good('done')
    expect(text().includes('\u001b[')).toBe(coloured)
  })

  it('gives times the unit that suits them', () => {
    const times = [0, 0.0854, 0.9996, 3.24, 99.94, 99.96, 312.2, 999.6, 12_345].map(formatElapsed)
    expect(times).toEqual([
      '0 µs',
      '85 µs',
      '1.0 ms',
      '3.2 ms',
      '99.9 ms',
      '100 ms',
      '312 ms',
      '1.00 s',
      '12.35 s',
    ])
  })
})

function fakePage(environment: Record<string, string>, { terminal = false } = {}) {
  const stream = Object.assign(new PassThrough(), { isTTY: terminal })
  return { page: new Page(stream, environment), text: () => String(stream.read() ?? '') }
}

describe('data/samples', () => {
  it('README.md states the size and the checksum of the earthquakes', () => {
    const readme = readFileSync(join(root, 'data/samples/README.md'), 'utf8')
    expect(readme).toContain(`\n- Size: ${sample.length} bytes\n`)
    expect(readme).toContain(`\n- SHA-256: \`${createHash('sha256').update(sample).digest('hex')}\`\n`)
  })

  it('the earthquakes are in order of time, with ids that differ', () => {
    const rows = sample.toString().trimEnd().split('\n')
    const parsed = rows.map((line) => JSON.parse(line) as { id: string; time: number })
    expect(parsed.length).toBe(1707)
    expect(new Set(parsed.map(({ id }) => id)).size).toBe(1707)
    expect(parsed.map(({ time }) => time)).toEqual(parsed.map(({ time }) => time).toSorted((a, b) => a - b))
  })
})
