import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Patch } from './mutants.ts'

/** The text of a file with one patch applied; throws unless the patch fits exactly once. */
export function patched(text: string, { file, find, replace }: Patch): string {
  const count = text.split(find).length - 1
  if (count !== 1)
    throw new RangeError(`${file} has ${count} times, not once, the text ${JSON.stringify(find)}`)
  return text.replace(find, () => replace)
}

/** Applies patches in a copy of the tree; call what it gives back to undo them. */
export function applyPatches(directory: string, patches: readonly Patch[]): () => void {
  const before = new Map<string, string>()
  const texts = new Map<string, string>()
  for (const patch of patches) {
    const path = join(directory, patch.file)
    if (!texts.has(path)) before.set(path, readFileSync(path, 'utf8'))
    texts.set(path, patched(texts.get(path) ?? before.get(path)!, patch))
  }
  for (const [path, text] of texts) writeFileSync(path, text)
  return () => {
    for (const [path, text] of before) writeFileSync(path, text)
  }
}
