import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from './temporary-directory.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A directory with these files of the repository in it, its package.json, and a link to its packages. */
export function copyCheckout(...names: string[]): string {
  const home = join(temporaryDirectory(), 'repository')
  for (const name of [...names, 'package.json'])
    cpSync(join(root, name), join(home, name), { recursive: true, filter: isOurs })
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'))
  return home
}

/** Packages, also those of a folder's own, are neither copied nor measured. */
function isOurs(source: string): boolean {
  return !source.endsWith('node_modules')
}
