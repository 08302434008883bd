/*
 * The text form Kafka gives all its checkpoints; every line, the last one too, ends in one newline.
 *
 *   0            version
 *   2            how many lines follow
 *   orders 0 42
 *   orders 1 17
 */
import { isSeglogError } from '../core/index.ts'
import { type FileSystem, readSmallFile } from '../fs/index.ts'
import { parseDecimal, quoteName } from './topic-names.ts'

/** More than any checkpoint needs, and little enough to read at once: some 60,000 logs with names of full length. */
export const CHECKPOINT_BYTES_MAX = 16 * 1024 * 1024

const VERSION = '0'

/** What was found in a small file: its content, or a sentence saying why it can't be believed. */
export type Parsed<T> =
  | { readonly value: T; readonly problem?: never }
  | {
      readonly value?: never
      readonly problem: string
      /** Its version, where nothing else is wrong than that nothing is known of that one. */
      readonly unknownVersion?: number
    }

/** Puts the version and the count above `lines`. */
export function formatCheckpointText(lines: readonly string[]): string {
  return [VERSION, lines.length, ...lines, ''].join('\n')
}

/** Splits a checkpoint into its lines; a wrong version, count or ending is a problem. */
export function parseCheckpointText(text: string): Parsed<string[]> {
  if (text === '') return { problem: 'is empty' }
  if (!text.endsWith('\n')) return { problem: 'ends inside a line' }
  const lines = text.slice(0, -1).split('\n')
  const version = lines[0] ?? ''
  if (version !== VERSION) return { problem: `has version ${quoteName(version)}, ${VERSION} was expected` }
  const count = parseDecimal(lines[1] ?? '')
  if (count === undefined) return { problem: 'says no number of lines' }
  if (count !== lines.length - 2) return { problem: `says ${count} lines, has ${lines.length - 2}` }
  return { value: lines.slice(2) }
}

/**
 * Reads a small text file and parses it; undefined when there is no such file.
 *
 * Errors: the system's. A file that is too large, or none at all but a link or a directory, is a problem, not an error.
 */
export function readSmallText<T>(
  fileSystem: FileSystem,
  path: string,
  spec: { readonly bytesMax: number; readonly parse: (text: string) => Parsed<T> },
): Parsed<T> | undefined {
  let bytes: Buffer | undefined
  try {
    bytes = readSmallFile(fileSystem, path, spec.bytesMax)
  } catch (error) {
    if (!isSeglogError(error, 'LOG_CORRUPT')) throw error
    return { problem: error.message }
  }
  if (bytes === undefined) return undefined
  const result = spec.parse(bytes.toString('latin1')) // ASCII by format: any other byte fails the parse
  return result.problem === undefined ? result : { ...result, problem: `${path} ${result.problem}` }
}
