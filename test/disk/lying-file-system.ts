import type { FileHandle, FileSystem } from '../../src/index.ts'
import { nodeFileSystem } from '../../src/fs/index.ts'

/** The machine's file system, but for this: it says that it has synced, and has not. */
export const lyingFileSystem: FileSystem = {
  ...nodeFileSystem,
  openSync: (path, mode) => lyingFile(nodeFileSystem.openSync(path, mode)),
  syncDirectory: async () => {},
}

function lyingFile(inner: FileHandle): FileHandle {
  return {
    path: inner.path,
    readSync: (into, position) => inner.readSync(into, position),
    read: (into, position) => inner.read(into, position),
    appendSync: (bytes, position) => inner.appendSync(bytes, position),
    extend: (sizeBytes) => inner.extend(sizeBytes),
    overwriteSync: (bytes, position) => inner.overwriteSync(bytes, position),
    truncateSync: (sizeBytes) => inner.truncateSync(sizeBytes),
    sizeSync: () => inner.sizeSync(),
    syncData: async () => {},
    syncDataSync: () => {},
    close: () => inner.close(),
  }
}
