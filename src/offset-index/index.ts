export { openMemoryIndex } from './memory-index.ts'
export { openSqliteIndex, type SqliteIndexOptions } from './sqlite-index.ts'
export { removeIndexFiles } from './stale-files.ts'
export type { IndexDatabase, IndexEntry, IndexState, LogIndex, SegmentFacts } from './types.ts'
