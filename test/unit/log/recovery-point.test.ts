import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/core/index.ts'
import { openCheckpointFile } from '../../../src/layout/index.ts'
import { RecoveryPoint } from '../../../src/log/recovery-point.ts'
import { FaultFileSystem, ManualClock } from '../../../src/testing/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const MIB = 1024 * 1024

function setUp(offset = 0) {
  const fileSystem = new FaultFileSystem()
  const clock = new ManualClock()
  const warnings: string[] = []
  const path = join(temporaryDirectory(), 'recovery-point-offset-checkpoint')
  const checkpoint = openCheckpointFile(fileSystem, path)
  const logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) }
  const log = { topic: 'orders', partition: 0 }
  const point = new RecoveryPoint({ checkpoint, log, clock, logger, offset, onFailure: () => {} })
  const stored = () => Number(/^orders 0 (\d+)$/m.exec(readFileSync(path, 'utf8'))?.[1])
  return { fileSystem, clock, warnings, checkpoint, point, stored }
}

describe('RecoveryPoint', () => {
  it('stores 5 s after the first sync, and not once a sync', async () => {
    const { fileSystem, clock, checkpoint, point, stored } = setUp()
    for (let offset = 1; offset <= 4; offset++) {
      point.wrote(100)
      point.durable(offset)
      await clock.advance(1_249)
    }
    expect(fileSystem.count('rename')).toBe(0)
    await clock.advance(4)
    await checkpoint.idle()
    expect([stored(), fileSystem.count('rename')]).toEqual([4, 1])
    await clock.advance(60_000)
    expect(fileSystem.count('rename')).toBe(1)
  })

  it('stores at the first sync after 64 MiB', async () => {
    const { fileSystem, checkpoint, point, stored } = setUp()
    point.wrote(64 * MIB - 1)
    point.durable(1)
    expect(fileSystem.count('open')).toBe(0)
    point.wrote(1)
    point.durable(2)
    await checkpoint.idle()
    expect(stored()).toBe(2)
    point.wrote(10)
    point.durable(3)
    await checkpoint.idle()
    expect(stored()).toBe(2) // the count began anew
  })

  it('stores nothing because of bytes that no sync has covered', async () => {
    const { fileSystem, clock, point } = setUp()
    point.wrote(200 * MIB)
    await clock.advance(60_000)
    expect(fileSystem.calls).toEqual([])
  })

  it('stores at a roll', async () => {
    const { checkpoint, point, stored } = setUp()
    point.rolled(77)
    await checkpoint.idle()
    expect(stored()).toBe(77)
  })

  it('is lowered on disk even while a higher one is being stored', async () => {
    const { fileSystem, checkpoint, point, stored } = setUp()
    await point.store(50)
    const hold = fileSystem.hold('rename')
    point.rolled(100)
    await hold.reached
    const lowered = point.store(50) // the same as what the file held last
    hold.release()
    await lowered
    expect(stored()).toBe(50)
    await checkpoint.idle()
    expect(stored()).toBe(50)
  })

  it('stores after a lowering what it was lowered to, until a sync says more', async () => {
    const { clock, checkpoint, point, stored } = setUp()
    point.durable(100)
    await point.store(40)
    await clock.advance(10_000)
    await checkpoint.idle()
    expect(stored()).toBe(40)
    point.durable(41)
    await clock.advance(5_000)
    await checkpoint.idle()
    expect(stored()).toBe(41)
  })

  it('logs a failure and tries again after the next sync', async () => {
    const { fileSystem, clock, warnings, checkpoint, point, stored } = setUp()
    fileSystem.fail('open', { code: 'ENOSPC' })
    point.rolled(5)
    await checkpoint.idle()
    await clock.advance(0)
    expect(warnings).toHaveLength(1)
    point.durable(6)
    await clock.advance(5_000)
    await checkpoint.idle()
    expect(stored()).toBe(6)
  })

  it('tells whoever asks for it by name that it could not be stored', async () => {
    const { fileSystem, point } = setUp()
    fileSystem.fail('syncData', { code: 'EIO' })
    await expect(point.store(5)).rejects.toMatchObject({ code: 'LOG_POISONED', cause: { code: 'EIO' } })
  })

  it('stores nothing of its own accord once it is closed', async () => {
    const { fileSystem, clock, point } = setUp()
    point.wrote(100 * MIB)
    point.close()
    point.durable(9)
    point.rolled(10)
    await clock.advance(60_000)
    expect([fileSystem.calls, clock.timers]).toEqual([[], []])
  })
})
