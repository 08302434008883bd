export { FaultFileSystem, type FaultKind, type RecordedCall } from '../../src/testing/index.ts'
