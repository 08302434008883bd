/*
 * Runs the mutants: `npm run test:mutants`, or some of them `npm run test:mutants -- M1 M9 --jobs 2`.
 *
 *   1. copies the tree, once a job, into temporary directories; the tree itself is never changed
 *   2. runs every killer there as the code is: one that fails already is no evidence
 *   3. for each mutant: patches the copy, runs its killers, which all have to fail for the right reason, restores
 * Prints a table; `--write` puts it into docs/mutants.md. Exit 1 when a mutant survives.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { describeKiller, type KillerRun, runKiller } from './killer.ts'
import { type Killer, type Mutant, MUTANTS } from './mutants.ts'
import { applyPatches } from './patches.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const DOCUMENT = join(root, 'docs', 'mutants.md')
const BEGIN = '<!-- mutants: begin -->'
const END = '<!-- mutants: end -->'
const NOT_COPIED = new Set(['.git', 'node_modules', 'dist', 'coverage', 'bench/results', 'data/store'])

interface Result {
  readonly mutant: Mutant
  readonly runs: readonly { readonly killer: Killer; readonly run: KillerRun }[]
  readonly seconds: number
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: 'string', default: '2' }, write: { type: 'boolean', default: false } },
})

const note = (text: string): void => void process.stderr.write(`${text}\n`)

function selected(): readonly Mutant[] {
  const unknown = positionals.filter((id) => !MUTANTS.some((mutant) => mutant.id === id))
  if (unknown.length > 0) {
    note(`no such mutant: ${unknown.join(', ')}; there are ${MUTANTS.map(({ id }) => id).join(' ')}`)
    process.exit(2)
  }
  return positionals.length === 0 ? MUTANTS : MUTANTS.filter(({ id }) => positionals.includes(id))
}

function copyTree(): string {
  const directory = mkdtempSync(join(tmpdir(), 'seglog-mutants-'))
  cpSync(root, directory, {
    recursive: true,
    filter: (path) => !NOT_COPIED.has(relative(root, path).replaceAll(sep, '/')),
  })
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'), 'junction')
  return directory
}

/** Does each task in one of the copies; the next one starts where one has ended. */
async function inCopies<T>(
  copies: readonly string[],
  tasks: readonly T[],
  work: (directory: string, task: T) => Promise<void>,
): Promise<void> {
  const waiting = [...tasks]
  const worker = async (directory: string): Promise<void> => {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) await work(directory, task)
  }
  await Promise.all(copies.map(worker))
}

/** The killers that do not pass as the code is. */
async function unfitKillers(copies: readonly string[], mutants: readonly Mutant[]): Promise<string[]> {
  const killers = new Map(
    mutants.flatMap((mutant) => mutant.killers).map((killer) => [describeKiller(killer), killer]),
  )
  const unfit: string[] = []
  let done = 0
  await inCopies(copies, [...killers], async (directory, [text, killer]) => {
    const { outcome, details } = await runKiller(directory, killer)
    note(`[${++done}/${killers.size}] without a mutant: ${outcome}  ${text}`)
    if (outcome !== 'passed') unfit.push(`${text}: ${outcome}\n  ${details.join('\n  ')}`)
  })
  return unfit
}

async function runMutant(directory: string, mutant: Mutant): Promise<Result> {
  const began = performance.now()
  const restore = applyPatches(directory, mutant.patches)
  const runs: { killer: Killer; run: KillerRun }[] = []
  try {
    for (const killer of mutant.killers) runs.push({ killer, run: await runKiller(directory, killer) })
  } finally {
    restore()
  }
  return { mutant, runs, seconds: (performance.now() - began) / 1000 }
}

function isKilled({ runs }: Result): boolean {
  return runs.length > 0 && runs.every(({ run }) => run.outcome === 'failed')
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

function killedBy({ runs }: Result): string {
  const texts = runs.map(({ killer, run }) => {
    const text = 'script' in killer ? `\`${describeKiller(killer)}\`` : `\`${killer.file}\`: ${killer.name}`
    return run.outcome === 'failed' ? text : `**not by** ${text}`
  })
  return texts.join('; ')
}

/** Columns are aligned, as the formatter wants them. */
function tableOf(results: readonly Result[]): string {
  const head = ['Mutant', 'What it breaks', 'Killed by', 's']
  const rows = results.map((result) => {
    const { mutant, seconds } = result
    return [mutant.id, cell(mutant.breaks), cell(killedBy(result)), seconds.toFixed(1)]
  })
  const widths = head.map((name, slot) => Math.max(3, name.length, ...rows.map((row) => row[slot]!.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, slot) => text.padEnd(widths[slot]!)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function writeTable(table: string): void {
  const text = readFileSync(DOCUMENT, 'utf8')
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (before === -1 || after < before) throw new RangeError(`${DOCUMENT} has no place for the table`)
  writeFileSync(DOCUMENT, `${text.slice(0, before + BEGIN.length)}\n\n${table}\n\n${text.slice(after)}`)
}

async function main(): Promise<number> {
  const mutants = selected()
  const jobs = Math.max(1, Math.min(Number(values.jobs) || 1, mutants.length))
  const copies = Array.from({ length: jobs }, copyTree)
  try {
    const unfit = await unfitKillers(copies, mutants)
    if (unfit.length > 0) {
      note(`killers that fail without a mutant, and so prove nothing:\n${unfit.join('\n')}`)
      return 1
    }
    const results: Result[] = []
    await inCopies(copies, mutants, async (directory, mutant) => {
      const result = await runMutant(directory, mutant)
      results.push(result)
      const word = isKilled(result) ? 'killed' : 'SURVIVED'
      note(`[${results.length}/${mutants.length}] ${mutant.id} ${word}, ${result.seconds.toFixed(1)} s`)
      for (const { killer, run } of result.runs.filter((each) => /passed|broken/.test(each.run.outcome)))
        note(`  ${run.outcome}: ${describeKiller(killer)}\n    ${run.details.join('\n    ')}`)
    })
    results.sort((a, b) => MUTANTS.indexOf(a.mutant) - MUTANTS.indexOf(b.mutant))
    const table = tableOf(results)
    process.stdout.write(`${table}\n`)
    if (values.write) writeTable(table)
    const survivors = results.filter((result) => !isKilled(result))
    note(`${results.length - survivors.length} of ${results.length} killed`)
    return survivors.length === 0 ? 0 : 1
  } finally {
    for (const directory of copies) rmSync(directory, { recursive: true, force: true, maxRetries: 5 }) // a killed child may be at its last write
  }
}

process.exitCode = await main()
