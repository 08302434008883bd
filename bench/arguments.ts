import { parseArgs } from 'node:util'
import { PAIRS_MIN } from './against-verdict.ts'
import type { Size } from './scenario.ts'

/** What the command line asks for. */
export interface Arguments {
  readonly size: Size
  readonly rounds: number
  /** Names of benchmarks and libraries, or parts of them; all when there are none. */
  readonly words: readonly string[]
  /** Where the files of the run are made; the system's directory for temporary files by default. */
  readonly directory: string | undefined
  /** Where results are written; undefined for where they go by default. */
  readonly out: string | undefined
  /** Fails when a library is missing, in place of leaving it out. */
  readonly isCompleteOnly: boolean
  /** Where the processes of the run leave CPU profiles. */
  readonly profiles: string | undefined
  /** The commit whose engine is measured beside this one's. */
  readonly against: string | undefined
  /** Make the table and the charts of the stored results anew, and measure nothing. */
  readonly redraw: boolean
  readonly list: boolean
  readonly help: boolean
}

/** Medians are of at least five; a smoke run is not for its figures. */
const ROUNDS: Readonly<Record<Size, number>> = { full: 7, quick: 5, smoke: 1 }

/** Pairs of a comparison, see against-verdict.ts. */
const PAIRS: Readonly<Record<Size, number>> = { full: 11, quick: PAIRS_MIN, smoke: 1 }

export const USAGE = `Usage: npm run bench -- [WORD…] [options]

Runs the benchmarks whose name contains one of the words; all of them without one. A word that is a
library's name, or only in libraries' names, has seglog and the bare baselines measured beside that
library alone; 'bare' or 'seglog' beside none.

  --quick          under two minutes: only appends of values, scans of records, warm reads, openings, bytes on disk
                   and peak memory, beside lmdb, better-sqlite3 and classic-level alone, unless words name others;
                   without it, everything
  --smoke          tiny parameters, once each: shows that everything runs, and no figures; beside
                   better-sqlite3 alone, unless words name others or with --all-rivals
  --rounds N       processes for each subject of a scenario (full ${ROUNDS.full}, quick ${ROUNDS.quick})
  --all-rivals     beside every library whatever the size, and fail when one is missing (npm run
                   bench:install), in place of leaving it out
  --dir DIR        where to make the files that are measured, a directory on a real disk
  --out DIR        where to write latest.md, latest.json and the charts; by default bench/results for a run with
                   no words, neither --quick nor --smoke, every library and five rounds at least
  --cpu-prof DIR   leave a CPU profile of every process there
  --against REV    measure this checkout's engine and commit REV's in turn, and say which rows differ; see below
  --redraw         make the table, the charts and the pages of the stored results anew; measures nothing
  --list           name the benchmarks and the libraries
  --help           this text

--against measures what uses the engine, in pairs of processes, this checkout's and REV's, one right after the other and in
turning order (full ${PAIRS.full} pairs, quick ${PAIRS.quick}; --rounds N for more). The benchmarks themselves are this checkout's in both; what REV cannot
do is named. Uncommitted changes are measured as they are. The ratio of each pair is taken; "faster" or "slower" is said only
where the spread of these ratios, the one that holds the true median in 98 of 100 comparisons (of 7 pairs all, of 11 all but
one at each end), doesn't contain 1 and the median is at least 1 % away from it; "no difference" otherwise. The exit code is
0 whatever it finds. --out DIR writes against.md and against.json there.

Examples: npm run bench -- append scan --quick
          npm run bench -- append lmdb
          npm run bench -- --against HEAD~3 append
`

/** Reads the command line. Errors: TypeError or RangeError with a message for the user. */
export function parseArguments(words: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      dir: { type: 'string' },
      out: { type: 'string' },
      'all-rivals': { type: 'boolean', default: false },
      'cpu-prof': { type: 'string' },
      against: { type: 'string' },
      redraw: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.quick && values.smoke) throw new RangeError('--quick and --smoke exclude each other')
  const size = values.smoke ? 'smoke' : values.quick ? 'quick' : 'full'
  if (values.redraw && values.against !== undefined)
    throw new RangeError('--redraw and --against exclude each other')
  const defaultRounds = values.against === undefined ? ROUNDS : PAIRS
  const rounds = values.rounds === undefined ? defaultRounds[size] : parseRounds(values.rounds)
  if (values.against !== undefined && size !== 'smoke' && rounds < PAIRS_MIN)
    throw new RangeError(`--against needs --rounds ${PAIRS_MIN} at least, found ${rounds}`)
  return {
    size,
    rounds,
    words: positionals,
    directory: values.dir,
    out: values.out,
    isCompleteOnly: values['all-rivals'],
    profiles: values['cpu-prof'],
    against: values.against,
    redraw: values.redraw,
    list: values.list,
    help: values.help,
  }
}

/** True for a run that leaves out nothing that is there to measure: its results are the ones to keep. */
export function isWhole({ size, words }: Pick<Arguments, 'size' | 'words'>): boolean {
  return size === 'full' && words.length === 0
}

function parseRounds(text: string): number {
  const rounds = Number(text)
  if (Number.isInteger(rounds) && rounds >= 1 && rounds <= 1000) return rounds
  throw new RangeError(`--rounds must be a whole number from 1 to 1000, found '${text}'`)
}
