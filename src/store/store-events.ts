import type { CleanEvent } from '../cleanup/index.ts'
import type {
  AppendEvent,
  DeleteEvent,
  FlushEvent,
  PoisonEvent,
  RecoverEvent,
  RollEvent,
} from '../log/index.ts'

/** What is told on which channel of `node:diagnostics_channel`. */
export interface SeglogEvents {
  'seglog:append': AppendEvent
  'seglog:flush': FlushEvent
  'seglog:roll': RollEvent
  'seglog:recover': RecoverEvent
  'seglog:clean': CleanEvent
  'seglog:delete': DeleteEvent
  'seglog:poison': PoisonEvent
}
