/*
 * Another process that reads a log of 12 MB and one of 120 MB, keeps nothing, and sends the most memory outside the
 * heap that each has had, in bytes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog } from '../../src/index.ts'

async function mostExternal(directory: string, megabytes: number): Promise<number> {
  const config = { 'segment.bytes': 16 * 1024 * 1024 }
  const log = await openLog(directory, { durability: 'memory', config, cleanup: false })
  const records = Array.from({ length: 100 }, () => Buffer.alloc(1000, 7))
  for (let batch = 0; batch < megabytes * 10; batch++) await log.append(records, { durability: 'os' })
  let most = 0
  let count = 0
  for await (const { value } of log.read()) {
    if (value?.length !== 1000) throw new RangeError('a value of another length')
    if (++count % 10_000 === 0) {
      global.gc?.()
      most = Math.max(most, process.memoryUsage().external)
    }
  }
  await log.close()
  return most
}

const directory = mkdtempSync(join(tmpdir(), 'seglog-scan-'))
try {
  const small = await mostExternal(join(directory, 'small'), 12)
  const large = await mostExternal(join(directory, 'large'), 120)
  process.send?.({ small, large })
} finally {
  rmSync(directory, { recursive: true, force: true })
}
