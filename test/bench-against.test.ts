import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { reasonOf } from '../bench/against.ts'
import { countLeftOut, describeVerdict, type Pair, verdictOf } from '../bench/against-verdict.ts'
import { parseArguments } from '../bench/arguments.ts'
import { gitEnvironment } from '../bench/git.ts'
import { Noise } from '../bench/support/payload.ts'
import { copyCheckout } from './helpers/checkout-copy.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Pairs in which each side has noise of its own, up to a fifth either way, and both have some in common. */
function noisyPairs(noise: Noise, { count, times, strays = 0 }: Shape): Pair[] {
  const uniform = (): number => noise.next() / 2 ** 32
  const figure = (): number => Math.exp((uniform() + uniform() - 1) * 0.2) * (uniform() < strays ? 3 : 1)
  return Array.from({ length: count }, () => {
    const common = Math.exp(uniform())
    return { mine: common * times * figure(), other: common * figure() }
  })
}

interface Shape {
  readonly count: number
  readonly times: number
  /** How many of the figures are three times off. */
  readonly strays?: number
}

/** How many of 1,000 comparisons end in each verdict. */
function verdicts(seed: number, shape: Shape): Record<string, number> {
  const noise = new Noise(seed)
  const counts: Record<string, number> = { better: 0, worse: 0, same: 0 }
  for (let run = 0; run < 1000; run++) counts[verdictOf(noisyPairs(noise, shape), 'records/s').kind]!++
  return counts
}

const pairsOf = (...ratios: number[]): Pair[] => ratios.map((ratio) => ({ mine: ratio * 10, other: 10 }))

describe('the verdict on two commits', () => {
  it.each([7, 11, 14, 30])('is "no difference" nearly always for two of a kind, in %i pairs', (count) => {
    expect(verdicts(count, { count, times: 1 })['same']).toBeGreaterThanOrEqual(970)
    expect(verdicts(count, { count, times: 1, strays: 0.1 })['same']).toBeGreaterThanOrEqual(970)
  })

  it.each([11, 14, 30])('tells what is 1.3 × as fast, nearly always, in %i pairs', (count) => {
    const { better, worse } = verdicts(count, { count, times: 1.3 })
    expect(better).toBeGreaterThan(950)
    expect(worse).toBe(0)
  })

  it('tells it through figures that are far off, given pairs enough', () => {
    expect(verdicts(3, { count: 30, times: 1.3, strays: 0.1 })['better']).toBeGreaterThan(950)
  })

  it('tells what is slower as well as what is faster', () => {
    const { better, worse } = verdicts(5, { count: 30, times: 1 / 1.3 })
    expect([better, worse! > 950]).toEqual([0, true])
  })

  it('leaves out so many ratios at each end that chance gets 2 of 100 wrong at most', () => {
    expect([7, 10, 11, 13, 14, 100, 1000].map(countLeftOut)).toEqual([0, 0, 1, 1, 2, 37, 462])
  })

  it('is a difference only where the spread does not contain 1', () => {
    expect(verdictOf(pairsOf(1.1, 1.2, 1.1, 1.3, 1.1, 1.2, 1.05), 'records/s').kind).toBe('better')
    expect(verdictOf(pairsOf(1.1, 1.2, 1.1, 1.3, 1.1, 1.2, 0.99), 'records/s').kind).toBe('same')
    expect(verdictOf(pairsOf(1.1, 1.2, 1.1, 1.3, 1.1, 1.2, 1), 'records/s').kind).toBe('same')
  })

  it('is "no difference" within 1 %, however sure that is', () => {
    expect(verdictOf(pairsOf(...Array<number>(30).fill(1.009)), 'MB').kind).toBe('same')
    expect(verdictOf(pairsOf(...Array<number>(30).fill(0.992)), 'MB').kind).toBe('same')
    expect(verdictOf(pairsOf(...Array<number>(30).fill(1.02)), 'MB').kind).toBe('worse')
  })

  it('is none of fewer than seven pairs, and none where a figure is 0', () => {
    expect(verdictOf(pairsOf(2, 2, 2, 2, 2, 2), 'ms').kind).toBe('few')
    expect(verdictOf([], 'ms').kind).toBe('none')
    expect(verdictOf([{ mine: 1, other: 0 }], 'ms').kind).toBe('none')
    expect(verdictOf([{ mine: 0, other: 1 }], 'ms').kind).toBe('none')
    const nothing = Array.from({ length: 7 }, () => ({ mine: 0, other: 0 }))
    expect(verdictOf(nothing, 'ms').kind).toBe('same')
  })

  it.each([
    ['records/s', 1.25, 'faster by 1.25 × (1.00 – 1.50)'],
    ['MB/s', 0.8, 'slower by 1.25 × (1.04 – 1.56)'],
    ['ms', 0.8, 'faster by 1.25 × (1.04 – 1.56)'],
    ['µs', 1.25, 'slower by 1.25 × (1.00 – 1.50)'],
    ['bytes/byte', 1.25, 'larger by 1.25 × (1.00 – 1.50)'],
    ['MB', 0.8, 'smaller by 1.25 × (1.04 – 1.56)'],
  ] as const)('in %s, %d × the figure, is said as: %s', (unit, times, text) => {
    const ratios = [0.8001, 0.9, 1, 1, 1, 1.1, 1.2].map((ratio) => ratio * times)
    expect(describeVerdict(verdictOf(pairsOf(...ratios), unit), unit)).toBe(text)
  })

  it('says so when there is no difference, when there are too few pairs and when there is no ratio', () => {
    const same = verdictOf(pairsOf(...Array<number>(7).fill(1)), 'ms')
    expect(describeVerdict(same, 'ms')).toBe('no difference')
    expect(describeVerdict(verdictOf(pairsOf(2), 'ms'), 'ms')).toBe('too few pairs to tell; 7 are needed')
    expect(describeVerdict(verdictOf([], 'ms'), 'ms')).toBe('no ratio: a figure is not above 0')
  })
})

describe('why another commit fails', () => {
  it('is the line of the error, not the code around it', () => {
    const said = [
      'append: seglog ended with exit 1:',
      'file:///x/append.ts:10',
      '  openLog()',
      "TypeError: openLog isn't a function",
      '    at x (file:///x/append.ts:10:3)',
    ]
    expect(reasonOf(said.join('\n'))).toBe("TypeError: openLog isn't a function")
    expect(reasonOf('x ended with exit 1:\nSeglogError [LOG_LOCKED]: it is open')).toBe(
      'SeglogError [LOG_LOCKED]: it is open',
    )
    expect(reasonOf('append: seglog ended with SIGTERM:\n')).toBe('append: seglog ended with SIGTERM:')
  })
})

/** A repository of its own with the benchmarks: in its first commit the engine has no `openLog`. */
function makeRepository(): { home: string; files: string; git(...words: string[]): string } {
  const home = copyCheckout('bench', 'src', 'package-lock.json', '.gitignore')
  const files = join(home, '..', 'files')
  mkdirSync(files)
  const identity = ['-c', 'user.name=Nobody', '-c', 'user.email=nobody@example.invalid']
  const git = (...words: string[]): string =>
    execFileSync('git', [...identity, ...words], { cwd: home, encoding: 'utf8', env: gitEnvironment() })
  const engine = readFileSync(join(home, 'src/index.ts'))
  git('init', '--quiet')
  writeFileSync(join(home, 'src/index.ts'), 'export {}\n')
  git('add', 'src', 'bench', 'package.json', 'package-lock.json')
  git('commit', '--quiet', '--message', 'one')
  writeFileSync(join(home, 'src/index.ts'), engine)
  git('commit', '--quiet', '--all', '--message', 'two')
  return { home, files, git }
}

/** Runs the benchmarks of a repository; `onSaid` is given what stderr has said so far. */
async function bench(home: string, words: readonly string[], onSaid?: (said: string, pid: number) => void) {
  const child = spawn(process.execPath, [join(home, 'bench/run.ts'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
    onSaid?.(err, child.pid!)
  })
  const [out, code] = await Promise.all([
    child.stdout.setEncoding('utf8').toArray(),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ])
  return { code, out: out.join(''), err }
}

/** Lines of a Markdown table, as cells. */
function rowsOf(text: string): string[][] {
  const rows = text.split('\n').filter((line) => line.startsWith('| '))
  return rows.map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '')))
}

describe('npm run bench -- --against', () => {
  it('measures both engines, says what the other cannot do, and leaves nothing behind', async () => {
    const { home, files, git } = makeRepository()
    appendFileSync(join(home, 'src/index.ts'), '// changed\n')
    const words = ['--against', 'HEAD~1', '--smoke', 'append-single', 'crc']
    const results = join(home, '..', 'results')
    const { code, out, err } = await bench(home, [...words, '--dir', files, '--out', results])
    expect([code, err]).toEqual([0, expect.stringContaining('working tree beside HEAD~1')])
    const rows = rowsOf(out)
    expect(rows[0]).toEqual([
      'Work',
      expect.stringMatching(/^HEAD~1 \([0-9a-f]+\)$/),
      'working tree',
      'Ratio',
      'working tree is',
    ])
    const append = rows.find(([work]) => work!.startsWith('Append'))!
    expect(append.slice(1)).toEqual([
      '',
      '',
      '',
      expect.stringMatching(/^cannot be told: HEAD~1 \(.*\) fails$/),
    ])
    expect(out).toContain('- append-single, seglog: TypeError: openLog is not a function')
    const checksum = rows.find(([work]) => work!.startsWith('CRC-32C of 64 bytes'))!
    expect(checksum.slice(1)).toEqual([
      expect.stringMatching(/MB\/s$/),
      expect.stringMatching(/MB\/s$/),
      expect.stringMatching(/^\d+\.\d+ ×$/),
      'too few pairs to tell; 7 are needed',
    ])
    expect(readFileSync(join(results, 'against.md'), 'utf8')).toBe(out)
    const stored = JSON.parse(readFileSync(join(results, 'against.json'), 'utf8')) as {
      rows: { figures: Pair[] }[]
    }
    expect(stored.rows.filter(({ figures }) => figures.length === 1)).toHaveLength(rows.length - 3)
    expect(readdirSync(files)).toEqual([])
    expect(git('worktree', 'list', '--porcelain').match(/^worktree /gm)).toHaveLength(1)
  }, 60_000)

  it('leaves nothing behind after Ctrl-C', async () => {
    const { home, files, git } = makeRepository()
    let listed = ''
    const { code } = await bench(
      home,
      ['--against', 'HEAD', '--quick', '--dir', files, 'append-single'],
      (said, pid) => {
        if (listed !== '' || !said.includes('append-single')) return
        listed = git('worktree', 'list')
        process.kill(pid, 'SIGINT')
      },
    )
    expect([code, listed]).toEqual([130, expect.stringContaining(files)])
    expect(readdirSync(files)).toEqual([])
    expect(git('worktree', 'list', '--porcelain').match(/^worktree /gm)).toHaveLength(1)
  }, 60_000)

  it('says so of what names no commit, and ends with 2', async () => {
    const { code, out, err } = await bench(root, ['--against', 'no-such-thing', 'append'])
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^--against: 'no-such-thing' names no commit of this repository.*\n/)
    expect(err).toContain('Usage: npm run bench')
  })

  it('wants as many pairs as tell anything', () => {
    expect(() => parseArguments(['--against', 'HEAD', '--rounds', '6'])).toThrow(
      '--against needs --rounds 7 at least, found 6',
    )
    expect(parseArguments(['--against', 'HEAD', '--rounds', '7']).rounds).toBe(7)
    expect(parseArguments(['--against', 'HEAD', '--quick']).rounds).toBe(7)
    expect(parseArguments(['--against', 'HEAD']).rounds).toBe(11)
    expect(() => parseArguments(['--against', 'HEAD', '--redraw'])).toThrow('exclude each other')
  })
})

/** Imports of the engine's code, not of its types, past the door. */
const PAST_THE_DOOR =
  /^import (?!type\b)[^'"]*['"](?:\.\.\/)+src\/|(?<!typeof )\bimport\(\s*['"](?:\.\.\/)+src\//gm

describe('the code of the benchmarks', () => {
  it('loads the engine through one door, so that another engine can be put behind it', () => {
    const paths = readdirSync(join(root, 'bench'), { recursive: true, encoding: 'utf8' }).filter(
      (path) =>
        path.endsWith('.ts') && !path.includes('node_modules') && path !== join('support', 'engine.ts'),
    )
    expect(paths.length).toBeGreaterThan(30)
    const besides = paths.flatMap((path) =>
      Array.from(readFileSync(join(root, 'bench', path), 'utf8').matchAll(PAST_THE_DOOR), ([found]) => [
        path,
        found,
      ]),
    )
    expect(besides).toEqual([])
  })

  it.each([
    ["import { openLog } from '../src/index.ts'", 1],
    ["import {\n  openLog,\n} from '../../src/index.ts'", 1],
    ["const { openLog } = await import('../../src/index.ts')", 1],
    ["import type { Log } from '../../src/index.ts'", 0],
    ["type Log = typeof import('../../src/index.ts')", 0],
    ["import { loadEngine } from './support/engine.ts'", 0],
  ])('of %j finds %i imports past the door', (text, count) => {
    expect(text.match(PAST_THE_DOOR) ?? []).toHaveLength(count)
  })
})
