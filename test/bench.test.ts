import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { isWhole, parseArguments } from '../bench/arguments.ts'
import { runJob } from '../bench/job.ts'
import type { Outcome, Scenario } from '../bench/scenario.ts'
import { loadScenario } from '../bench/scenarios/files.ts'
import { SCENARIOS } from '../bench/scenarios/index.ts'
import { temporaryDirectory } from './helpers/temporary-directory.ts'

const runner = fileURLToPath(new URL('../bench/run.ts', import.meta.url))

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Of the libraries a smoke run has one, of the root's packages: npm run bench:smoke has all of them. */
function isInSmokeRun({ libraries = {} }: Scenario, subject: string): boolean {
  return [undefined, 'better-sqlite3'].includes(libraries[subject])
}

function smokeSubjectsOf(one: Scenario): string[] {
  return Object.keys(one.subjects).filter((subject) => isInSmokeRun(one, subject))
}

/** Runs `npm run bench -- …words`. */
function bench(...words: string[]): Promise<Ran> {
  return benchWith(process.env, ...words)
}

async function benchWith(env: NodeJS.ProcessEnv, ...words: string[]): Promise<Ran> {
  const child = spawn(process.execPath, [runner, ...words], { stdio: ['ignore', 'pipe', 'pipe'], env })
  const [out, err, code] = await Promise.all([
    child.stdout.setEncoding('utf8').toArray(),
    child.stderr.setEncoding('utf8').toArray(),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ])
  return { code, out: out.join(''), err: err.join('') }
}

describe('npm run bench', () => {
  it('runs every subject of every benchmark, and finds what it read to be right', async () => {
    const directory = temporaryDirectory()
    const { code, err } = await bench('--smoke', '--dir', directory, '--out', join(directory, 'results'))
    expect([code, err]).toEqual([0, expect.stringContaining('written to')])
    const report = JSON.parse(readFileSync(join(directory, 'results', 'latest.json'), 'utf8')) as {
      rows: { figure: { median: number } }[]
      leftOut: { name: string }[]
      growth: unknown[]
      machine: { versions: Record<string, string> }
      scenarios: { name: string; runs: { subject: string; outcome: Outcome }[] }[]
    }
    const ran = report.scenarios.map(({ name, runs }) => [name, runs.map(({ subject }) => subject).sort()])
    const possible = SCENARIOS.filter(
      ({ isAbout, missing }) => isAbout === undefined && missing?.(directory) === undefined,
    )
    expect(ran).toEqual(possible.map((one) => [one.name, smokeSubjectsOf(one).sort()]))
    for (const { subject, outcome } of report.scenarios.flatMap(({ runs }) => runs)) {
      const { eventLoopP99Ms, eventLoopMaxMs, eventLoopTicks } = outcome.metrics
      expect(Math.min(eventLoopP99Ms!, eventLoopMaxMs!)).toBeGreaterThan(0)
      expect(eventLoopTicks).toBeGreaterThanOrEqual(0)
      const hasNothingToCheck = /^(?:idle|0×)$/.test(subject) && outcome.checked.hash === 0
      if (!hasNothingToCheck) expect(outcome.checked.count).toBeGreaterThan(0)
    }
    const rows = possible.flatMap((one) => one.rows.filter(({ subject }) => isInSmokeRun(one, subject)))
    expect(report.rows).toHaveLength(rows.length)
    for (const { figure } of report.rows) expect(figure.median).toBeGreaterThan(0)
    expect(report.growth).toHaveLength(possible.flatMap(({ growth = [] }) => growth).length)
    expect(report.machine.versions).toHaveProperty('better-sqlite3')
    const page = readFileSync(join(directory, 'results', 'latest.md'), 'utf8')
    expect(page).toContain('| Work | Result |')
    expect(page).toContain('| Figure | At | Growth |')
    expect(page).toMatch(/\| better-sqlite3 \d+\.\d+\.\d+ \| WAL, /)
    expect(page).toMatch(/^- not in `append-100b`.*: lmdb, .*\(left out of a smoke run\)$/m)
    for (const one of possible) {
      expect(readFileSync(join(directory, 'results', `${one.name}.svg`), 'utf8')).toMatch(/^<svg /)
      for (const subject of smokeSubjectsOf(one)) expect(page).toContain(`| \`${one.name}\` | ${subject} | `)
    }
  }, 120_000)

  it('where figures are taken, has a process for each subject in each round, and turns their order', async () => {
    const directory = temporaryDirectory()
    const [results, profiles] = [join(directory, 'results'), join(directory, 'profiles')]
    const words = ['disk-bytes', 'bare', '--quick', '--rounds', '2', '--cpu-prof', profiles]
    const { code, err } = await bench(...words, '--dir', directory, '--out', results)
    expect([code, err]).toEqual([0, expect.stringContaining('written to')])
    const report = JSON.parse(readFileSync(join(results, 'latest.json'), 'utf8')) as {
      scenarios: { runs: { round: number; subject: string }[] }[]
    }
    const [small, large] = ['100 B × 1000', '1 KiB × 100']
    expect(report.scenarios[0]!.runs.map(({ round, subject }) => [round, subject])).toEqual([
      [0, small],
      [0, large],
      [1, large],
      [1, small],
    ])
    const files = readdirSync(profiles).filter((name) => name.startsWith('disk-bytes'))
    expect(files).toHaveLength(4)
  }, 30_000)

  it('names the subject that has failed, also where one process has several', async () => {
    const directory = temporaryDirectory()
    const work = ['bare', 'seglog'].map((subject) => ({ subject, directory }))
    const job = { scenario: 'append-100b', size: 'smoke', prepared: directory, facts: {} } as const
    const launch = { compileCache: undefined, profiles: undefined, signal: new AbortController().signal }
    mkdirSync(join(directory, 'bare')) // where the first subject would have its file
    const all = runJob({ ...job, kind: 'run', work, subjects: [] }, launch)
    await expect(all).rejects.toThrow(
      /^append-100b: every subject ended with exit 1:\nappend-100b: bare has failed\n[^]*EISDIR/,
    )
    const alone = runJob({ ...job, kind: 'run', work: [work[0]!], subjects: [] }, launch)
    await expect(alone).rejects.toThrow(/^append-100b: bare ended with exit 1:\n(?!append-100b)/)
  })

  it('finds each benchmark where a process looks for it, and nothing by another name', async () => {
    for (const one of SCENARIOS) expect(await loadScenario(one.name)).toBe(one)
    await expect(loadScenario('index')).rejects.toThrow('there is no benchmark index in index.ts')
    await expect(loadScenario('no-such')).rejects.toThrow('no-such.ts')
  })

  it('names the benchmarks that a word selects', async () => {
    const { code, out } = await bench('append', '--list')
    expect(code).toBe(0)
    expect(out.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'append-100b',
      'append-1kib',
      'append-single',
      'append-json',
      'libraries:',
      '',
    ])
  })

  it('leaves out what needs a program that is not there, and says which', async () => {
    const directory = temporaryDirectory()
    const results = join(directory, 'results')
    const env = { ...process.env, PATH: directory }
    const { code, err } = await benchWith(env, 'cold', '--smoke', '--dir', directory, '--out', results)
    expect([code, err]).toEqual([
      0,
      expect.stringMatching(/^point-read-cold is left out: GNU dd and fincore/m),
    ])
    expect(readFileSync(join(results, 'latest.md'), 'utf8')).toContain('Left out: `point-read-cold`: GNU dd')
  }, 30_000)

  it('names the benchmarks and the library that words select', async () => {
    const { code, out } = await bench('append', 'lmdb', '--list')
    expect(code).toBe(0)
    expect(out.split('\n').slice(-3)).toEqual([expect.stringMatching(/^append-json /), 'libraries: lmdb', ''])
  })

  it('names the nearest benchmark or library for a word that is in no name, and ends with 2', async () => {
    const err = `no benchmark and no library has 'lmbd' in its name; the nearest is 'lmdb' (--list names all)\n`
    expect(await bench('append', 'lmbd')).toEqual({ code: 2, out: '', err })
  })

  it('ends with 2 and how to use it for what it does not know', async () => {
    const { code, out, err } = await bench('--speed')
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain("Unknown option '--speed'")
    expect(err).toContain('Usage: npm run bench')
  })

  it.each([
    [[], true],
    [['--rounds', '9', '--all-rivals'], true],
    [['--quick'], false],
    [['--smoke'], false],
    [['append'], false],
    [['lmdb', '--quick'], false],
  ] as const)('of the words %j it is %s that the results replace the stored ones', (words, isKept) => {
    expect(isWhole(parseArguments(words))).toBe(isKept)
  })

  it.each(['none', '0', '1.5', '1001'])('does not take --rounds=%s', (rounds) => {
    expect(() => parseArguments([`--rounds=${rounds}`])).toThrow(
      '--rounds must be a whole number from 1 to 1000',
    )
  })
})
