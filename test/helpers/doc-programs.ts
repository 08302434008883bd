import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import { temporaryDirectory } from './temporary-directory.ts'

/** The programs in a page of docs, in order. */
export function programsIn(page: string): string[] {
  return Array.from(page.matchAll(/^```ts\n(.*?)^```$/gms), (match) => match[1] ?? '')
}

/** The text of a page of docs. */
export function readPage(name: string): string {
  return readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
}

/** Saves a program as the page says, on the sources instead of the package. */
function save(program: string, directory = temporaryDirectory()): { directory: string; path: string } {
  const path = join(directory, 'program.mts')
  const source = new URL('../../src/index.ts', import.meta.url).href
  writeFileSync(path, program.replaceAll("from 'seglog'", `from '${source}'`))
  return { directory, path }
}

/** Runs a program to its end, in a directory of its own by default; gives back the lines that it prints. */
export async function runProgram(program: string, inDirectory?: string): Promise<string[]> {
  const { directory, path } = save(program, inDirectory)
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path], { cwd: directory })
  expect(stderr).toBe('')
  return stdout.trimEnd().split('\n')
}

/** Starts a program, which ends with the test at the latest. */
export function startProgram(program: string, ...words: string[]): ChildProcess {
  const { directory, path } = save(program)
  const child = spawn(process.execPath, [path, ...words], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}
