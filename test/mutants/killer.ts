/* Running one killer in a copy of the tree, and judging whether it noticed. */
import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Killer, ScriptKiller, TestKiller } from './mutants.ts'

/** What a run of a killer showed. */
export interface KillerRun {
  /** `failed` only for the right reason: a test that was named failed, and not because the code could not be loaded. */
  readonly outcome: 'passed' | 'failed' | 'broken'
  /** The tests that failed, or why the run says nothing. */
  readonly details: readonly string[]
}

/** The part of vitest's JSON report that is looked at. */
interface TestReport {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[] | null
    }[]
  }[]
}

/** Replayed by every run, so that the same mutant meets the same trials. */
const SEED = '1'
const REPORT = 'mutant-report.json'
const RUN_MS_MAX = 120_000

/** How a test fails when what it checks is not so. */
const CHECKED = /^(?:AssertionError|SeglogError|Error: promise (?:resolved|rejected)|Error: Property failed)/

/** How it fails when the mutant is no program at all. */
const NO_PROGRAM =
  /Transform failed|does not provide an export|SyntaxError|ReferenceError|is not a function|Cannot find|Failed to load/

export const describeKiller = (killer: Killer): string =>
  'script' in killer
    ? `npm run ${killer.script} -- ${killer.args.join(' ')}`
    : `${killer.file}: ${killer.name}`

/** Runs a killer in `directory`, which has the tree and its node_modules. */
export function runKiller(directory: string, killer: Killer): Promise<KillerRun> {
  return 'script' in killer ? runScript(directory, killer) : runTests(directory, killer)
}

async function runTests(directory: string, { file, name }: TestKiller): Promise<KillerRun> {
  const report = join(directory, REPORT)
  rmSync(report, { force: true })
  const pattern = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const args = ['run', file, '-t', pattern, '--hookTimeout=2000', '--reporter=json', `--outputFile=${REPORT}`]
  const vitest = join('node_modules', 'vitest', 'vitest.mjs')
  const { output } = await run(directory, process.execPath, [vitest, ...args])
  let read: TestReport
  try {
    read = JSON.parse(readFileSync(report, 'utf8')) as TestReport
  } catch {
    return { outcome: 'broken', details: ['vitest wrote no report', ...lastLines(output)] }
  }
  return judge(read, name)
}

/** What a report says of the tests whose name contains `name`. */
export function judge({ testResults }: TestReport, name: string): KillerRun {
  const inReport = name.replaceAll(' > ', ' ') // where names are joined by blanks, and by arrows for the pattern
  const named = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(
      ({ fullName, status }) => fullName.includes(inReport) && (status === 'passed' || status === 'failed'),
    )
  if (named.length === 0) {
    const messages = testResults.map(({ message }) => message).filter((message) => message !== '')
    return { outcome: 'broken', details: [`no test was run whose name contains '${name}'`, ...messages] }
  }
  const failed = named.filter(({ status }) => status === 'failed')
  if (failed.length === 0) return { outcome: 'passed', details: [] }
  const noticed = failed.filter(({ failureMessages }) =>
    (failureMessages ?? []).some((message) => CHECKED.test(message) && !NO_PROGRAM.test(message)),
  )
  if (noticed.length > 0) return { outcome: 'failed', details: noticed.map(({ fullName }) => fullName) }
  return { outcome: 'broken', details: failed.flatMap(({ failureMessages }) => failureMessages ?? []) }
}

async function runScript(directory: string, { script, args, says }: ScriptKiller): Promise<KillerRun> {
  const { code, output } = await run(directory, 'npm', ['run', script, '--', ...args])
  if (code === 0) return { outcome: 'passed', details: [] }
  const hasNoticed = output.includes(says) && !NO_PROGRAM.test(output)
  return hasNoticed
    ? { outcome: 'failed', details: [`npm run ${script}`] }
    : { outcome: 'broken', details: lastLines(output) }
}

async function run(
  directory: string,
  command: string,
  args: readonly string[],
): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, {
    cwd: directory,
    env: { ...process.env, SEED, CI: 'true', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32' && command === 'npm',
    timeout: RUN_MS_MAX,
    killSignal: 'SIGKILL',
  })
  let output = ''
  const collect = (chunk: Buffer): void => void (output += chunk.toString())
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return { code, output }
}

const lastLines = (output: string): string[] => output.trimEnd().split('\n').slice(-20)
