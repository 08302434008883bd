import { onTestFinished } from 'vitest'
import { openStore, type Store, type StoreOptions } from '../../src/index.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** Opens the store in `directory`, a new one by default; it is closed, if the test left it open, when the test ends. */
export async function openTempStore(
  options: StoreOptions = {},
  directory = temporaryDirectory(),
): Promise<Store> {
  const store = await openStore(directory, { cleanup: false, durability: 'os', ...options })
  onTestFinished(() => store.close().catch(() => {})) // a test of failures has looked at them by now
  return store
}

/** Closes a store and opens it again. */
export async function reopen(store: Store, options: StoreOptions = {}): Promise<Store> {
  await store.close()
  return openTempStore(options, store.directory)
}
