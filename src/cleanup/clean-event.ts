import { openChannel } from '../core/index.ts'
import type { LogEvent } from '../log/index.ts'
import type { CleanReport } from './types.ts'

/** `seglog:clean`: a plan for one log was carried out; where there was nothing to do, nothing is told. */
export interface CleanEvent extends LogEvent {
  readonly report: CleanReport
}

/** The channel `seglog:clean`. */
export const cleanEvents = openChannel<CleanEvent>('seglog:clean')
