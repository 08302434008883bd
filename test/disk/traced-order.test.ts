/*
 * A process does a set piece of work at a log while every one of its system calls is written down; what it said is held
 * against what the kernel had been asked for by then. Then calls are taken out of the same trace, one kind at a time:
 * the rules must notice each.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { checkOrder } from './durability-order.ts'
import { leaveOutIf, toolEnvironment, whyNoTraces } from './requirements.ts'
import { operationsOf, parseTrace, relativeTo, type SystemCall, TRACED_CALLS } from './system-calls.ts'

const program = fileURLToPath(new URL('traced-child.ts', import.meta.url))
const reason = whyNoTraces()
const SEGMENT = /\d{20}\.log$/
let directory = ''
let text = ''
let calls: SystemCall[] = []

function trace(logDirectory: string, traceFile: string): string {
  const options = ['-f', '-y', '-qq', '-s', '1000000', '-e', `trace=${TRACED_CALLS.replaceAll(' ', ',')}`]
  execFileSync('strace', [...options, '-o', traceFile, process.execPath, program, logDirectory], {
    env: toolEnvironment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return readFileSync(traceFile, 'utf8')
}

describe('a process that is traced', () => {
  let parent = ''
  let isSound = false

  beforeAll(() => {
    if (reason !== undefined) return
    parent = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-'))
    directory = join(parent, 'log')
    text = trace(directory, join(parent, 'trace'))
    calls = parseTrace(text)
  })

  afterAll(() => {
    if (isSound) rmSync(parent, { recursive: true, force: true })
    else if (parent !== '') console.error(`kept: ${parent}`)
  })

  beforeEach((context) => leaveOutIf(reason, context))

  it('says nothing that is not on disk by then, and does every step in its order', () => {
    const { troubles, coverage } = checkOrder(calls, directory)
    expect(troubles).toEqual([])
    console.info(
      `${calls.length} system calls: ${Object.entries(coverage)
        .map(([what, count]) => `${count} ${what}`)
        .join(', ')}`,
    )
    expect(coverage.acknowledgements).toBeGreaterThan(100)
    expect(coverage.segmentsMade).toBeGreaterThan(10)
    expect(coverage.segmentsDeleted).toBeGreaterThan(3)
    expect(coverage.renames).toBeGreaterThan(20)
    expect(coverage.markersRemoved).toBe(2)
    isSound = true
  })

  it('touches the files of its log in no other way than through its file system', () => {
    const known = /^(?:openat|close|p?write(?:64|v)?|ftruncate|fsync|fdatasync|rename|unlink|mkdir)$/
    const others = calls.filter(
      ({ call, path }) => relativeTo(directory, path) !== undefined && !known.test(call),
    )
    expect(others).toEqual([])
    const kinds = new Set(operationsOf(text, directory).map(({ kind }) => kind))
    expect([...kinds].sort()).toEqual(
      ['create', 'makeDirectory', 'open', 'remove', 'rename', 'syncData', 'syncDirectory', 'write'].sort(),
    )
  })

  it.each<[what: string, spoil: Spoil, trouble: RegExp]>([
    ['no segment is synced', (call) => !isSync(call, SEGMENT), /had not been synced/],
    ['no new name is synced', (call) => !isSync(call, /\/log$/), /before its name was durable/],
    ['the removal of the marker is not synced', (call) => !isSync(call, /\/log$/), /before the removal/],
    ['no small file is synced', (call) => !isSync(call, /\.tmp$/), /took its place unsynced/],
    ['syncs fail', (call) => ({ ...call, result: isSync(call, SEGMENT) ? -1 : call.result }), /failed/],
    [
      'segments are opened to write in place',
      (call) => ({ ...call, flags: new Set(['O_RDWR', 'O_CREAT']) }),
      /without O_APPEND/,
    ],
    [
      'segments may have been there',
      (call) => ({ ...call, flags: new Set(['O_CREAT', 'O_APPEND']) }),
      /may have been there/,
    ],
    ['its own name is not synced', (call) => !isSync(call, /\/seglog-[^/]*$/), /directory was not durable/],
    ['it acknowledges what has only been written', (call) => atTheWrite(call), /had not been synced/],
    [
      'it acknowledges what will be written',
      (call) => ({ ...call, begun: call.descriptor === 1 ? 0 : call.begun }),
      /had not been synced/,
    ],
    [
      'the marker stays',
      (call) => !(call.call === 'unlink' && call.path?.endsWith('cleanshutdown') === true),
      /while .kafka_cleanshutdown was there/,
    ],
    ['the start offset is not stored', (call) => !/log-start-offset/.test(call.path ?? ''), /went at start/],
  ])('would not get away with it if %s', (_, spoil, trouble) => {
    const spoilt = calls.flatMap((call) => {
      const result = spoil(call)
      return result === false ? [] : [result === true ? call : result]
    })
    expect(checkOrder(spoilt, directory).troubles.join('\n')).toMatch(trouble)
  })
})

/** What is left of a call: true for all of it, false for nothing. */
type Spoil = (call: SystemCall) => SystemCall | boolean

/** An acknowledgement moved to right behind the last write to a segment before it. */
function atTheWrite(call: SystemCall): SystemCall {
  if (call.descriptor !== 1) return call
  const write = calls.findLast(
    (other) => /^p?write/.test(other.call) && SEGMENT.test(other.path ?? '') && other.ended < call.begun,
  )
  return write === undefined ? call : { ...call, begun: write.ended + 0.5, ended: write.ended + 0.5 }
}

function isSync({ call, path }: SystemCall, name: RegExp): boolean {
  return /^f(?:data)?sync$/.test(call) && name.test(path ?? '')
}
