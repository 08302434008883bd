import { posix } from 'node:path'
import type { FileSystem } from '../../src/index.ts'
import { nodeFileSystem } from '../../src/fs/index.ts'

/**
 * The machine's file system with its root somewhere else: `/log` is `<root>/log`. It calls itself simulated, so that a log
 * on it does just what one on a simulated disk does.
 */
export function movedFileSystem(root: string): FileSystem {
  const at = (path: string): string => posix.join(root, path)
  return {
    kind: 'simulated',
    openSync: (path, mode) => nodeFileSystem.openSync(at(path), mode),
    statSync: (path) => nodeFileSystem.statSync(at(path)),
    list: (path) => nodeFileSystem.list(at(path)),
    makeDirectory: (path) => nodeFileSystem.makeDirectory(at(path)),
    rename: (from, to) => nodeFileSystem.rename(at(from), at(to)),
    remove: (path) => nodeFileSystem.remove(at(path)),
    removeDirectory: (path) => nodeFileSystem.removeDirectory(at(path)),
    syncDirectory: (path) => nodeFileSystem.syncDirectory(at(path)),
    realPath: async (path) => path,
    lock: (path) => nodeFileSystem.lock(at(path)),
    isLocked: (path) => nodeFileSystem.isLocked(at(path)),
    watch: (path, changed) => nodeFileSystem.watch(at(path), changed),
  }
}
