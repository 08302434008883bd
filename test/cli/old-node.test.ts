import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BIN, start } from './command-line.ts'

/** Versions of Node on this machine that are older than what is needed, by their path. */
function findOldNodes(): Map<string, string> {
  const found = new Map<string, string>()
  for (const directory of (process.env['PATH'] ?? '').split(':')) {
    const path = join(directory, 'node')
    const version = versionOf(path)
    const [major = 0, minor = 0] = (version ?? '').split('.').map(Number)
    if (version !== undefined && (major < 22 || (major === 22 && minor < 19))) found.set(path, version)
  }
  return found
}

function versionOf(path: string): string | undefined {
  try {
    return execFileSync(path, ['-p', 'process.versions.node'], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim()
  } catch {
    return undefined
  }
}

const oldNodes = findOldNodes()
if (oldNodes.size === 0)
  console.info('no Node older than 22.19 on this machine: what it is told is not tried')

describe('an old Node', () => {
  it.each([...oldNodes])('%s (%s) is told in one line which version is needed', async (node, version) => {
    for (const args of [['--version'], ['dump', 'x'], []]) {
      const { exitCode, output, errors } = await start(args, { node, input: '' }).ended
      expect([exitCode, output.length]).toEqual([3, 0])
      expect(errors).toBe(`seglog: NODE_TOO_OLD: Node 22.19 or newer is needed, this is ${version}\n`)
    }
  })

  it('can read the file that tells it: nothing in it is newer than Node 12', () => {
    const source = readFileSync(BIN, 'utf8')
    expect(source.startsWith('#!/usr/bin/env node\n')).toBe(true)
    expect(source).not.toMatch(/^\s*(?:import|export)\s(?!\()/m) // loaded before it could say anything
    expect(source).not.toMatch(/\?\.|\?\?|\bawait\b|#\w+\s*[=(]|\d_\d|import\.meta/)
    expect(readdirSync(join(BIN, '..'))).toContain('main.ts')
  })
})
