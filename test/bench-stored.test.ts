import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { dependenciesOf, packageVersions } from '../bench/machine.ts'
import { formatReport } from '../bench/report.ts'
import { KAFKA, LIBRARY_NAMES, NEEDED_TO_JUDGE } from '../bench/rivals/index.ts'
import { SCENARIOS } from '../bench/scenarios/index.ts'
import { librariesOf, readWords, select } from '../bench/select.ts'
import { chartsOf, fillPage, fillReadme, readReport, RESULTS, whyNotKept } from '../bench/stored.ts'
import { summaryOf } from '../bench/summary.ts'
import { copyCheckout } from './helpers/checkout-copy.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(join(root, 'docs/performance.md'), 'utf8')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const report = readReport(RESULTS)
const charts = chartsOf(report, SCENARIOS)

// What these find is put right by: npm run bench -- --redraw
describe('the stored results', () => {
  it('have a chart for every benchmark that is in them, and no other', () => {
    const names = report.scenarios
      .map(({ name }) => name)
      .filter((name) => SCENARIOS.some((one) => one.name === name))
    expect(charts.map(({ name }) => name)).toEqual(names)
    const files = readdirSync(RESULTS).filter((name) => name.endsWith('.svg'))
    expect(files).toEqual(names.map((name) => `${name}.svg`).sort())
  })

  it('have charts and a table that are drawn from their figures', () => {
    for (const { name, svg } of charts)
      expect(readFileSync(join(RESULTS, `${name}.svg`), 'utf8'), name).toBe(svg)
    expect(readFileSync(join(RESULTS, 'latest.md'), 'utf8')).toBe(formatReport(report))
  })

  it('are shown in docs/performance.md, every chart of them', () => {
    const links = Array.from(
      page.matchAll(/!\[[^\]]+\]\(\.\.\/bench\/results\/([^)]+)\.svg\)/g),
      (match) => match[1],
    )
    expect(links).toEqual(charts.map(({ name }) => name))
    expect(page).toBe(fillPage(page, report, charts))
  })

  it('are what README.md shows of them', () => {
    expect(readme).toBe(fillReadme(readme, report))
  })
})

describe('a whole run', () => {
  it('is kept with all libraries and five rounds, and otherwise says why it is not', () => {
    expect(whyNotKept(report)).toBeUndefined()
    expect(whyNotKept({ ...report, rounds: 4 })).toContain('at least 5 rounds, found 4')
    expect(whyNotKept({ ...report, size: 'quick' })).toBe('it is a quick run')
    const rivals = report.rivals.filter(({ name }) => name !== 'lmdb' && name !== 'hypercore')
    expect(whyNotKept({ ...report, rivals })).toMatch(/^without lmdb, hypercore; npm run bench:install/)
  })

  it('that is not one to show changes no file when it is to be drawn anew', () => {
    const home = copyCheckout('bench', 'docs/performance.md', 'README.md')
    const stored = join(home, 'bench/results/latest.json')
    const rows = report.rows.filter(({ scenario }) => scenario !== 'durable-64')
    const before = readFileSync(join(home, 'bench/results/latest.md'), 'utf8')
    for (const [bad, says] of [
      [{ ...report, size: 'quick' }, 'it is a quick run'],
      [{ ...report, rows }, 'the report has no figures of seglog and libraries in durable-64'],
    ] as const) {
      writeFileSync(stored, JSON.stringify(bad))
      const run = spawnSync(process.execPath, [join(home, 'bench/run.ts'), '--redraw'], { encoding: 'utf8' })
      expect([run.status, run.stderr]).toEqual([1, expect.stringContaining(says)])
    }
    expect(readFileSync(join(home, 'bench/results/latest.md'), 'utf8')).toBe(before)
    expect(readFileSync(join(home, 'README.md'), 'utf8')).toBe(readme)
    expect(readFileSync(join(home, 'docs/performance.md'), 'utf8')).toBe(page)
  })
})

describe('the summary in README.md', () => {
  it('is of the machine and day of the run, and has the library with the highest median', () => {
    const [where, table] = summaryOf(report)
    expect(where).toContain(`${report.date.slice(0, 10)}, ${report.machine.processor}`)
    const line = table!.split('\n').find((row) => row.includes('100 B × 1,000 a batch, `os`'))!
    const rows = report.rows.filter((row) => row.scenario === 'append-100b')
    const best = rows.find((row) => row.work.endsWith('beside the best library'))!.beside!
    expect(line).toContain(`, ${best.subject} `)
  })

  it('is not written from a report that lacks a figure, nor where there is no place for it', () => {
    const rows = report.rows.filter((row) => row.scenario !== 'durable-64')
    expect(() => summaryOf({ ...report, rows })).toThrow('no figures of seglog and libraries in durable-64')
    expect(() => fillReadme('# seglog\n', report)).toThrow("the page has no '<!-- begin")
  })
})

/** What the table of benchmarks says of each. */
function tableOfPage(): Map<string, { hasLibraries: boolean; isQuick: boolean }> {
  const lines = page.split('\n').filter((line) => line.startsWith('| `') && line.split(' | ').length === 4)
  const rows = lines.flatMap((line) => {
    const [what, , libraries, quick] = line
      .split('|')
      .slice(1)
      .map((cell) => cell.trim())
    const names = Array.from(what!.split(':')[0]!.matchAll(/`([\w-]+)`/g), (match) => match[1]!)
    const says = { hasLibraries: libraries === 'yes', isQuick: quick === 'yes' }
    return names.map((name) => [name, says] as const)
  })
  return new Map(rows)
}

describe('the page', () => {
  it('names every benchmark, and says of each whether it has libraries and whether a quick run has it', () => {
    const run = { size: 'quick', missing: {}, onlyLibraries: NEEDED_TO_JUDGE } as const
    const wanted = readWords([], { scenarios: SCENARIOS, libraries: LIBRARY_NAMES })
    const quick = new Set(select(wanted, run).scenarios.map(({ name }) => name))
    const expected = SCENARIOS.map((one) => {
      const hasLibraries = librariesOf(one).some((library) => library !== KAFKA)
      return [one.name, { hasLibraries, isQuick: quick.has(one.name) }] as const
    })
    expect(tableOfPage()).toEqual(new Map(expected))
  })

  it('is not written where it has no place for figures', () => {
    expect(() => fillPage('# Performance\n', report, charts)).toThrow("the page has no '<!-- begin")
    const turned = page.split('\n').toReversed().join('\n')
    expect(() => fillPage(turned, report, charts)).toThrow("the page has no '<!-- begin")
  })

  it('says where the figures come from, how they grow, and keeps what is around them', () => {
    const growth = {
      scenario: 'sample',
      work: 'Opening',
      by: 'the data',
      unit: 'ms',
      metric: 'openMs',
      points: [
        { size: 1, figure: 2 },
        { size: 10, figure: 2 },
      ],
      fit: { exponent: 0, min: -0.05, max: 0.02, rounds: 5 },
      isMet: undefined,
    } as const
    const versions = { 'better-sqlite3': '1.2.3' }
    const machine = { ...report.machine, commit: 'abc1234', versions }
    const filled = fillPage(page, { ...report, machine, growth: [growth] }, [])
    expect(filled).toContain(' run of commit abc1234 on ')
    expect(filled).toContain('; better-sqlite3 1.2.3.')
    expect(filled).toContain(
      '- Opening: exponent 0.00 (−0.05 – 0.02): does not grow with the data (1 ×: 2.00 ms, 10 ×: 2.00 ms)',
    )
    expect(filled).not.toContain('.svg)')
    expect(fillPage(filled, report, charts)).toBe(page)
  })

  it('is made anew with the charts, and charts whose benchmark is gone are removed, but no file of others', () => {
    const home = copyCheckout('bench', 'docs/performance.md', 'README.md')
    const results = join(home, 'bench/results')
    const names = readdirSync(results)
    const chart = readFileSync(join(results, 'append-100b.svg'))
    writeFileSync(join(results, 'of-old.svg'), chart)
    writeFileSync(join(results, 'of-another.svg'), '<svg/>')
    writeFileSync(join(results, 'append-100b.svg'), '')
    writeFileSync(join(home, 'docs/performance.md'), page.replaceAll(/^!\[.*$/gm, ''))
    writeFileSync(join(home, 'README.md'), readme.replaceAll(/^\| append .*$/gm, ''))
    execFileSync(process.execPath, [join(home, 'bench/run.ts'), '--redraw'])
    expect(readFileSync(join(home, 'README.md'), 'utf8')).toBe(readme)
    expect(readdirSync(results)).toEqual([...names, 'of-another.svg'].sort())
    expect(readFileSync(join(results, 'append-100b.svg'))).toEqual(chart)
    expect(readFileSync(join(home, 'docs/performance.md'), 'utf8')).toBe(page)
  })
})

describe('the versions in a report', () => {
  it('are those of the packages that are installed, and none of those that are not', () => {
    const { version } = JSON.parse(
      readFileSync(join(root, 'node_modules/better-sqlite3/package.json'), 'utf8'),
    ) as { version: string }
    expect(packageVersions(root, ['better-sqlite3', 'there-is-no-such'])).toEqual({
      'better-sqlite3': version,
    })
  })

  it('are of what a package wants, and of nothing where there is no package', () => {
    expect(dependenciesOf(root)).toContain('better-sqlite3')
    expect(dependenciesOf(join(root, 'there-is-no-such'))).toEqual([])
  })
})
