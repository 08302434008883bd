/*
 * Another process, or another thread of this one, that uses a log; what it has to say is one JSON value a line or
 * message. Started as `log-child.ts VERB DIRECTORY [OPTIONS]`, the options as JSON.
 *
 *   serve    opens the log, says so, and does what it is told on stdin: `["append", 3]`, `["truncateTo", 5]`, …
 *   storm    opens the log and appends without end; tells each acknowledged offset as it hears of it
 *   wait     opens the log for reading, says so, and waits for a record past the end until it is sent a line
 *   measure  opens each of several logs, reads it, and tells the most memory it took outside the heap
 */
import { writeSync } from 'node:fs'
import { delimiter } from 'node:path'
import { createInterface } from 'node:readline'
import { parentPort, workerData } from 'node:worker_threads'
import { isSeglogError, type Log, type LogOptions, openLog } from '../../src/index.ts'

type Arguments = readonly [verb: string, directory: string, options?: string]

const [verb, directory, optionsText = '{}'] = (
  parentPort === null ? process.argv.slice(2) : workerData
) as Arguments
const options = JSON.parse(optionsText) as LogOptions

function report(value: unknown): void {
  if (parentPort === null)
    writeSync(1, `${JSON.stringify(value)}\n`) // a line that is out stays out
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
  else parentPort.postMessage(value)
}

function describeError(error: unknown): unknown {
  if (!isSeglogError(error)) return { error: String(error) }
  return { code: error.code, found: error.found, message: error.message }
}

async function open(): Promise<Log | undefined> {
  try {
    const log = await openLog(directory, options)
    report({ opened: log.endOffset, recovery: log.recovery })
    return log
  } catch (error) {
    report(describeError(error))
    return undefined
  }
}

const numbered = (offset: number) => ({ value: `r${offset}`.padEnd(40, '.'), timestamp: 1000 + offset })

const commands: Record<string, (log: Log, value: number) => Promise<unknown>> = {
  async append(log, count) {
    for (let done = 0; done < count; done++) await log.append(numbered(log.endOffset))
    return log.endOffset
  },
  roll: (log) => log.roll(),
  truncateTo: (log, offset) => log.truncateTo(offset),
  deleteRecordsBefore: (log, offset) => log.deleteRecordsBefore(offset),
  clean: (log) => log.clean(),
  close: (log) => log.close(),
}

async function serve(): Promise<void> {
  const log = await open()
  if (log === undefined) return
  if (parentPort !== null) return void parentPort.on('message', () => {}) // stays until it is terminated
  for await (const line of createInterface(process.stdin)) {
    const [name, value = 0] = JSON.parse(line) as [string, number?]
    report((await commands[name]!(log, value).catch(describeError)) ?? null)
    if (name === 'close') break
  }
}

async function storm(): Promise<void> {
  const log = await open()
  if (log === undefined) return
  for (;;) {
    const offset = log.endOffset
    const records = Array.from({ length: 1 + (offset % 5) }, (_, slot) => numbered(offset + slot))
    const appended = log.append(records).then(({ lastOffset }) => report(lastOffset))
    if (offset % 7 === 0) await appended
  }
}

async function wait(): Promise<void> {
  const log = await open()
  if (log === undefined) return
  setTimeout(() => report('still here'), 300).unref() // fires only if something else keeps the process
  const abort = new AbortController()
  process.stdin.once('data', () => abort.abort())
  process.stdin.unref()
  const reason = await log
    .read({ from: 'latest', follow: true, signal: abort.signal })
    .next()
    .then(
      () => 'a record came',
      (error: Error) => error.name,
    )
  report({ ended: reason })
  process.stdin.destroy()
}

async function measure(): Promise<void> {
  for (const path of directory.split(delimiter)) {
    global.gc?.()
    const before = process.memoryUsage().external
    let peak = before
    const look = (): void => {
      peak = Math.max(peak, process.memoryUsage().external)
    }
    const log = await openLog(path, options)
    look()
    let damage = 0
    for await (const _ of log.read({ onDamage: () => damage++ })) look()
    await log.get(1).catch(() => {})
    look()
    await log.close()
    report({ peakBytes: peak - before, damage, cut: log.recovery.cut?.reason })
  }
}

await { serve, storm, wait, measure }[verb]!()
