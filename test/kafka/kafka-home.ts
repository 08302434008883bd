/*
 * Apache Kafka for these tests: its jars, as the pom names them, and the programs of `java/`, compiled. Both are made once
 * for each version of what they are made from, in a directory that git ignores: `npm run test:kafka` sees to it.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const POM = join(here, 'pom.xml')
const JAVA_SOURCES = join(here, 'java')

/** The version of Kafka that the pom names. */
export const KAFKA_VERSION = /<kafka\.version>(.+?)</.exec(readFileSync(POM, 'utf8'))![1]!

const JAVA_VERSION_MIN = 17
const ATTEMPTS = 3
const COPY_DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

const sources = readdirSync(JAVA_SOURCES)
  .sort()
  .map((name) => join(JAVA_SOURCES, name))
const home = join(here, '.kafka', `${KAFKA_VERSION}-${digest([POM])}`)
const jars = join(home, 'lib')
const classes = join(home, `classes-${digest([POM, ...sources])}`)

/** What Java needs to find all classes. */
export const CLASS_PATH = `${classes}:${join(jars, '*')}`

/** Why Kafka can't run on this machine; undefined when it can. */
export function whyNoKafka(): string | undefined {
  const reasons = [missingJava('java'), missingJava('javac'), missingMaven()]
  return reasons.find((reason) => reason !== undefined)
}

/** Fetches the jars and compiles the programs, unless both are there. Errors: what Maven or the compiler say. */
export function prepareKafka(): void {
  if (!existsSync(jars)) makeWhole(jars, copyJars)
  if (existsSync(classes)) return
  makeWhole(classes, (directory) => {
    run('javac', ['-Xlint:all,-processing', '-Werror', '-cp', join(jars, '*'), '-d', directory, ...sources])
  })
}

/** Makes a directory that has its name only when everything is in it. */
function makeWhole(directory: string, fill: (directory: string) => void): void {
  const unfinished = `${directory}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  fill(unfinished)
  renameSync(unfinished, directory)
}

function copyJars(directory: string): void {
  const options = ['-B', '-q', '-f', POM, COPY_DEPENDENCIES, '-DincludeScope=runtime']
  for (let attempt = 1; ; attempt++) {
    try {
      run('mvn', [...options, `-DoutputDirectory=${directory}`])
      return
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
      console.error(`Maven failed, attempt ${attempt} of ${ATTEMPTS}: ${String(error)}`)
    }
  }
}

function missingJava(program: string): string | undefined {
  const version = versionOf(program, '-version')
  if (version === undefined) return `${program} is not installed`
  const major = Number(/\b(\d+)\./.exec(version)?.[1] ?? /\b(\d+)\b/.exec(version)?.[1])
  return major >= JAVA_VERSION_MIN ? undefined : `${program} ${JAVA_VERSION_MIN} is needed, found: ${version}`
}

function missingMaven(): string | undefined {
  return versionOf('mvn', '--version') === undefined ? 'mvn (Apache Maven) is not installed' : undefined
}

/** The first line of what a program says of its version, on whichever stream; undefined when it does not start. */
function versionOf(program: string, flag: string): string | undefined {
  try {
    const script = `${program} ${flag} 2>&1`
    return execFileSync('sh', ['-c', script], { encoding: 'utf8', stdio: 'pipe' }).split('\n')[0]
  } catch {
    return undefined
  }
}

/** What the program says goes to stderr: a benchmark's process has its result on stdout. */
function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 2, 2], timeout: 600_000 })
}

function digest(paths: readonly string[]): string {
  const hash = createHash('sha256')
  for (const path of paths) hash.update(readFileSync(path))
  return hash.digest('hex').slice(0, 12)
}
