import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Run, judge } from '../bench/results.ts'
import { checkKilled, checkRival } from '../bench/rivals/check.ts'
import { describeRivals, formatRivals } from '../bench/rivals/describe.ts'
import { GroupCommit } from '../bench/rivals/group-commit.ts'
import { LIBRARY_NAMES, NEEDED_TO_JUDGE, RIVALS } from '../bench/rivals/index.ts'
import { parseConsumed, parseProduced } from '../bench/rivals/kafka.ts'
import { whyMissing } from '../bench/rivals/library.ts'
import { describeMissing } from '../bench/rivals/missing.ts'
import type { Row, Scenario } from '../bench/scenario.ts'
import { SCENARIOS } from '../bench/scenarios/index.ts'
import { readWords, select } from '../bench/select.ts'
import { temporaryDirectory } from './helpers/temporary-directory.ts'

const all = { scenarios: SCENARIOS, libraries: LIBRARY_NAMES }
const full = { size: 'full', missing: {}, onlyLibraries: undefined } as const
const names = (scenarios: readonly Scenario[]) => scenarios.map(({ name }) => name)
const subjectsOf = (scenarios: readonly Scenario[], name: string) =>
  Object.keys(scenarios.find((one) => one.name === name)!.subjects)

/** Runs of one figure, a subject's values round by round. */
const runsOf = (rates: Readonly<Record<string, readonly number[]>>): Run[] =>
  Object.entries(rates).flatMap(([subject, values]) =>
    values.map((rate, round) => ({
      round,
      subject,
      outcome: { metrics: { rate }, checked: { count: 1, hash: 1 } },
    })),
  )

const scenarioOf = (rows: readonly Row[]): Scenario => ({
  name: 'one',
  title: 'one',
  parameters: { full: {}, quick: {}, smoke: {} },
  subjects: {},
  libraries: { slow: 'slow library' },
  rows,
})

describe('the libraries that need nothing but the root packages', () => {
  it.each(['better-sqlite3', 'node:sqlite'])(
    '%s keeps what it has acknowledged, and gives it back',
    async (name) => {
      const rival = RIVALS.find((one) => one.name === name)!
      const directory = temporaryDirectory()
      await checkRival(rival, join(directory, 'checked'))
      await checkKilled(rival, join(directory, 'killed'))
    },
  )

  it('an adapter that loses a record does not pass the check', async () => {
    const rival = RIVALS.find((one) => one.name === 'node:sqlite')!
    const losing = {
      ...rival,
      open: async (...args: Parameters<typeof rival.open>) => {
        const log = await rival.open(...args)
        const appendBatch = log.appendBatch.bind(log)
        log.appendBatch = (values) => appendBatch(values.slice(1))
        return log
      },
    }
    await expect(checkRival(losing, temporaryDirectory())).rejects.toThrow('the count of values')
  })
})

describe('the words of the command line', () => {
  it('without any, everything is wanted', () => {
    expect(readWords([], all)).toEqual({ scenarios: SCENARIOS, libraries: undefined, isNamed: false })
  })

  it('a part of benchmark names selects these beside all libraries', () => {
    const wanted = readWords(['scan'], all)
    expect(names(wanted.scenarios)).toEqual(['scan-100b', 'scan-1kib', 'scan-raw'])
    expect(wanted.libraries).toBeUndefined()
  })

  it("a library's name selects it, seglog and the bare baselines, wherever the library is", () => {
    const wanted = readWords(['lmdb'], all)
    expect(names(wanted.scenarios)).toContain('durable-64')
    expect(names(wanted.scenarios)).not.toContain('crc')
    const { scenarios, absent } = select(wanted, full)
    expect(subjectsOf(scenarios, 'append-100b')).toEqual(['seglog', 'bare', 'bare, encoded before', 'lmdb'])
    expect(absent).toEqual([])
  })

  it('benchmarks and a library together select the one beside the other', () => {
    const { scenarios } = select(readWords(['append-single', 'sqlite'], all), full)
    expect(names(scenarios)).toEqual(['append-single'])
    expect(subjectsOf(scenarios, 'append-single')).toEqual([
      'seglog',
      'bare',
      'bare, encoded before',
      'better-sqlite3',
      'better-sqlite3, grouped',
      'node:sqlite',
      'node:sqlite, grouped',
    ])
  })

  it("a word in benchmarks' names does not mean a library that has it too", () => {
    expect(readWords(['append'], all).libraries).toBeUndefined()
    expect(readWords(['async-append-only-log'], all).libraries).toEqual(['async-append-only-log'])
  })

  it('a name that a benchmark and a library share means both', () => {
    const wanted = readWords(['kafka'], all)
    expect([names(wanted.scenarios), wanted.libraries]).toEqual([['kafka'], ['kafka']])
  })

  it("'bare' beside benchmarks leaves all libraries out", () => {
    const { scenarios } = select(readWords(['durable-64', 'bare'], all), full)
    expect(subjectsOf(scenarios, 'durable-64')).toEqual([
      'seglog',
      'seglog, preallocate',
      'bare one by one',
      'bare in groups',
    ])
  })

  it.each([
    ['apend', 'append-100b'],
    ['levl', 'classic-level'],
    ['hipercore', 'hypercore'],
    ['durble-64', 'durable-64'],
  ])('%s is refused, and the nearest, %s, is named', (word, nearest) => {
    expect(() => readWords(['scan', word], all)).toThrow(new RegExp(`'${word}'.*nearest is '${nearest}'`))
  })
})

describe('what a run leaves out', () => {
  it('a missing library, with its subjects and rows, and says why', () => {
    const { scenarios, absent } = select(readWords(['append-100b'], all), {
      ...full,
      missing: { lmdb: 'not installed' },
    })
    expect(subjectsOf(scenarios, 'append-100b')).not.toContain('lmdb')
    expect(scenarios[0]!.rows.map(({ subject }) => subject)).not.toContain('lmdb')
    expect(absent).toEqual([{ scenario: 'append-100b', library: 'lmdb', reason: 'not installed' }])
  })

  it('where the run has no time, all but some libraries, unless words name them', () => {
    const quick = { size: 'quick', missing: {}, onlyLibraries: ['lmdb'] } as const
    const { scenarios, absent } = select(readWords([], all), quick)
    expect(subjectsOf(scenarios, 'scan-100b')).toEqual(['seglog', 'bare', 'bare, new memory', 'lmdb'])
    expect(names(scenarios)).not.toContain('kafka')
    expect(absent).toContainEqual({ scenario: 'kafka', library: 'kafka', reason: 'left out of a quick run' })
    expect(names(select(readWords(['kafka'], all), quick).scenarios)).toEqual(['kafka'])
  })

  it('where the run has no time, the longest benchmarks, unless words name benchmarks', () => {
    const quick = { size: 'quick', missing: {}, onlyLibraries: ['lmdb'] } as const
    const { scenarios, absent } = select(readWords([], all), quick)
    expect(names(scenarios)).not.toContain('scale-store')
    expect(absent).toContainEqual({ scenario: 'scale-store', reason: 'left out of a quick run' })
    expect(names(select(readWords(['scale-store'], all), quick).scenarios)).toEqual(['scale-store'])
    expect(formatRivals([], absent)).toContainEqual(expect.stringMatching(/^- .*`scale-store`.*: left out/))
  })

  it('a library that has no such level, and says why', () => {
    const { absent } = select(readWords(['durable-64'], all), full)
    expect(absent).toEqual([
      { scenario: 'durable-64', library: 'flumelog-offset', reason: 'it never syncs' },
      { scenario: 'durable-64', library: 'hypercore', reason: 'it never syncs its write-ahead log' },
    ])
  })

  it('a library that has no numbers to read by, and says why', () => {
    const { absent } = select(readWords(['point-read'], all), full)
    const reason = 'it finds records by position, and has no numbers'
    expect(absent).toEqual([
      { scenario: 'point-read', library: 'async-append-only-log', reason },
      { scenario: 'point-read', library: 'flumelog-offset', reason },
    ])
  })

  it('is a line for each reason, in the output and in the report', () => {
    const missing = { lmdb: 'not installed', hypercore: 'not installed', kafka: 'java is not installed' }
    expect(describeMissing(missing)).toEqual([
      'not installed: lmdb, hypercore (npm run bench:install)',
      'missing: kafka (java is not installed)',
    ])
    const absent = ['a', 'b'].flatMap((scenario) => [
      { scenario, library: 'lmdb', reason: 'not installed' },
      { scenario, library: 'hypercore', reason: 'not installed' },
    ])
    expect(formatRivals([], absent)).toContain('- not in `a`, `b`: lmdb, hypercore (not installed)')
  })

  it('a package that there is not is found to be missing, and one that there is not', () => {
    expect(whyMissing('no-package-has-this-name')).toBe('not installed')
    expect(whyMissing('better-sqlite3')).toBeUndefined()
  })

  it('a library that was measured is described with what it promises less', async () => {
    const { scenarios } = select(readWords(['scan-100b', 'better-sqlite3'], all), full)
    expect(await describeRivals(scenarios)).toEqual([
      expect.objectContaining({
        name: 'better-sqlite3',
        version: expect.stringMatching(/^\d+\./),
        notes: [expect.stringMatching(/^less: checksums/)],
      }),
    ])
  })
})

describe('a quick run', () => {
  it('has appends, scans, warm reads, openings, bytes and memory, and no more than these', () => {
    const quick = { size: 'quick', missing: {}, onlyLibraries: NEEDED_TO_JUDGE } as const
    const { scenarios } = select(readWords([], all), quick)
    expect(names(scenarios)).toEqual([
      'append-100b',
      'append-single',
      'durable-alone',
      'durable-64',
      'scan-100b',
      'point-read',
      'reopen-clean',
      'reopen-killed',
      'peak-memory',
    ])
  })
})

describe('a row beside the best library', () => {
  const row: Row = {
    work: 'work',
    unit: 'records/s',
    subject: 'seglog',
    metric: 'rate',
    besideBest: { subjects: ['slow', 'fast', 'away'], needed: ['slow', 'fast'] },
    goal: { kind: 'comparison-min', limit: 2 },
  }
  const judged = (rates: Readonly<Record<string, readonly number[]>>) =>
    judge(scenarioOf([row]), { runs: runsOf(rates), hasGoals: true })[0]!

  it('is held against the one with the highest median, round by round', () => {
    const { beside, isMet } = judged({ seglog: [30, 30, 60], fast: [10, 20, 15], slow: [1, 100, 2] })
    expect(beside).toMatchObject({ subject: 'fast', figure: { median: 15, min: 10, max: 20 } })
    expect(beside!.comparison).toEqual({ median: 3, min: 1.5, max: 4 })
    expect(isMet).toBe(true)
  })

  it('is missed by less than the goal', () => {
    expect(judged({ seglog: [29], fast: [15], slow: [1] }).isMet).toBe(false)
  })

  it('is shown and not judged without one of those that it needs', () => {
    const { beside, isMet, notJudged } = judged({ seglog: [30], slow: [1] })
    expect([beside!.subject, isMet, notJudged]).toEqual(['slow', undefined, 'fast missing'])
  })

  it('has nothing beside it without any of them', () => {
    const { beside, isMet, notJudged } = judged({ seglog: [30] })
    expect([beside, isMet, notJudged]).toEqual([undefined, undefined, 'slow, fast missing'])
  })

  it("a library's own row says which it is", () => {
    const { goal: _goal, besideBest: _best, ...plain } = row
    const runs = runsOf({ slow: [1] })
    expect(judge(scenarioOf([{ ...plain, subject: 'slow' }]), { runs, hasGoals: true })[0]).toMatchObject({
      library: 'slow library',
    })
  })

  it.each([
    ['append-100b', [['seglog', 5]]],
    ['append-1kib', [['seglog', 1.75]]],
    ['append-single', [['seglog', 6]]],
    ['append-json', [['seglog', undefined]]],
    ['durable-alone', [['seglog', undefined]]],
    [
      'durable-64',
      [
        ['seglog', 1.75],
        ['seglog, preallocate', 2.5],
      ],
    ],
    ['scan-100b', [['seglog', 3]]],
    ['scan-1kib', [['seglog', 3]]],
    ['point-read', [['seglog', 1.2]]],
  ] as const)('is in %s, of %j, and needs the three that it is to be judged with', (name, expected) => {
    const found = SCENARIOS.find((one) => one.name === name)!
    const best = found.rows.filter(({ besideBest }) => besideBest !== undefined)
    expect(best.map(({ subject, goal }) => [subject, goal?.limit])).toEqual(expected)
    for (const { besideBest, goal } of best) {
      expect([undefined, 'comparison-min']).toContain(goal?.kind)
      const needed = besideBest!.needed.map((subject) => found.libraries![subject])
      expect([...new Set(needed)]).toEqual(NEEDED_TO_JUDGE)
    }
  })
})

describe('gathering calls for a library that commits each', () => {
  it('puts the calls of a turn into one commit, and those that come meanwhile into the next', async () => {
    const commits: number[][] = []
    const { promise: slow, resolve: end } = Promise.withResolvers<void>()
    const group = new GroupCommit((values) => {
      commits.push(values.map((value) => value[0]!))
      return commits.length === 1 ? slow : undefined
    })
    const append = (number: number) => group.append(Uint8Array.of(number))
    const first = [append(1), append(2)]
    await Promise.resolve()
    await Promise.resolve()
    const second = [append(3), append(4)]
    expect(commits).toEqual([[1, 2]])
    end()
    await Promise.all([...first, ...second])
    expect(commits).toEqual([
      [1, 2],
      [3, 4],
    ])
  })

  it('rejects all calls of a commit that fails', async () => {
    const group = new GroupCommit(() => Promise.reject(new Error('no space')))
    const appends = [group.append(Uint8Array.of(1)), group.append(Uint8Array.of(2))]
    await expect(Promise.allSettled(appends)).resolves.toMatchObject([
      { status: 'rejected', reason: { message: 'no space' } },
      { status: 'rejected', reason: { message: 'no space' } },
    ])
  })
})

describe("what Kafka's tools say", () => {
  const load = { topic: 'small', records: 500, warmupRecords: 100, valueBytes: 1024 }
  const produced = [
    '321 records sent, 64.2 records/sec (0.06 MB/sec), 1.0 ms avg latency, 2.0 ms max latency.',
    '600 records sent, 70.5 records/sec (0.07 MB/sec), 1.0 ms avg latency, 2.00 ms max latency, 1 ms 50th.',
    '500 steady state records sent, 90.25 records/sec (0.09 MB/sec), 1.0 ms avg latency, 2.00 ms max latency.',
  ]
  const consumed =
    '2026-01-01 00:00:00:000, 2026-01-01 00:00:01:000, 0.4883, 0.4, 500, 400.5, 90, 910, 0.5, 549.4505'

  it('the rate of the producer is that after its warm-up', () => {
    expect(parseProduced(produced.join('\n'), load)).toBe(90.25)
    expect(parseProduced(produced.slice(0, 2).join('\n'), { ...load, records: 600, warmupRecords: 0 })).toBe(
      70.5,
    )
  })

  it('a producer that has sent too few has failed', () => {
    expect(() => parseProduced(produced[0]!, load)).toThrow("Kafka's producer has sent 321 records")
    expect(() => parseProduced('', load)).toThrow("Kafka's producer has sent NaN records")
    expect(() => parseProduced(produced.slice(0, 2).join('\n'), load)).toThrow('no rate')
  })

  it('the rate of the consumer is that of its fetching', () => {
    expect(parseConsumed(`a header\n${consumed}\n`, load)).toBe(549.4505)
  })

  it('a consumer that has read another count of records, or of bytes, has failed', () => {
    expect(() => parseConsumed(consumed, { ...load, records: 501 })).toThrow('has not read 501 records')
    expect(() => parseConsumed(consumed, { ...load, valueBytes: 1000 })).toThrow('has not read 500 records')
    expect(() => parseConsumed('', load)).toThrow('has not read 500 records')
  })
})
