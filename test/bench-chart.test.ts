import { describe, expect, it } from 'vitest'
import { chartOf, chartSpecOf } from '../bench/chart.ts'
import type { Run } from '../bench/results.ts'
import { type Row, type Scenario, scenario } from '../bench/scenario.ts'

const row: Row = { work: 'work', unit: 'records/s', subject: 'seglog', metric: 'rate' }
const subject = async () => ({ metrics: {}, checked: { count: 0, hash: 0 } })

/** A scenario of which only what a chart needs is filled in. */
function scenarioOf(subjects: readonly string[], rest: Partial<Scenario> = {}): Scenario {
  return scenario({
    name: 'sample',
    title: 'A title',
    parameters: { full: {}, quick: {}, smoke: {} },
    subjects: Object.fromEntries(subjects.map((name) => [name, subject])),
    rows: [row],
    ...rest,
  })
}

/** Runs of each subject, one a round, with these figures. */
function runsOf(figures: Readonly<Record<string, readonly number[]>>, metric = 'rate'): Run[] {
  return Object.entries(figures).flatMap(([name, values]) =>
    values.map((value, round) => ({
      round,
      subject: name,
      outcome: { metrics: { [metric]: value }, checked: { count: 0, hash: 0 } },
    })),
  )
}

/** What a chart says, text by text. */
function textsOf(svg: string | undefined): string[] {
  return Array.from(svg?.matchAll(/<text[^>]*>([^<]*)<\/text>/g) ?? [], (match) => match[1]!)
}

/** The widths of the bars, in their order. */
function barsOf(svg: string | undefined): { role: string; width: number }[] {
  return Array.from(
    svg?.matchAll(/<rect class="(ours|bare|other)" [^>]*width="([\d.]+)" height="14"/g) ?? [],
    (match) => ({ role: match[1]!, width: Number(match[2]) }),
  )
}

describe('a chart', () => {
  it('shows ratios to the bare baseline, best first, with figures and their unit', () => {
    const svg = chartOf(
      scenarioOf(['seglog', 'bare', 'lmdb']),
      runsOf({ seglog: [100, 300, 200], bare: [400, 400, 400], lmdb: [40, 40, 40] }),
    )
    expect(
      textsOf(svg).filter((text) => /^(?:bare|seglog|lmdb|[\d.]+ (?:×|records\/s))$/.test(text)),
    ).toEqual([
      '0.25 ×',
      '0.5 ×',
      '0.75 ×',
      '1 ×',
      'bare',
      '1.00 ×',
      '400 records/s',
      'seglog',
      '0.50 ×',
      '200 records/s',
      'lmdb',
      '0.10 ×',
      '40 records/s',
    ])
    const [bare, seglog, lmdb] = barsOf(svg)
    expect([bare!.role, seglog!.role, lmdb!.role]).toEqual(['bare', 'ours', 'other'])
    expect(seglog!.width / bare!.width).toBeCloseTo(0.5, 2)
    expect(lmdb!.width / bare!.width).toBeCloseTo(0.1, 2)
  })

  it('divides round by round, so that a round in which all are slow moves no whisker', () => {
    const steady = { seglog: [100, 10, 50], bare: [200, 20, 100] }
    expect(chartOf(scenarioOf(['seglog', 'bare']), runsOf(steady))).not.toContain('class="whisker"')
    const unsteady = { seglog: [100, 20, 50], bare: [200, 20, 100] }
    const svg = chartOf(scenarioOf(['seglog', 'bare']), runsOf(unsteady))
    expect(svg).toContain('seglog 0.50 ×, from 0.50 × to 1.00 ×')
    expect(svg?.match(/class="whisker"/g)).toHaveLength(1)
  })

  it('shows the figures themselves, in the order of the scenario, where there is no bare baseline', () => {
    const times = scenarioOf(['10×', '1×'], { rows: [{ ...row, unit: 'ms' }] })
    const svg = chartOf(times, runsOf({ '1×': [5], '10×': [20] }))
    expect(textsOf(svg)).toEqual(expect.arrayContaining(['10×', '20.0 ms', '1×', '5.00 ms']))
    expect(textsOf(svg)[1]).toMatch(/^ms: less is better/)
    expect(barsOf(svg).map(({ role }) => role)).toEqual(['ours', 'ours'])
    const [ten, one] = barsOf(svg)
    expect(one!.width / ten!.width).toBeCloseTo(0.25, 2)
  })

  it('puts the quickest first where less is better', () => {
    const times = scenarioOf(['seglog', 'bare', 'lmdb'], { rows: [{ ...row, unit: 'ms' }] })
    const svg = chartOf(times, runsOf({ seglog: [2], bare: [1], lmdb: [9] }))
    expect(textsOf(svg).filter((text) => /^[a-z]+$/.test(text))).toEqual(['bare', 'seglog', 'lmdb'])
  })

  it('leaves out subjects that have not run or have another metric, and is none without a figure', () => {
    const sample = scenarioOf(['seglog', 'bare', 'lmdb'])
    expect(textsOf(chartOf(sample, runsOf({ seglog: [1], bare: [2] })))).not.toContain('lmdb')
    expect(chartOf(sample, runsOf({ seglog: [1] }))).toBeUndefined() // nothing to divide by
    expect(chartOf(sample, runsOf({ seglog: [1], bare: [0] }))).toBeUndefined()
    expect(chartOf(sample, runsOf({ seglog: [1], bare: [2] }, 'another'))).toBeUndefined()
    expect(chartOf(sample, [])).toBeUndefined()
  })

  it('can be read out: its role, its title and every figure in its description', () => {
    const svg = chartOf(scenarioOf(['seglog', 'bare']), runsOf({ seglog: [100, 200], bare: [400, 400] }))
    expect(svg).toContain('role="img" aria-labelledby="title desc"')
    expect(svg).toContain('<title id="title">A title</title>')
    expect(svg).toMatch(
      /<desc id="desc">[^<]*bare 1\.00 ×[^<]*400 records\/s; seglog 0\.38 ×, from 0\.25 × to 0\.50 ×, 150 records\/s\.<\/desc>/,
    )
    expect(svg).toContain('prefers-color-scheme: dark')
  })

  it('holds whatever a name is made of, and stays well-formed', () => {
    const name = `<b> & "quotes" ]]> \u0000 ${'long '.repeat(20)}`
    const svg = chartOf(
      scenarioOf([name, 'bare'], { title: '1 < 2 & 3' }),
      runsOf({ [name]: [1], bare: [2] }),
    )
    expect(svg).toContain('1 &lt; 2 &amp; 3')
    expect(svg).not.toContain('<b>')
    expect(svg).not.toContain('\u0000')
    const tags = Array.from(svg!.matchAll(/<(\/?)([a-z]+)([^>]*?)(\/?)>/g))
    const open: string[] = []
    for (const [, closing, tag, , alone] of tags) {
      if (closing === '/') expect(open.pop()).toBe(tag)
      else if (alone === '') open.push(tag!)
    }
    expect(open).toEqual([])
    expect(svg!.replaceAll(/&(?:amp|lt|gt|quot);/g, '')).not.toContain('&')
  })

  it('is the same for the same runs, whichever finished first', () => {
    const runs = runsOf({ seglog: [100, 300, 200], bare: [400, 500, 400] })
    const sample = scenarioOf(['seglog', 'bare'])
    expect(chartOf(sample, runs.toReversed())).toBe(chartOf(sample, runs))
  })

  it('shows figures of 0 as bars of no length', () => {
    const svg = chartOf(
      scenarioOf(['a', 'b'], { rows: [{ ...row, unit: 'ms' }] }),
      runsOf({ a: [0], b: [0] }),
    )
    expect(barsOf(svg).map(({ width }) => width)).toEqual([1, 1])
    expect(svg).not.toContain('NaN')
  })
})

describe('what a chart shows', () => {
  it('is the first row, beside what is called bare, when the scenario does not say', () => {
    expect(chartSpecOf(scenarioOf(['seglog', 'bare in groups', 'lmdb']))).toEqual({
      metric: 'rate',
      unit: 'records/s',
      baseline: 'bare in groups',
    })
    expect(chartSpecOf(scenarioOf(['seglog', 'lmdb']))).toEqual({ metric: 'rate', unit: 'records/s' })
  })

  it('has no baseline where the first row is a difference', () => {
    const rows: Row[] = [{ ...row, beside: { subject: 'bare' }, compare: 'difference' }]
    expect(chartSpecOf(scenarioOf(['seglog', 'bare'], { rows }))).toEqual({
      metric: 'rate',
      unit: 'records/s',
    })
  })

  it('is what the scenario says, with a title of its own', () => {
    const chart = { metric: 'other', unit: 'ms', title: 'Another title' } as const
    const sample = scenarioOf(['seglog', 'bare'], { chart })
    expect(chartSpecOf(sample)).toBe(chart)
    expect(textsOf(chartOf(sample, runsOf({ seglog: [1], bare: [2] }, 'other')))[0]).toBe('Another title')
  })

  it('is nothing where there are no rows', () => {
    expect(chartSpecOf(scenarioOf(['seglog'], { rows: [] }))).toBeUndefined()
    expect(chartOf(scenarioOf(['seglog'], { rows: [] }), runsOf({ seglog: [1] }))).toBeUndefined()
  })
})
