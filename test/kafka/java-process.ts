import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CLASS_PATH } from './kafka-home.ts'

/** Short-lived programs start in half the time with these. */
const QUICK_START = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto', '-Xmx512m']
const RUN_MS_MAX = 120_000

/** What a program came to. */
export interface JavaResult {
  readonly exitCode: number | null
  readonly output: string
  /** The same, as it came. */
  readonly outputBytes: Buffer
  readonly errors: string
}

/** How a Java program is started. */
export interface JavaOptions {
  /** Its log4j2 settings, a file in this directory. */
  readonly logs?: string
  readonly directory?: string
  /** Options of the virtual machine, in place of those of a program that is to start quickly. */
  readonly machine?: readonly string[]
}

/** Starts a Java program of Kafka's or ours. */
export function startJava(
  mainClass: string,
  args: readonly string[],
  { logs = 'quiet-log4j2.xml', directory, machine = QUICK_START }: JavaOptions = {},
): ChildProcess {
  const settings = fileURLToPath(new URL(logs, import.meta.url))
  const options = [...machine, `-Dlog4j2.configurationFile=file:${settings}`]
  return spawn('java', [...options, '-cp', CLASS_PATH, mainClass, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C.UTF-8', JAVA_TOOL_OPTIONS: undefined },
    ...(directory === undefined ? {} : { cwd: directory }),
  })
}

/** Runs a Java program to its end. Errors: one that takes minutes is killed, and the exit code is null. */
export async function runJava(
  mainClass: string,
  args: readonly string[],
  { input = '', ...options }: JavaOptions & { input?: string | Buffer } = {},
): Promise<JavaResult> {
  const child = startJava(mainClass, args, options)
  const output: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout!.on('data', (chunk: Buffer) => void output.push(chunk))
  child.stderr!.on('data', (chunk: Buffer) => void errors.push(chunk))
  child.stdin!.on('error', () => {}) // a program may end before it has read everything
  child.stdin!.end(input)
  const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS_MAX)
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  clearTimeout(timer)
  const outputBytes = Buffer.concat(output)
  return { exitCode, output: outputBytes.toString(), outputBytes, errors: Buffer.concat(errors).toString() }
}
