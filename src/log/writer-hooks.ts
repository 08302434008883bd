import type { ResolvedConfig } from '../config/index.ts'
import { isSeglogError, type Random, type SeglogError, type Timer } from '../core/index.ts'
import {
  type FileHandle,
  type FileSystem,
  isClosedForNow,
  openReopening,
  reopen,
  syncNames,
} from '../fs/index.ts'
import { Segment, SegmentWriter } from '../segment/index.ts'
import { writeFailedMarker } from './failed-marker.ts'
import { isWantOfRoom, poisonedError } from './failures.ts'
import { eventOf, events } from './log-events.ts'
import { effectiveSegmentMs, type LogParts } from './log-parts.ts'
import type { OpenedLog } from './opened-log.ts'
import { activeMode, Preallocation } from './preallocation.ts'
import type { WriterHooks } from './writer-hooks-type.ts'

/** At `os` and `memory` a sync starts in the background after so much, so that a roll has little left to sync. */
const BACKGROUND_SYNC_BYTES = 32 * 1024 * 1024
const BACKGROUND_SYNC_MS = 1_000
const RANDOM_BOUND_MAX = 2 ** 47

/** Ties the writer's loop to the log's state, files, checkpoints and followers. */
export function createWriterHooks(parts: () => LogParts, opened: OpenedLog): WriterHooks {
  const { clock } = opened.options
  const { state } = opened
  const { ballast, openFiles, turn } = opened.root
  const background = new BackgroundSync(parts)
  const checkPlace = (): void => {
    const problem = opened.placeProblem()
    if (problem !== undefined) throw problem
  }
  return {
    preallocation: preallocationOf(opened),
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    isTurnOver: () => turn.isOver(),
    rollLimits: () => ({
      segmentBytes: state.config['segment.bytes'],
      segmentMs: effectiveSegmentMs(state.config),
      indexBytes: state.config['segment.index.bytes'],
    }),
    regainRoom: () => ballast.regain(),
    reopen: ({ handle }) =>
      isClosedForNow(handle) ? openFiles.openWithin<undefined>(() => reopenOurs(handle)) : undefined,
    async beforeFirstWrite() {
      checkPlace() // a broker that was stopping may have removed its file just after we locked it
      await opened.beforeFirstWrite()
    },
    checkPlace,
    createSegment(baseOffset) {
      checkPlace()
      return createSegment(parts(), baseOffset)
    },
    rolled(old, reason) {
      old.seal(state.index)
      const { path, sizeBytes, nextOffset } = old.segment
      parts().recoveryPoint.rolled(nextOffset)
      parts().logger.info({ path, sizeBytes, reason }, 'segment rolled')
      if (events.roll.hasSubscribers)
        events.roll.publish({ ...eventOf(opened.paths), reason, baseOffset: nextOffset, path, sizeBytes })
    },
    readable(offset) {
      state.setReadableEnd(offset)
      parts().publish()
      ballast.makeSoon()
    },
    ...timedEvents(opened),
    flushMessages: () => state.config['flush.messages'],
    wrote: (sizeBytes) => parts().recoveryPoint.wrote(sizeBytes),
    wroteUnsynced: (sizeBytes) => background.wrote(sizeBytes),
    durable(offset) {
      background.synced()
      parts().recoveryPoint.durable(offset)
    },
    full: (isFull) => parts().removal.hurry(isFull),
    poisoned(error) {
      background.stop()
      endWriting(parts(), opened, error)
    },
  }
}

function preallocationOf({ options: { logger }, root: { ballast }, state }: OpenedLog): Preallocation {
  const segmentBytes = (): number => state.config['segment.bytes']
  return new Preallocation({ logger, segmentBytes, isRoomWanted: () => ballast.isSpent })
}

/** What is told with the time it took: nothing is made of it while nobody listens. */
function timedEvents({
  paths,
  options: { clock },
}: OpenedLog): Pick<WriterHooks, 'runStarted' | 'acknowledged' | 'synced'> {
  return {
    runStarted: () => (events.append.hasSubscribers ? clock.monotonic() : undefined),
    acknowledged(run, startedMs) {
      events.append.publish({ ...eventOf(paths), ...run, ms: clock.monotonic() - startedMs })
    },
    synced(durableOffset, ms) {
      if (events.flush.hasSubscribers) events.flush.publish({ ...eventOf(paths), durableOffset, ms })
    },
  }
}

/** Nothing more is written: readers are held at what is on disk, and the next opening is left a note. */
function endWriting(parts: LogParts, opened: OpenedLog, error: SeglogError): void {
  const { root, state } = opened
  root.ballast.stop()
  parts.recoveryPoint.close()
  const { durableOffset } = parts.writer
  // What no sync has covered may be gone, whatever the cache shows: readers get what is on disk, and no more.
  state.setReadableEnd(Math.min(state.readableEndOffset, durableOffset))
  if (opened.placeProblem() === undefined) {
    parts.publish()
    parts.failedMarker = writeFailedMarker(parts, { durableOffset, reason: error.message })
  } // else these files are another process's by now
  parts.logger.error({ error }, 'the log is poisoned: it takes no more appends')
  if (!events.poison.hasSubscribers) return
  const message = { ...eventOf(parts.paths), error, durableOffset }
  queueMicrotask(() => events.poison.publish(message)) // appends are rejected first
}

/** Errors: the system's, when there are no descriptors; LOG_POISONED when the file is gone, or is somebody else's. */
function reopenOurs(handle: FileHandle): undefined {
  try {
    reopen(handle)
  } catch (error) {
    throw isWantOfRoom(error) ? error : poisonedError(error, 'not-written')
  }
}

/** Makes an empty segment and its name durable. Errors: the system's, nothing changed; LOG_POISONED after half a step. */
async function createSegment(parts: LogParts, baseOffset: number): Promise<SegmentWriter> {
  const { fileSystem, openFiles, paths, clock, random, state } = parts
  const path = paths.segment(baseOffset)
  const isFilledAhead = activeMode(state.config) === 'fill'
  const handle = await openFiles.openWithin<FileHandle>(() =>
    openReopening({ fileSystem, limit: openFiles }, path, isFilledAhead ? 'create-fill' : 'create'),
  )
  try {
    await syncNames(fileSystem, paths.directory)
  } catch (error) {
    handle.close()
    throw await undoSegment(fileSystem, path, error)
  }
  const nowMs = clock.now()
  const segment = new Segment({ baseOffset, path, sizeBytes: 0, nextOffset: baseOffset, appendedAtMs: nowMs })
  segment.facts = 'fresh'
  segment.rollJitterMs = drawRollJitter(random, state.config)
  state.segments.push(segment)
  const indexIntervalBytes = state.config['index.interval.bytes']
  const { index } = state
  return new SegmentWriter({ segment, handle, createdMs: nowMs, isFilledAhead, index, indexIntervalBytes })
}

/** A segment whose name could not be synced for want of descriptors goes again, so that the next roll can make it. */
async function undoSegment(fileSystem: FileSystem, path: string, error: unknown): Promise<unknown> {
  if (isSeglogError(error)) return error // a failed sync is final, and opening knows what to do with an empty segment
  try {
    await fileSystem.remove(path)
    return error
  } catch (cause) {
    return poisonedError(cause, 'not-written')
  }
}

/** The part of `segment.ms` that a segment does not wait for, so that logs made together don't roll together. */
export function drawRollJitter(random: Random, config: ResolvedConfig): number {
  const jitterMs = Math.min(config['segment.jitter.ms'], effectiveSegmentMs(config))
  return jitterMs > 0 ? random.below(Math.min(jitterMs, RANDOM_BOUND_MAX)) : 0
}

/** Starts a sync in the background once enough has been written without one, or after a while. */
class BackgroundSync {
  readonly #parts: () => LogParts
  #bytes = 0
  #timer: Timer | undefined

  constructor(parts: () => LogParts) {
    this.#parts = parts
  }

  wrote(sizeBytes: number): void {
    this.#bytes += sizeBytes
    if (this.#bytes >= BACKGROUND_SYNC_BYTES) this.#start()
    else this.#wait()
  }

  /** A sync has ended; what was written after it began still waits for one. */
  synced(): void {
    const { writer } = this.#parts()
    this.stop()
    this.#bytes = 0
    if (writer.durableOffset < writer.writtenEnd) this.#wait()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #wait(): void {
    const { clock, state } = this.#parts()
    const delayMs = Math.min(BACKGROUND_SYNC_MS, state.config['flush.ms'])
    this.#timer ??= clock.schedule(delayMs, () => this.#start())
  }

  #start(): void {
    this.stop()
    const { writer, state } = this.#parts()
    if (state.isClosed || writer.failure !== undefined || writer.isSyncing) return // `synced` follows
    writer.sync({ mayBlock: false }).catch(() => {}) // a failed sync has poisoned the log and told everyone
  }
}
