/*
 * What a process did to files, read from `strace -f -y -s 1000000`: every call whole, the halves of one that another
 * thread interrupted put together, bytes and paths as they were.
 *
 *     4711 openat(AT_FDCWD</home>, "log/a.log", O_RDWR|O_CREAT|O_EXCL|O_APPEND, 0600) = 21</home/log/a.log>
 *     4712 fdatasync(21</home/log/a.log> <unfinished ...>
 *     4711 pwrite64(22</home/log/b.log>, "abc\0", 4, 8) = 4
 *     4712 <... fdatasync resumed>)      = 0
 */
import { posix } from 'node:path'

/** What strace has to be asked for, for `parseTrace` to make sense of it. */
export const TRACED_CALLS =
  'open openat creat close write pwrite64 writev pwritev pwritev2 ftruncate truncate fallocate fsync fdatasync sync_file_range sync syncfs msync rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat mkdir mkdirat rmdir copy_file_range sendfile'

/** One system call on a file. */
export interface SystemCall {
  readonly call: string
  readonly thread: number
  /** Whole, for calls on a name or on an open file; undefined for others. */
  readonly path: string | undefined
  /** The new name, for a rename. */
  readonly to: string | undefined
  readonly descriptor: number | undefined
  /** O_CREAT and its like: of an open, and of every call on a file that the trace saw opened. */
  readonly flags: ReadonlySet<string>
  /** What a write was given. */
  readonly data: Buffer | undefined
  /** The size that a truncation asks for. */
  readonly size: number | undefined
  /** What came back, -1 with `error` set; undefined when the process ended before it did. */
  readonly result: number | undefined
  readonly error: string | undefined
  /** Places in the trace; a call that was not interrupted begins and ends at one. */
  readonly begun: number
  readonly ended: number
}

/** What was done to one file, in words that no system call needs. */
export interface Operation {
  readonly kind:
    | 'create'
    | 'open'
    | 'write'
    | 'truncate'
    | 'syncData'
    | 'syncDirectory'
    | 'rename'
    | 'remove'
    | 'makeDirectory'
  /** From the log's directory, which itself is `.`. */
  readonly path: string
  /** The new name, for a rename. */
  readonly to?: string
  /** What was written, or cut to. */
  readonly sizeBytes?: number
}

/** Reads a trace; calls come in the order in which they ended. */
export function parseTrace(text: string): SystemCall[] {
  const unfinished = new Map<number, { text: string; begun: number }>()
  const open = new Map<number, { path: string; flags: ReadonlySet<string> }>()
  const calls: SystemCall[] = []
  for (const [number, line] of text.split('\n').entries()) {
    const match = /^(?:\[pid +)?(\d+)\]? +(?:\d[\d.:]* +)?(.*)$/.exec(line)
    if (match === null) continue
    const thread = Number(match[1])
    let rest = match[2]!
    let begun = number
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)
    if (resumed !== null) {
      const start = unfinished.get(thread)
      if (start === undefined) continue
      unfinished.delete(thread)
      rest = start.text + resumed[1]!.trimStart()
      begun = start.begun
    } else if (rest.endsWith('<unfinished ...>')) {
      unfinished.set(thread, { text: rest.slice(0, -'<unfinished ...>'.length).trimEnd(), begun })
      continue
    }
    const call = parseCall(rest, { thread, begun, ended: number, open })
    if (call !== undefined) calls.push(call)
  }
  return calls
}

/**
 * What was done below `directory`, in order of completion: what failed left out, and so are the index and the lock,
 * which belong to SQLite, and opening a directory to list or to sync it. `create` is any open that may make the file.
 */
export function operationsOf(traceText: string, directory: string): Operation[] {
  const calls = parseTrace(traceText).filter(({ result }) => result !== undefined && result >= 0)
  const directories = new Set([directory])
  for (const { call, path, flags } of calls)
    if (path !== undefined && (call.startsWith('mkdir') || flags.has('O_DIRECTORY'))) directories.add(path)
  return calls.flatMap((call): Operation[] => {
    const path = relativeTo(directory, call.path)
    if (path === undefined || isLeftOut(path)) return []
    const operation = toOperation(call, path, { isDirectory: directories.has(call.path!) })
    if (operation === undefined) return []
    const to = operation.kind === 'rename' ? relativeTo(directory, call.to) : undefined
    return [to === undefined ? operation : { ...operation, to }]
  })
}

function toOperation(
  { call, flags, result, size }: SystemCall,
  path: string,
  { isDirectory }: { isDirectory: boolean },
): Operation | undefined {
  switch (call) {
    case 'open':
    case 'openat':
    case 'creat':
      if (isDirectory) return undefined
      return { kind: call === 'creat' || flags.has('O_CREAT') ? 'create' : 'open', path }
    case 'write':
    case 'pwrite64':
    case 'writev':
    case 'pwritev':
    case 'pwritev2':
      return { kind: 'write', path, sizeBytes: result! }
    case 'ftruncate':
    case 'truncate':
      return { kind: 'truncate', path, sizeBytes: size! }
    case 'fsync':
    case 'fdatasync':
      return { kind: isDirectory ? 'syncDirectory' : 'syncData', path }
    case 'rename':
    case 'renameat':
    case 'renameat2':
      return { kind: 'rename', path }
    case 'unlink':
    case 'unlinkat':
      return { kind: 'remove', path }
    case 'mkdir':
    case 'mkdirat':
      return { kind: 'makeDirectory', path }
    default:
      return undefined
  }
}

/** The path from `directory`, `.` for itself; undefined for what lies elsewhere. */
export function relativeTo(directory: string, path: string | undefined): string | undefined {
  if (path === directory) return '.'
  return path?.startsWith(`${directory}/`) === true ? path.slice(directory.length + 1) : undefined
}

function isLeftOut(path: string): boolean {
  const name = posix.basename(path)
  return name.startsWith('index.db') || name.startsWith('.lock') || name === 'lock-owner.json'
}

interface ParseState {
  readonly thread: number
  readonly begun: number
  readonly ended: number
  /** By descriptor; threads of one process share them. */
  readonly open: Map<number, { path: string; flags: ReadonlySet<string> }>
}

function parseCall(text: string, { thread, begun, ended, open }: ParseState): SystemCall | undefined {
  const name = /^(\w+)\(/.exec(text)?.[1]
  if (name === undefined) return undefined // a signal, or the end of a thread
  const { args, end } = splitArguments(text, name.length + 1)
  const outcome = /^\s*= (-?\d+|0x[\da-f]+|\?)(?:<(.*)>(?:\(deleted\))?)?(?: (E[A-Z0-9]+))?/.exec(
    text.slice(end),
  )
  const result = outcome === null || outcome[1] === '?' ? undefined : Number(outcome[1])
  const base = { call: name, thread, result, error: outcome?.[3], begun, ended }
  const onName = pathArguments(name, args)
  const descriptor = onName === undefined ? descriptorOf(args[0]) : undefined
  let path = onName?.path ?? descriptor?.path
  let flags = descriptor === undefined ? new Set<string>() : (open.get(descriptor.number)?.flags ?? new Set())
  if (/^(?:open|openat|creat)$/.test(name)) {
    flags = new Set(args[name === 'openat' ? 2 : 1]?.split('|'))
    if (result !== undefined && result >= 0) {
      path = outcome?.[2] === undefined ? path : unescapeText(outcome[2]) // every link resolved
      open.set(result, { path: path ?? '', flags })
    }
  }
  if (name === 'close' && result === 0 && descriptor !== undefined) open.delete(descriptor.number)
  return {
    ...base,
    path,
    to: onName?.to,
    descriptor: descriptor?.number,
    flags,
    data: isWrite(name) ? writtenData(args[1] ?? '') : undefined,
    size: /^f?truncate$/.test(name) ? Number(args[1]) : undefined,
  }
}

const isWrite = (name: string) => /^p?write/.test(name)

/** The arguments as strace printed them, and the place behind the closing bracket. */
function splitArguments(text: string, from: number): { args: string[]; end: number } {
  const args: string[] = []
  let start = from
  let depth = 0
  let position = from
  for (; position < text.length; position++) {
    const char = text[position]!
    if (char === '"') position = endOfString(text, position)
    else if (char === '<') position = Math.max(position, text.indexOf('>', position))
    else if ('([{'.includes(char)) depth++
    else if (depth > 0 && ')]}'.includes(char)) depth--
    else if (char === ')') break
    else if (char === ',' && depth === 0) {
      args.push(text.slice(start, position).trim())
      start = position + 1
    }
  }
  args.push(text.slice(start, position).trim())
  return { args, end: position + 1 }
}

function endOfString(text: string, start: number): number {
  let position = start + 1
  while (position < text.length && text[position] !== '"') position += text[position] === '\\' ? 2 : 1
  return position
}

/** The names that a call is about; undefined for a call on an open file. */
function pathArguments(name: string, args: readonly string[]): { path: string; to?: string } | undefined {
  const at = (slot: number): string => {
    const directory = args[slot]?.startsWith('"') === true ? undefined : descriptorOf(args[slot])
    const path = quotedText(args[directory === undefined ? slot : slot + 1] ?? '')
    return directory === undefined ? path : posix.resolve(directory.path, path)
  }
  if (/^(?:rename|link)$/.test(name)) return { path: at(0), to: at(1) }
  if (/^(?:renameat2?|linkat)$/.test(name)) return { path: at(0), to: at(2) }
  if (/^(?:open|creat|truncate|unlink|mkdir|rmdir|openat|unlinkat|mkdirat)$/.test(name))
    return { path: at(0) }
  return undefined
}

/** `21</home/log>` and `AT_FDCWD</home>`; undefined for what is no file. */
function descriptorOf(text = ''): { number: number; path: string } | undefined {
  const match = /^(-?\d+|AT_FDCWD)(?:<(.*)>)?(?:\(deleted\))?$/.exec(text)
  if (match === null) return undefined
  return { number: Number(match[1] === 'AT_FDCWD' ? -100 : match[1]), path: unescapeText(match[2] ?? '') }
}

/** Of one string, or of a list of `{iov_base="…", iov_len=4}`. */
function writtenData(text: string): Buffer {
  const parts = text.startsWith('"')
    ? [text]
    : [...text.matchAll(/iov_base=("(?:[^"\\]|\\.)*")/g)].map((match) => match[1]!)
  return Buffer.concat(parts.map((part) => Buffer.from(quotedText(part, 'latin1'), 'latin1')))
}

function quotedText(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  return unescapeText(text.slice(1, endOfString(text, 0)), encoding)
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', v: '\v', f: '\f' }

/** Undoes what C would need in a string: `\n`, `\"`, `\0`, `\377`, `\xff`. */
function unescapeText(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  const bytes = text.replaceAll(/\\(x[\da-f]{2}|[0-7]{1,3}|.)/g, (_, escape: string) => {
    if (/^x[\da-f]{2}$/.test(escape)) return String.fromCharCode(Number.parseInt(escape.slice(1), 16))
    if (/^[0-7]/.test(escape)) return String.fromCharCode(Number.parseInt(escape, 8))
    return ESCAPES[escape] ?? escape
  })
  return encoding === 'latin1' ? bytes : Buffer.from(bytes, 'latin1').toString()
}
