import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Scenario } from '../bench/scenario.ts'
import { SCENARIOS } from '../bench/scenarios/index.ts'
import { temporaryDirectory } from './helpers/temporary-directory.ts'

const runner = fileURLToPath(new URL('../bench/run.ts', import.meta.url))

/** Of the libraries a smoke run has one, of the root's packages: npm run bench:smoke has all of them. */
function isInSmokeRun({ libraries = {} }: Scenario, subject: string): boolean {
  return [undefined, 'better-sqlite3'].includes(libraries[subject])
}

/** Runs `npm run bench -- …words`. */
async function bench(...words: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [runner, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, code] = await Promise.all([
    child.stdout.setEncoding('utf8').toArray(),
    child.stderr.setEncoding('utf8').toArray(),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ])
  return { code, out: out.join(''), err: err.join('') }
}

describe('npm run bench', () => {
  it('runs every benchmark, each subject in a process of its own, and finds what it read to be right', async () => {
    const directory = temporaryDirectory()
    const { code, err } = await bench('--smoke', '--dir', directory, '--out', join(directory, 'results'))
    expect([code, err]).toEqual([0, expect.stringContaining('written to')])
    const report = JSON.parse(readFileSync(join(directory, 'results', 'latest.json'), 'utf8')) as {
      rows: { figure: { median: number } }[]
      scenarios: { name: string; runs: { subject: string; outcome: { checked: { count: number } } }[] }[]
    }
    const ran = report.scenarios.map(({ name, runs }) => [name, runs.map(({ subject }) => subject).sort()])
    const scenarios = SCENARIOS.filter(({ isAbout }) => isAbout === undefined)
    expect(ran).toEqual(
      scenarios.map((one) => [
        one.name,
        Object.keys(one.subjects)
          .filter((subject) => isInSmokeRun(one, subject))
          .sort(),
      ]),
    )
    const rows = scenarios.flatMap((one) => one.rows.filter(({ subject }) => isInSmokeRun(one, subject)))
    expect(report.rows).toHaveLength(rows.length)
    for (const { figure } of report.rows) expect(figure.median).toBeGreaterThan(0)
    const text = readFileSync(join(directory, 'results', 'latest.md'), 'utf8')
    expect(text).toContain('| Work | Result |')
    expect(text).toMatch(/\| better-sqlite3 \d+\.\d+\.\d+ \| WAL, /)
    expect(text).toMatch(/^- not in `append-100b`.*: lmdb, .*\(left out of a smoke run\)$/m)
  }, 120_000)

  it('names the benchmarks that a word selects', async () => {
    const { code, out } = await bench('append', '--list')
    expect(code).toBe(0)
    expect(out.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'append-100b',
      'append-1kib',
      'append-single',
      'libraries:',
      '',
    ])
  })

  it('names the benchmarks and the library that words select', async () => {
    const { code, out } = await bench('append', 'lmdb', '--list')
    expect(code).toBe(0)
    expect(out.split('\n').slice(-3)).toEqual([
      expect.stringMatching(/^append-single /),
      'libraries: lmdb',
      '',
    ])
  })

  it('names the nearest benchmark or library for a word that is in no name, and ends with 2', async () => {
    const err = `no benchmark and no library has 'lmbd' in its name; the nearest is 'lmdb' (--list names all)\n`
    expect(await bench('append', 'lmbd')).toEqual({ code: 2, out: '', err })
  })

  it.each([
    ['--speed', /Unknown option '--speed'/],
    ['--rounds=none', /--rounds must be a whole number/],
    ['--rounds=0', /--rounds must be a whole number/],
  ])('ends with 2 and how to use it for %s', async (flag, message) => {
    const { code, out, err } = await bench(flag)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(message)
    expect(err).toContain('Usage: npm run bench')
  })
})
