import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(new URL('package.json', import.meta.url))

/**
 * Loads a package that `npm run bench:install` installs, or one of the root's. The caller names the little of its types
 * that it uses: nothing here may depend on what is installed.
 */
export function loadLibrary<T>(packageName: string): T {
  return require(packageName) as T
}

/** Why a package can't be used here; undefined when it can. */
export function whyMissing(packageName: string): 'not installed' | string | undefined {
  try {
    require.resolve(packageName)
  } catch {
    return 'not installed'
  }
  try {
    require(packageName)
    return undefined
  } catch (error) {
    // Installed, but not for this machine: a package without a binary for it, say.
    return `can't be loaded: ${(error as Error).message.split('\n')[0]}`
  }
}

/** The version of an installed package. */
export function versionOf(packageName: string): string {
  // Not all packages let their package.json be resolved: it is looked for above what they do.
  for (let directory = dirname(require.resolve(packageName)); ; directory = dirname(directory)) {
    const found = readManifest(join(directory, 'package.json'))
    if (found?.name === packageName) return found.version
    if (directory === dirname(directory)) throw new Error(`${packageName} has no package.json`)
  }
}

function readManifest(path: string): { name: string; version: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { name: string; version: string }
  } catch {
    return undefined // most directories have none
  }
}
