import { readdirSync } from 'node:fs'
import { expect, onTestFinished } from 'vitest'
import { type Log, type LogOptions, type LogRecord, openLog, type ReadOptions } from '../../src/index.ts'
import { type PlainRecord, readLogDirectory } from './independent-reader.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** Opens the log in `directory`, a new one by default; it is closed, if the test left it open, when the test ends. */
export async function openTempLog(options: LogOptions = {}, directory = temporaryDirectory()): Promise<Log> {
  const log = await openLog(directory, options)
  onTestFinished(() => log.close().catch(() => {})) // a test of failures has looked at them by now
  return log
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
