import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Numbers, Size } from './scenario.ts'
import { MARK_VARIABLE, SOURCE_VARIABLE } from './support/engine.ts'

/** What one process is to do. */
export type Job =
  /** Loads the engine and the libraries, so that the compile cache of the run has them; gives the libraries it can't load. */
  | { readonly kind: 'load'; readonly libraries: readonly string[] }
  | (ScenarioJob & { readonly kind: 'prepare' })
  /** Has subjects do the work, one after another: one, where figures are taken. Gives an outcome for each. */
  | (ScenarioJob & { readonly kind: 'run'; readonly work: readonly Work[] })

/** One subject, and the directory for its files. */
export interface Work {
  readonly subject: string
  readonly directory: string
}

interface ScenarioJob {
  readonly scenario: string
  readonly size: Size
  readonly prepared: string
  readonly facts: Numbers
  /** Those of the scenario that are in the run. */
  readonly subjects: readonly string[]
}

/** How the processes of a run are started. */
export interface Launch {
  /** Compiled code is kept here between processes; undefined to compile everything anew. */
  readonly compileCache: string | undefined
  readonly profiles: string | undefined
  readonly signal: AbortSignal
  /** The `src` folder of the engine that is measured; this checkout's by default. */
  readonly source?: string
  /** A file that is made when the process uses the engine. */
  readonly mark?: string
}

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url))
const TIMEOUT_MS = 180_000

/** Runs `job` in a fresh process; gives what it printed. Errors: Error with what it said, when it fails or hangs. */
export async function runJob(job: Job, launch: Launch): Promise<unknown> {
  const { profiles, signal } = launch
  const flags =
    profiles === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${profileName(job)}`]
  const child = spawn(process.execPath, [...flags, WORKER, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentOf(launch),
    signal,
    timeout: TIMEOUT_MS,
  })
  const [output, complaint, ending] = await Promise.all([
    readAll(child.stdout),
    readAll(child.stderr),
    new Promise<string | undefined>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, killedBy) =>
        resolve(code === 0 ? undefined : `${killedBy ?? `exit ${code}`}`),
      )
    }),
  ])
  if (ending === undefined) return JSON.parse(output)
  throw new Error(`${describeJob(job)} ended with ${ending}:\n${complaint.trim()}`)
}

/** The environment of this process, but for what is the run's to say. */
function environmentOf({ compileCache, source, mark }: Launch): NodeJS.ProcessEnv {
  const {
    [SOURCE_VARIABLE]: _source,
    [MARK_VARIABLE]: _mark,
    NODE_COMPILE_CACHE: _ours,
    ...rest
  } = process.env
  return {
    ...rest,
    ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
    ...(source === undefined ? {} : { [SOURCE_VARIABLE]: source }),
    ...(mark === undefined ? {} : { [MARK_VARIABLE]: mark }),
  }
}

/** A job in words. */
export function describeJob(job: Job): string {
  switch (job.kind) {
    case 'load':
      return 'loading the engine'
    case 'prepare':
      return `${job.scenario}: preparing`
    case 'run':
      return `${job.scenario}: ${job.work.length === 1 ? job.work[0]!.subject : 'every subject'}`
  }
}

function profileName(job: Job): string {
  return `${describeJob(job).replaceAll(/[^\w]+/g, '-')}-${Date.now()}.cpuprofile`
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}
