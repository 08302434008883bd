/* The programs of docs/testing.md run as they are printed there, on the sources instead of the package. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'

const PACKAGES: Readonly<Record<string, URL>> = {
  seglog: new URL('../src/index.ts', import.meta.url),
  'seglog/testing': new URL('../src/testing/index.ts', import.meta.url),
}
const page = readFileSync(new URL('../docs/testing.md', import.meta.url), 'utf8')
const programs = Array.from(page.matchAll(/^```ts\n(.*?)^```$/gms), (match) => match[1] ?? '')
const [orders = '', faults = '', model = ''] = programs

/** Saves a program as the page says, and runs it. */
async function run(program: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'seglog-docs-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'orders.test.mts')
  const onSources = program.replaceAll(/(?<= from )'([^']+)'/g, (text, name: string) =>
    PACKAGES[name] === undefined ? text : `'${PACKAGES[name].href}'`,
  )
  writeFileSync(path, onSources)
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [path])) }
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string } // it ended, with another code than 0
  }
}

describe('docs/testing.md', () => {
  it('has three programs, each whole', () => {
    expect(programs).toHaveLength(3)
    for (const program of programs) expect(program).toMatch(/^import .* from 'seglog'$/m)
  })

  it('finds no order lost, and prints what the page says', async () => {
    const { code, stdout, stderr } = await run(orders)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^\d+ crashes, no order lost\n$/)
    expect(page).toContain(stdout.trim())
  })

  it("loses an order where durability is 'os', and says so as the page does", async () => {
    const onlyWritten = orders.replace(/(await log\.append\(.*)\)( \/\/.*)$/m, "$1, { durability: 'os' })$2")
    expect(onlyWritten).not.toBe(orders)
    const { code, stdout, stderr } = await run(onlyWritten)
    expect([code, stdout]).toEqual([1, ''])
    const told = /Error: (a is lost after operation \d+)/.exec(stderr)?.[1]
    expect(page).toContain(told ?? stderr)
  })

  it('makes calls fail, and gets the answers its comments say', async () => {
    const { code, stdout, stderr } = await run(faults)
    expect([code, stderr]).toEqual([0, ''])
    const [full, poisoned, state] = stdout.split('\n')
    expect([full, poisoned]).toEqual(['DISK_FULL not-written', 'LOG_POISONED unknown'])
    expect(state).toMatch(/^poisoned \d+$/)
    for (const answer of [full, poisoned]) expect(faults).toContain(`// ${answer}`)
  })

  it('has nothing to complain of', async () => {
    expect(await run(model)).toMatchObject({ code: 0, stdout: 'every promise kept\n', stderr: '' })
  })
})
