/**
 * One thing that was asked of a simulated disk; a crash can come after each.
 *
 * A sync has a beginning and an end: what was changed before it began is on disk once it has ended. One that `failed`
 * has lost what it was to save, for good, though the cache still shows it: that is what kernels do.
 */
export type DiskOperation =
  | { readonly kind: 'create'; readonly path: string; readonly inode: number; readonly atMs: number }
  | { readonly kind: 'makeDirectory'; readonly path: string }
  | {
      readonly kind: 'write'
      readonly path: string
      readonly inode: number
      readonly position: number
      readonly bytes: Uint8Array
      readonly atMs: number
    }
  | {
      readonly kind: 'truncate'
      readonly path: string
      readonly inode: number
      readonly sizeBytes: number
      readonly atMs: number
    }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
  | {
      readonly kind: 'syncData'
      readonly path: string
      readonly inode: number
      readonly phase: SyncPhase
      /** Tells the end of a sync which beginning it belongs to. */
      readonly sync: number
      readonly keepsSize?: boolean
    }
  | {
      readonly kind: 'syncDirectory'
      readonly path: string
      readonly phase: SyncPhase
      readonly sync: number
    }

/** Where in a sync the disk is. */
export type SyncPhase = 'begin' | 'end' | 'failed'

/** A word on what an operation did, for messages. */
export function describeOperation(operation: DiskOperation): string {
  switch (operation.kind) {
    case 'write':
      return `write ${operation.path} +${operation.bytes.length} at ${operation.position}`
    case 'truncate':
      return `truncate ${operation.path} to ${operation.sizeBytes}`
    case 'rename':
      return `rename ${operation.path} to ${operation.to}`
    case 'syncData':
    case 'syncDirectory':
      return `${operation.kind} ${operation.path} ${operation.phase}`
    case 'create':
    case 'makeDirectory':
    case 'remove':
      return `${operation.kind} ${operation.path}`
  }
}
