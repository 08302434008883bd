export { assert, assertNever } from './assert.ts'
export { realLength } from './bytes.ts'

export { forEachBounded } from './bounded.ts'
export { ChangeSignal } from './change-signal.ts'
export { type EventChannel, openChannel } from './diagnostics.ts'
export { type Clock, systemClock, type Timer } from './clock.ts'
export {
  argumentRangeError,
  argumentTypeError,
  ERROR_TABLE,
  type ErrorCode,
  type ErrorKind,
  type ErrorPlace,
  isSeglogError,
  SeglogError,
} from './errors.ts'
export { LimitedQueue } from './limited-queue.ts'
export { type PinoLike, silentLogger } from './logger.ts'
export { TurnGuard, yieldToEventLoop } from './event-loop.ts'
export {
  checkInteger,
  checkOffset,
  INT32_MAX,
  isOffset,
  TIMER_MS_MAX,
  toSafeInteger,
  typeName,
} from './numbers.ts'
export { checkBoolean, checkFunction, nearestName, readOptions } from './options.ts'
export { formatProperties, parseProperties } from './properties-text.ts'
export { type Random, systemRandom } from './random.ts'
export { SerialQueue } from './serial-queue.ts'
export { TwoGenerationCache } from './two-generation-cache.ts'
