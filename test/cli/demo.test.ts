import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { countLost } from '../../src/cli/demo/crash-chapter.ts'
import { check, DemoFailure, tellFailure } from '../../src/cli/demo/failure.ts'
import { formatElapsed, Page } from '../../src/cli/demo/page.ts'
import { SeglogError } from '../../src/core/index.ts'
import { nodeFileSystem } from '../../src/fs/index.ts'
import { openLog } from '../../src/index.ts'
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
  it('shows every chapter, ends with 0, runs again, and leaves a second one at the same time out', {
    timeout: 60_000,
  }, async () => {
    const directory = temporaryDirectory()
    const first = await startDemo(directory).ended
    expect(first).toMatchObject({ stderr: '', exitCode: 0 })
    expectChapters(first.stdout)
    await expectLog(join(directory, 'earthquakes'))

    const second = startDemo(directory)
    await second.shown('1  Append')
    const third = await startDemo(directory).ended
    expect(third).toMatchObject({ exitCode: 3, stdout: '' })
    expect(third.stderr).toMatch(/^LOG_LOCKED: .+ is open for writing already, by process \d+ on .+\n$/)
    expect(third.stderr).toContain(`by process ${second.child.pid} `)
    expect(await second.ended).toMatchObject({ stderr: '', exitCode: 0 })
    await expectLog(join(directory, 'earthquakes'))
  })

  it('SIGINT ends it at once: exit code 130, nothing on stderr, no lock and no child left', async () => {
    const directory = temporaryDirectory()
    const demo = startDemo(directory)
    await demo.shown('4  Follow') // a child is running now
    demo.child.kill('SIGINT')
    expect(await demo.ended).toMatchObject({ exitCode: 130, stderr: '' }) // children share stderr: it closes with the last
    const log = await openLog(join(directory, 'earthquakes'), { cleanup: false })
    expect(log.recovery.clean).toBe(true)
    await log.close()
  })

  it('ends when whoever reads its output goes away', async () => {
    const demo = startDemo(temporaryDirectory())
    await demo.shown('1  Append')
    demo.child.stdout?.destroy()
    expect(await demo.ended).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('leaves a directory alone that it did not make', async () => {
    const directory = temporaryDirectory()
    const log = await openLog(join(directory, 'earthquakes'), { cleanup: false })
    await log.append('mine')
    await log.close()
    const before = readdirSync(log.directory)
    const { exitCode, stderr } = await startDemo(directory).ended
    expect({ exitCode, after: readdirSync(log.directory) }).toEqual({ exitCode: 3, after: before })
    expect(stderr).toContain('was not made by this demo')
  })

  it('removes only what a log writes from the directory it made', async () => {
    const directory = temporaryDirectory()
    const first = startDemo(directory)
    await first.shown('1  Append')
    first.child.kill('SIGKILL')
    await first.ended
    const logDirectory = join(directory, 'earthquakes')
    writeFileSync(join(logDirectory, 'notes.txt'), 'mine')
    mkdirSync(join(logDirectory, 'quarantine'))
    writeFileSync(join(logDirectory, 'quarantine', 'cut'), 'bytes')
    const second = startDemo(directory)
    await second.shown('1  Append')
    second.child.kill('SIGTERM')
    expect(await second.ended).toMatchObject({ exitCode: 143, stderr: '' })
    expect(readFileSync(join(logDirectory, 'notes.txt'), 'utf8')).toBe('mine')
    expect(readdirSync(join(logDirectory, 'quarantine'))).toEqual([])
  })

  it('refuses a store, too many words and unknown flags, each in a line', async () => {
    const store = temporaryDirectory()
    writeFileSync(join(store, 'meta.properties'), 'version=1\n')
    const runs = [startDemo(store), startDemo(store, 'more'), startDemo('--fast')].map(({ ended }) => ended)
    const [inStore, twoWords, flag] = await Promise.all(runs)
    expect(inStore).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(/^.+ is a store .+\n$/) })
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

function expectChapters(stdout: string): void {
  const headings = Array.from(stdout.matchAll(/^\d+ {2}(.+)$/gm), ([heading]) => heading)
  expect(headings).toEqual([
    '1  Append',
    '2  Segments',
    '3  Find',
    '4  Follow',
    '5  Retention',
    '6  Crash',
    '7  Dump',
  ])
  expect(stdout).toContain('1,694 of 1,707 records are on disk')
  expect(stdout).toMatch(/^ +0 +139 +31\.9 KiB +2018-01-31 01:49 +2018-01-31 16:53 +sealed$/m)
  expect(stdout).toMatch(/get\(1000\) +1000 +2018-02-04 05:50 .+ (?:µs|ms)$/m)
  expect(stdout).toMatch(/ 930 +2018-02-04 00:01 .+ (?:µs|ms)$/m)
  expect(stdout).toMatch(/ 1634 +2018-02-06 15:50 +6\.4 +22km NNE of Hualian, Taiwan .+ (?:µs|ms)$/m)
  for (let offset = 1694; offset < 1704; offset++)
    expect(stdout).toMatch(new RegExp(`^ +${offset} .+ [mµ]?s$`, 'm'))
  expect(stdout).toMatch(/^ +delete +0-138 .+ retention\.ms /m)
  expect(stdout).toMatch(/6 segments gone, .+ start offset 0 → 933/)
  expect(stdout).toMatch(/get\(0\) now: OFFSET_OUT_OF_RANGE: .*933/)
  expect(stdout).toMatch(/2 segments gone, .+ start offset 933 → 1301/)
  expect(stdout).toContain('read all 1,704 records')
  expect(stdout).toMatch(/^ +os +[\d,]+ +[\d,]+ +0\n +disk +[\d,]+ +[\d,]+ +0$/m)
  expect(stdout).toContain('0 lost')
  expect(stdout).toContain('baseOffset: 1704 lastOffset: 1706 count: 3 ')
  expect(stdout).toContain('npm run seglog -- read ')
  expect(stdout).toContain('npm run dump -- ')
  expect(stdout).not.toContain('\u001b')
}

/** What the demo leaves is the end of the sample, record by record. */
async function expectLog(directory: string): Promise<void> {
  const log = await openLog(directory, { readOnly: true })
  const values: string[] = []
  for await (const { value } of log.read()) values.push(`${value?.toString()}\n`)
  expect({ start: log.startOffset, end: log.endOffset }).toEqual({ start: 1301, end: 1707 })
  expect(sample.toString().endsWith(values.join(''))).toBe(true)
  expect(log.config['retention.ms']).toBe(-1)
  await log.close()
  expect(nodeFileSystem.isLocked(join(directory, '.lock'))).toBe(false)
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
