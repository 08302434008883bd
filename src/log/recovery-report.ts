import type { PinoLike } from '../core/index.ts'

/** Bytes that opening cut off the end of the last segment. */
export interface TailCut {
  readonly path: string
  /** Where the last whole batch ends. */
  readonly position: number
  readonly sizeBytes: number
  /** `TAIL_TORN`: a batch that was not written whole. `zeros`: space that was never written; nothing was lost. */
  readonly kind: 'TAIL_TORN' | 'zeros'
  readonly reason: string
  /** Sound batches lay past the tear: legal after power loss, but bit rot looks the same. */
  readonly suspect: boolean
  /** Where the cut bytes were copied; undefined for zeros, and where there was no room for a copy (see `notes`). */
  readonly quarantinedTo: string | undefined
}

/** Damage that opening found and did not touch. */
export interface OpenDamage {
  readonly kind: 'gap' | 'missing-head' | 'missing-tail' | 'damaged'
  readonly path: string
  readonly position: number
  /** First offset that is lost. */
  readonly firstLostOffset: number
  /** The next offset that is there, if any is. */
  readonly nextGoodOffset: number | undefined
  readonly message: string
  /** Nothing may be wrong with it: it is of a version of the format that is not read here. */
  readonly isUnsupported?: boolean
}

/** What opening a log found and did. */
export interface RecoveryReport {
  /** The log was closed in order, and nothing had to be scanned. */
  readonly clean: boolean
  /** Offset below which everything was known to be on disk. */
  readonly recoveryPoint: number
  /** Bytes whose checksums were checked. */
  readonly scannedBytes: number
  readonly scannedBatches: number
  readonly cut: TailCut | undefined
  /** Leftovers of an earlier process that were removed or put in place. */
  readonly settledFiles: readonly string[]
  /** Names in the directory that mean nothing here; left alone. */
  readonly unrecognisedFiles: readonly string[]
  /** Oldest quarantined files, dropped to keep the bound. */
  readonly droppedFiles: readonly string[]
  /** Only when opened with `onCorruption: 'readonly'`. */
  readonly damage: readonly OpenDamage[]
  /** Keys that were given, or are stored with the log, and change nothing here; of a store's log, those stored with it. */
  readonly inertConfig: readonly string[]
  /** What else was odd, in words: an unreadable checkpoint, a rebuilt index, no room to keep what was cut. */
  readonly notes: readonly string[]
  readonly durationMs: number
}

/** Says what opening a log has found: the louder, the more there is to it. */
export function tellOfOpening(logger: PinoLike, directory: string, recovery: RecoveryReport): void {
  const { damage, cut, clean, scannedBytes } = recovery
  const details = { directory, recovery }
  if (damage.length > 0) logger.error(details, 'the log is damaged, and open for reading only')
  else if (cut?.kind === 'TAIL_TORN')
    logger.warn(details, 'log opened; what was not written whole was cut off its end')
  else if (!clean && scannedBytes > 0) logger.info(details, 'log opened; it had not been closed in order')
  else logger.debug(details, 'log opened')
  const { inertConfig } = recovery
  if (inertConfig.length > 0)
    logger.info({ directory, inertConfig }, 'configuration that changes nothing here')
}
