/*
 * What these tests want of the machine. Where it is missing they are left out, saying why; in continuous integration,
 * where everything has to be there, they fail instead: a test that never runs proves nothing.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'vitest'

/** Debian keeps the tools of file systems where the PATH of a user does not look. */
const searchPath = [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter)

/** The environment in which the tools are found. */
export const toolEnvironment: NodeJS.ProcessEnv = { ...process.env, PATH: searchPath, LC_ALL: 'C' }

/** Why a test that needs `tools` can't run here; undefined when it can. */
export function whyNotHere(tools: readonly string[]): string | undefined {
  if (process.platform !== 'linux') return `this is ${process.platform}, Linux is needed`
  const missing = tools.filter((tool) => !isThere(tool))
  return missing.length > 0 ? `not installed: ${missing.join(', ')}` : undefined
}

/** Why file systems can't be made and mounted here; undefined when they can. */
export function whyNoMounts(tools: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'file systems are mounted by root only'
  if (!existsSync('/dev/loop-control')) return 'there are no loop devices'
  return whyNotHere(['mount', 'umount', ...tools])
}

/** Why processes can't be traced here; undefined when they can. */
export function whyNoTraces(): string | undefined {
  const reason = whyNotHere(['strace'])
  if (reason !== undefined) return reason
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', 'true'], { env: toolEnvironment, stdio: 'pipe' })
    return undefined
  } catch (error) {
    return `processes can't be traced: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`
  }
}

/** Leaves the running test out when there is a reason, saying which; fails it in continuous integration. */
export function leaveOutIf(reason: string | undefined, context: TestContext): void {
  if (reason === undefined) return
  if ((process.env['CI'] ?? '') !== '') throw new Error(`this must run where CI is set, and can't: ${reason}`)
  console.info(`left out: '${context.task.name}': ${reason}`)
  context.skip(reason)
}

function isThere(tool: string): boolean {
  return searchPath.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, tool), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
