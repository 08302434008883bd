import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parseArguments } from '../bench/arguments.ts'
import { SCENARIOS } from '../bench/scenarios/index.ts'
import { temporaryDirectory } from './helpers/temporary-directory.ts'

const runner = fileURLToPath(new URL('../bench/run.ts', import.meta.url))

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
      growth: unknown[]
      machine: { versions: Record<string, string> }
      scenarios: { name: string; runs: { subject: string; outcome: { checked: { count: number } } }[] }[]
    }
    const ran = report.scenarios.map(({ name, runs }) => [name, runs.map(({ subject }) => subject).sort()])
    expect(ran).toEqual(SCENARIOS.map(({ name, subjects }) => [name, Object.keys(subjects).sort()]))
    expect(report.rows).toHaveLength(SCENARIOS.flatMap(({ rows }) => rows).length)
    for (const { figure } of report.rows) expect(figure.median).toBeGreaterThan(0)
    expect(report.growth).toHaveLength(SCENARIOS.flatMap(({ growth = [] }) => growth).length)
    expect(report.machine.versions).toHaveProperty('better-sqlite3')
    const table = readFileSync(join(directory, 'results', 'latest.md'), 'utf8')
    expect(table).toContain('| Work | Result |')
    expect(table).toContain('| Figure | At | Growth |')
    for (const { name } of SCENARIOS)
      expect(readFileSync(join(directory, 'results', `${name}.svg`), 'utf8')).toMatch(/^<svg /)
  }, 120_000)

  it('names the benchmarks that a word selects', async () => {
    const { code, out } = await bench('append', '--list')
    expect(code).toBe(0)
    expect(out.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'append-100b',
      'append-1kib',
      'append-single',
      '',
    ])
  })

  it('says so when no benchmark matches, and ends with 2', async () => {
    expect(await bench('nothing-like-it')).toEqual({ code: 2, out: '', err: 'no matching benchmarks\n' })
  })

  it('ends with 2 and how to use it for what it does not know', async () => {
    const { code, out, err } = await bench('--speed')
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain("Unknown option '--speed'")
    expect(err).toContain('Usage: npm run bench')
  })

  it.each(['none', '0', '1.5', '1001'])('does not take --rounds=%s', (rounds) => {
    expect(() => parseArguments([`--rounds=${rounds}`])).toThrow(
      '--rounds must be a whole number from 1 to 1000',
    )
  })
})
