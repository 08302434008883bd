/*
 * The order in which a log has to ask for things, so that what it says is true after a power loss; checked against the
 * system calls of a process that said what it was told, as `traced-child.ts` does. Each rule lists what breaks it.
 */
import { posix } from 'node:path'
import { readSegment } from '../helpers/independent-reader.ts'
import { relativeTo, type SystemCall } from './system-calls.ts'

const SEGMENT = /^(\d{20})\.log$/
const MARKER = '.kafka_cleanshutdown'
const RECOVERY_POINTS = 'recovery-point-offset-checkpoint'
const START_OFFSETS = 'log-start-offset-checkpoint'

/** What was found in a trace that the rules speak of; too little of it, and their silence means nothing. */
export interface Coverage {
  readonly acknowledgements: number
  readonly segmentsMade: number
  readonly renames: number
  readonly markersRemoved: number
  readonly segmentsDeleted: number
}

interface Step extends SystemCall {
  /** From the log's directory. */
  readonly name: string
}

/** Checks every rule; `troubles` is empty when all of them hold. */
export function checkOrder(
  calls: readonly SystemCall[],
  directory: string,
): { readonly troubles: readonly string[]; readonly coverage: Coverage } {
  const trace = new Trace(calls, directory)
  const troubles = [
    ...ownName(trace, calls),
    ...acknowledgements(trace),
    ...newSegments(trace),
    ...appendOnly(trace),
    ...replacements(trace),
    ...recoveryPoints(trace),
    ...deletions(trace),
    ...markers(trace),
    ...failures(trace),
  ]
  const coverage = {
    acknowledgements: trace.said.length,
    segmentsMade: trace.creates.length,
    renames: trace.renames.length,
    markersRemoved: trace.removals(MARKER).length,
    segmentsDeleted: trace.renames.filter(({ name }) => SEGMENT.test(name)).length,
  }
  return { troubles, coverage }
}

/** One claim of the process, and the system call by which it made it. */
interface Claim {
  readonly words: readonly string[]
  readonly call: SystemCall
}

class Trace {
  readonly steps: readonly Step[]
  readonly said: readonly Claim[]
  readonly writes: readonly Step[]
  readonly renames: readonly Step[]
  /** Of segments. */
  readonly creates: readonly Step[]
  readonly directory: string

  constructor(calls: readonly SystemCall[], directory: string) {
    this.directory = directory
    this.steps = calls.flatMap((call) => {
      const name = relativeTo(directory, call.path)
      return name === undefined ? [] : [{ ...call, name }]
    })
    this.said = calls
      .filter(({ call, descriptor }) => call === 'write' && descriptor === 1)
      .map((call) => ({ words: call.data!.toString().trimEnd().split(' '), call }))
    this.writes = this.steps.filter(({ call }) => /^p?write/.test(call))
    this.renames = this.steps.filter(({ call }) => call.startsWith('rename'))
    this.creates = this.steps.filter(
      ({ call, flags, name }) => call === 'openat' && flags.has('O_CREAT') && SEGMENT.test(name),
    )
  }

  /** Writes to segments. */
  get segmentWrites(): readonly Step[] {
    return this.writes.filter(({ name }) => SEGMENT.test(name))
  }

  removals(name: string): readonly Step[] {
    return this.steps.filter(
      (step) => step.call.startsWith('unlink') && step.name === name && step.result === 0,
    )
  }

  /** True when something of `name` was synced, all of it after `after` had ended and before `before` began. */
  isSynced(name: string, between: { after: SystemCall; before: SystemCall }): boolean {
    const syncs = name === '.' ? ['fsync'] : ['fsync', 'fdatasync']
    return this.steps.some(
      (step) =>
        syncs.includes(step.call) &&
        step.name === name &&
        step.result === 0 &&
        step.begun > between.after.ended &&
        step.ended < between.before.begun,
    )
  }
}

/** The log's directory made → its parent synced, before anything is said. */
function ownName(trace: Trace, calls: readonly SystemCall[]): string[] {
  const made = calls.find(({ call, path }) => call.startsWith('mkdir') && path === trace.directory)
  const claim = trace.said[0]
  if (made === undefined || claim === undefined) return ['the log was not made, or nothing was said']
  const parent = posix.dirname(trace.directory)
  const isDurable = calls.some(
    ({ call, path, result, begun, ended }) =>
      call === 'fsync' && path === parent && result === 0 && begun > made.ended && ended < claim.call.begun,
  )
  return isDurable ? [] : ["the name of the log's directory was not durable when something was said"]
}

/** Written → fdatasync of that file has returned 0 → said. */
function acknowledgements(trace: Trace): string[] {
  const batches = trace.segmentWrites.flatMap((write) =>
    readSegment(write.data!).batches.map(({ baseOffset, lastOffset }) => ({
      baseOffset: Number(baseOffset),
      lastOffset: Number(lastOffset),
      write,
    })),
  )
  return trace.said.flatMap(({ words: [word, ...rest], call }) => {
    const offset = durableBelow(word!, rest)
    if (offset === undefined) return []
    const said = `'${[word, ...rest].join(' ')}'`
    const known = batches.some(
      ({ baseOffset, lastOffset }) => offset - 1 >= baseOffset && offset - 1 <= lastOffset,
    )
    if (!known) return [`${said}: nothing of the kind was written`]
    return batches
      .filter(({ baseOffset }) => baseOffset < offset)
      .filter(({ write }) => !trace.isSynced(write.name, { after: write, before: call }))
      .map(({ baseOffset, write }) => `${said}: offset ${baseOffset} in ${write.name} had not been synced`)
  })
}

/** Below which offset everything is on disk, says a claim. */
function durableBelow(word: string, rest: readonly string[]): number | undefined {
  if (word === 'A') return rest[2] === 'disk' ? Number(rest[1]) + 1 : undefined
  return word === 'F' || word === 'R' ? Number(rest[0]) : undefined
}

/** fdatasync(old) → create, which must be new → fsync(directory) → first byte. */
function newSegments(trace: Trace): string[] {
  return trace.creates.flatMap((create) => {
    const troubles: string[] = []
    if (!create.flags.has('O_EXCL')) troubles.push(`${create.name} may have been there already`)
    const first = trace.segmentWrites.find(({ name, ended }) => name === create.name && ended > create.ended)
    if (first !== undefined && !trace.isSynced('.', { after: create, before: first }))
      troubles.push(`${create.name} was written before its name was durable`)
    const earlier = trace.segmentWrites.filter(
      ({ name, begun }) => name < create.name && begun < create.begun,
    )
    for (const name of new Set(earlier.map((write) => write.name))) {
      const last = earlier.findLast((write) => write.name === name)!
      if (!trace.isSynced(name, { after: last, before: create }))
        troubles.push(`${create.name} was made before ${name} had been synced`)
      const late = trace.segmentWrites.find((write) => write.name === name && write.ended > create.begun)
      if (late !== undefined) troubles.push(`${name} was written after ${create.name} had been made`)
    }
    return troubles
  })
}

function appendOnly(trace: Trace): string[] {
  return trace.segmentWrites
    .filter(({ flags }) => !flags.has('O_APPEND'))
    .map(({ name, begun }) => `${name} was written at ${begun} without O_APPEND`)
}

/** Anew → written → fdatasync → rename → fsync(directory), before anything more is said. */
function replacements(trace: Trace): string[] {
  return trace.renames
    .filter(({ name }) => name.endsWith('.tmp'))
    .flatMap((rename) => {
      const { name } = rename
      const troubles: string[] = []
      const made = trace.steps.findLast(
        ({ call, flags, name: other, ended }) =>
          call === 'openat' && flags.has('O_CREAT') && other === name && ended < rename.begun,
      )
      const written = trace.writes.findLast((write) => write.name === name && write.ended < rename.begun)
      if (made === undefined || !(made.flags.has('O_TRUNC') || made.flags.has('O_EXCL')))
        troubles.push(`${name} was not made anew`)
      if (written === undefined) troubles.push(`${name} took its place without a byte`)
      else if (!trace.isSynced(name, { after: written, before: rename }))
        troubles.push(`${name} took its place unsynced`)
      if (relativeTo(trace.directory, rename.to) !== name.slice(0, -'.tmp'.length))
        troubles.push(`${name} became ${rename.to}`)
      const end = { begun: Infinity } as SystemCall
      if (!trace.isSynced('.', { after: rename, before: end }))
        troubles.push(`the new name of ${name} was never synced`)
      return troubles
    })
}

/** What a recovery point says was on disk when it was written; what a start offset says, before that is said. */
function recoveryPoints(trace: Trace): string[] {
  const points = trace.writes
    .filter(({ name }) => name === `${RECOVERY_POINTS}.tmp`)
    .flatMap((write) => {
      const point = Number(/^log 0 (\d+)$/m.exec(write.data!.toString())?.[1])
      if (!Number.isSafeInteger(point)) return [`${write.name} says ${write.data!.toString()}`]
      return trace.segmentWrites
        .filter(
          (data) =>
            data.ended < write.begun && Number(readSegment(data.data!).batches[0]?.baseOffset) < point,
        )
        .filter((data) => !trace.isSynced(data.name, { after: data, before: write }))
        .map((data) => `recovery point ${point} was written before ${data.name} had been synced`)
    })
  const starts = trace.said.flatMap(({ words: [word, offset], call }) => {
    if (word !== 'S') return []
    const written = trace.writes.findLast(
      ({ name, data, ended }) =>
        name === `${START_OFFSETS}.tmp` &&
        ended < call.begun &&
        data!.toString().includes(`log 0 ${offset}\n`),
    )
    const rename = trace.renames.find(
      ({ name, begun }) => written !== undefined && name === written.name && begun > written.ended,
    )
    if (rename === undefined || !trace.isSynced('.', { after: rename, before: call }))
      return [`'S ${offset}' was said before it was durable`]
    return []
  })
  return [...points, ...starts]
}

/** A segment goes only after a start offset at or behind its end is durable, and its file only after the new name is. */
function deletions(trace: Trace): string[] {
  return trace.renames
    .filter(({ name }) => SEGMENT.test(name))
    .flatMap((rename) => {
      const { name } = rename
      const troubles: string[] = []
      const lastOffset = trace.segmentWrites
        .filter((write) => write.name === name && write.ended < rename.begun)
        .reduce(
          (last, write) => Math.max(last, Number(readSegment(write.data!).batches.at(-1)?.lastOffset ?? -1)),
          -1,
        )
      const starts = trace.renames.filter(
        (start) =>
          start.name === `${START_OFFSETS}.tmp` && trace.isSynced('.', { after: start, before: rename }),
      )
      const written = trace.writes.findLast(
        (write) => write.name === `${START_OFFSETS}.tmp` && write.ended < (starts.at(-1)?.begun ?? -1),
      )
      const start = Number(/^log 0 (\d+)$/m.exec(written?.data?.toString() ?? '')?.[1] ?? 0)
      if (start <= lastOffset) troubles.push(`${name} went at start ${start}, and ends at ${lastOffset}`)
      const removal = trace.removals(`${name}.deleted`)[0]
      if (removal !== undefined && !trace.isSynced('.', { after: rename, before: removal }))
        troubles.push(`${name}.deleted was removed before that name was durable`)
      return troubles
    })
}

/** Removed durably before the first byte of data; put there when everything else of a close is done. */
function markers(trace: Trace): string[] {
  const removed = trace.removals(MARKER).flatMap((removal) => {
    const first = trace.segmentWrites.find(({ ended }) => ended > removal.begun)
    return first !== undefined && !trace.isSynced('.', { after: removal, before: first })
      ? [`data was written before the removal of ${MARKER} was durable`]
      : []
  })
  const put = trace.renames.filter(({ to }) => posix.basename(to ?? '') === MARKER)
  const there = put.flatMap((rename, slot) => {
    const gone = trace.removals(MARKER).find(({ begun }) => begun > rename.ended)
    const between = trace.segmentWrites.filter(
      ({ begun, ended }) => ended > rename.begun && begun < (gone?.begun ?? put[slot + 1]?.begun ?? Infinity),
    )
    const unsynced = [
      ...new Set(trace.segmentWrites.filter(({ ended }) => ended < rename.begun).map(({ name }) => name)),
    ]
      .map(
        (name) => trace.segmentWrites.findLast((write) => write.name === name && write.ended < rename.begun)!,
      )
      .filter((write) => !trace.isSynced(write.name, { after: write, before: rename }))
    return [
      ...between.map(({ name }) => `${name} was written while ${MARKER} was there`),
      ...unsynced.map(({ name }) => `${MARKER} was put there before ${name} had been synced`),
    ]
  })
  return [...removed, ...there]
}

/** Nothing that matters may have failed in a run in which nothing is broken. */
function failures(trace: Trace): string[] {
  return trace.steps
    .filter(({ call, result }) => /sync|^p?write|truncate|^rename/.test(call) && (result ?? 0) < 0)
    .map(({ call, name, error }) => `${call} of ${name} failed: ${error}`)
}
