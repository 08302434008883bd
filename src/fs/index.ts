export {
  readSmallFile,
  removeFile,
  removeTree,
  renameTemporary,
  replaceFile,
  TEMPORARY_SUFFIX,
  writeTemporary,
} from './atomic-file.ts'
export type {
  DirectoryChange,
  DirectoryEntry,
  DirectoryLock,
  FileHandle,
  FileKind,
  FileStat,
  FileSystem,
  OpenMode,
  Watcher,
} from './file-system.ts'
export { nodeFileSystem } from './node-file-system.ts'
export { type OpenFile, OpenFileLimit } from './open-file-limit.ts'
export { isBeingSynced, isClosedForNow, openReopening, reopen } from './reopening-file.ts'
export { syncBytes, syncNames } from './sync.ts'
