/* Fills an index in the directory given, in a process whose files may not grow large, and reports how that went. */
import { join } from 'node:path'
import { systemClock } from '../../../src/core/index.ts'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { openSqliteIndex } from '../../../src/offset-index/index.ts'
import { makeEntries } from './model.ts'

const directory = process.argv[2]!
const messages: string[] = []
let threw = false
process.on('uncaughtException', () => {
  threw = true
})
const database = await openSqliteIndex({
  fileSystem: nodeFileSystem,
  path: join(directory, 'index.db'),
  quarantineDirectory: join(directory, 'quarantine'),
  clock: systemClock,
  logger: (message) => messages.push(message),
})
const log = database.log('orders-0', 'a')
for (const entry of makeEntries(0, 20_000)) log.addEntry(0, entry)
await log.settle()
const last = log.floorByOffset(0, Number.MAX_SAFE_INTEGER)?.offset
const { state } = log
await database.close()
process.stdout.write(JSON.stringify({ state, last, threw, messages }))
