import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { judge } from './killer.ts'
import { MUTANTS } from './mutants.ts'
import { applyPatches, patched } from './patches.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

function reportOf(status: string, ...failureMessages: string[]) {
  const result = { fullName: 'a group a test', status, failureMessages }
  return { testResults: [{ message: '', assertionResults: [result] }] }
}

describe('every mutant', () => {
  it('has a name of its own, and its row in docs/mutants.md', () => {
    const ids = MUTANTS.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const rows = Array.from(textOf('docs/mutants.md').matchAll(/^\| (M\d+\w?) /gm), ([, id]) => id)
    expect(rows).toEqual(ids)
  })

  it.each(MUTANTS.map(({ id, patches }) => [id, patches] as const))('%s fits the code', (_, patches) => {
    const texts = new Map<string, string>()
    for (const patch of patches) {
      const before = texts.get(patch.file) ?? textOf(patch.file)
      const after = patched(before, patch)
      expect(after).not.toBe(before)
      texts.set(patch.file, after)
    }
  })

  it('has a killer among the tests there are', () => {
    const tests = MUTANTS.map(({ id, killers }) => ({
      id,
      files: killers.flatMap((killer) => ('file' in killer ? [killer.file] : [])),
    }))
    expect(tests.filter(({ files }) => files.length === 0)).toEqual([])
    expect(tests.flatMap(({ files }) => files).filter((file) => !existsSync(join(root, file)))).toEqual([])
  })
})

describe('a patch', () => {
  it('that fits twice, or not at all, is refused', () => {
    const patch = { file: 'a.ts', find: 'x', replace: '$&y' }
    expect(patched('axb', patch)).toBe('a$&yb')
    expect(() => patched('axbx', patch)).toThrow('2 times')
    expect(() => patched('ab', patch)).toThrow('0 times')
  })

  it('of several for one file is undone with the others', () => {
    const directory = temporaryDirectory()
    const path = join(directory, 'a.ts')
    writeFileSync(path, 'one two')
    const restore = applyPatches(directory, [
      { file: 'a.ts', find: 'one', replace: '1' },
      { file: 'a.ts', find: 'two', replace: '2' },
    ])
    expect(readFileSync(path, 'utf8')).toBe('1 2')
    restore()
    expect(readFileSync(path, 'utf8')).toBe('one two')
  })
})

describe('a killer', () => {
  it('has noticed when a test that was named failed a check', () => {
    for (const message of [
      'AssertionError: expected 1 to be 2\n    at …',
      'SeglogError: /log is damaged',
      'Error: promise resolved "undefined" instead of rejecting',
      'Error: Property failed after 3 tests',
    ])
      expect(judge(reportOf('failed', message), 'a group > a test').outcome).toBe('failed')
    expect(judge(reportOf('passed'), 'a test').outcome).toBe('passed')
  })

  it('proves nothing when the test was not run, or the code is no program', () => {
    expect(judge(reportOf('failed', 'AssertionError: x'), 'another test').outcome).toBe('broken')
    expect(judge(reportOf('skipped'), 'a test').outcome).toBe('broken')
    for (const message of [
      'Error: Transform failed with 1 error',
      "SyntaxError: The requested module './a.ts' does not provide an export named 'b'",
      'ReferenceError: later is not defined',
      'AssertionError: expected TypeError: x is not a function to match',
      'Error: Test timed out in 20000ms.',
    ])
      expect(judge(reportOf('failed', message), 'a test').outcome).toBe('broken')
  })
})
