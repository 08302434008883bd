import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openStore } from '../../src/index.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

it('what is left of a deleted topic goes with the next opening, even if that is followed by closing at once', async () => {
  const directory = join(temporaryDirectory(), 'store')
  const deletions = () => readdirSync(directory).filter((name) => name.endsWith('-delete'))
  {
    await using store = await openStore(directory, { cleanup: false })
    await store.createTopic('orders', { partitions: 3 })
    await store.topic('orders').append({ partition: 2, records: 'a record' })
    await store.deleteTopic('orders')
  }
  expect(deletions()).toHaveLength(3)
  await (await openStore(directory, { cleanup: false })).close()
  expect(deletions()).toEqual([])
  expect(existsSync(join(directory, 'meta.properties'))).toBe(true)
})
