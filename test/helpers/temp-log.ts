import { existsSync, readdirSync, statSync } from 'node:fs'
import { expect, onTestFinished } from 'vitest'
import {
  isSeglogError,
  type Log,
  type LogOptions,
  type LogRecord,
  openLog,
  type ReadOptions,
} from '../../src/index.ts'
import { type PlainRecord, readLogDirectory } from './independent-reader.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/**
 * Opens the log in `directory`, a new one by default; it is closed, if the test left it open, when the test ends. Then
 * the independent reader reads what the test wrote, and must agree with `read` on every byte, unless the test broke
 * something on purpose: it failed calls of the file system, began with files it had made or damaged by hand, or its
 * log ended poisoned or unreadable. Compressed batches the independent reader does not know.
 */
export async function openTempLog(options: LogOptions = {}, directory = temporaryDirectory()): Promise<Log> {
  const isNew = !existsSync(directory) || readdirSync(directory).length === 0
  const log = await openLog(directory, options)
  onTestFinished(async () => {
    const isWhole = isNew && options.fileSystem === undefined && log.state === 'open'
    if (isWhole) await expectIndependentReaderAgreesIfSound(log)
    await log.close().catch(() => {}) // a test of failures has looked at them by now
  })
  return log
}

/** Compares unless the log's own verdict is damage; one that another handle has moved on is left to that one. */
async function expectIndependentReaderAgreesIfSound(log: Log): Promise<void> {
  await log.flush()
  // A test that wrote into the files behind the log's back knows what it did.
  if (log.segments().some(({ path, sizeBytes }) => statSync(path).size !== sizeBytes)) return
  try {
    for await (const { compression } of log.readBatches()) if (compression !== 'none') return
  } catch (error) {
    if (isSeglogError(error)) return
    throw error
  }
  await expectIndependentReaderAgrees(log)
}

/** All records that a read gives. */
export async function readAll(log: Log, options?: ReadOptions): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for await (const record of log.read(options)) records.push(record)
  return records
}

/** The values of all records that a read gives, as strings. */
export async function readValues(log: Log, options?: ReadOptions): Promise<(string | undefined)[]> {
  return (await readAll(log, options)).map(({ value }) => value?.toString())
}

/** Names of the files in `directory` that end in `suffix`, in order. */
export function namesOf(directory: string, suffix: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(suffix))
    .sort()
}

/**
 * Reads the files once more with code that shares nothing with the log's, and compares: every byte belongs to a sound
 * batch, and the records from the start offset on are those that `read` gives. Call `flush` first.
 */
export async function expectIndependentReaderAgrees(log: Log): Promise<void> {
  const segments = readLogDirectory(log.directory)
  for (const { name, validBytes, sizeBytes } of segments)
    expect([name, validBytes]).toEqual([name, sizeBytes])
  const plain = segments
    .flatMap(({ records }) => records)
    .filter(({ offset, isControl }) => offset >= BigInt(log.startOffset) && !isControl)
  expect((await readAll(log)).map(fromRead)).toEqual(plain.map(fromPlain))
}

function fromRead({ offset, timestamp, key, value, headers }: LogRecord): unknown {
  return {
    offset,
    timestamp,
    key: hex(key),
    value: hex(value),
    headers: headers.map(([name, bytes]) => [name, hex(bytes)]),
  }
}

function fromPlain({ offset, timestamp, key, value, headers }: PlainRecord): unknown {
  return {
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: hex(key),
    value: hex(value),
    headers: headers.map(([name, bytes]) => [name, hex(bytes)]),
  }
}

const hex = (bytes: Buffer | null): string | null => bytes?.toString('hex') ?? null
