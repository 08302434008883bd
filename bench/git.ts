/*
 * What the benchmarks ask git for.
 */
import { execFileSync } from 'node:child_process'

/** Where a checkout stands. */
export interface Standing {
  /** The commit, shortened. */
  readonly commit: string
  /** True where what is measured, or what measures, is not as that commit has it. */
  readonly isChanged: boolean
}

/** What figures depend on; results are not among it. */
const MEASURED = ['src', 'bench', 'package.json', 'package-lock.json', ':!bench/results']

/** Runs git in `directory`. Errors: Error with what git said. */
export function git(directory: string, words: readonly string[]): string {
  return execFileSync('git', words, {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: gitEnvironment(),
  }).trim()
}

/**
 * The environment without what git tells its hooks and `rebase --exec`, by which another git would work on the
 * repository of the one that started it, wherever it is run.
 */
export function gitEnvironment(): NodeJS.ProcessEnv {
  const own = /^GIT_(?:DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|PREFIX|OBJECT_DIRECTORY|NAMESPACE)$/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)))
}

/** Where the checkout in `directory` stands; undefined where there is no history, as in an unpacked archive. */
export function standingOf(directory: string): Standing | undefined {
  try {
    const commit = git(directory, ['rev-parse', '--short', 'HEAD'])
    const status = git(directory, ['--no-optional-locks', 'status', '--porcelain', '--', ...MEASURED])
    return { commit, isChanged: status !== '' }
  } catch {
    return undefined
  }
}
