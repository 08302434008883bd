import { describe, expect, it } from 'vitest'
import { type ConfigInput, resolveConfig } from '../../../src/config/index.ts'

const resolve =
  (...layers: ConfigInput[]) =>
  () =>
    resolveConfig(layers)
const MIB = 1024 * 1024

describe('max.compaction.lag.ms', () => {
  it('is at least min.compaction.lag.ms', () => {
    expect(resolve({ 'min.compaction.lag.ms': 5, 'max.compaction.lag.ms': 5 })).not.toThrow()
    expect(resolve({ 'min.compaction.lag.ms': 6, 'max.compaction.lag.ms': 5 })).toThrow(
      'max.compaction.lag.ms: found 5, expected at least min.compaction.lag.ms, which is 6',
    )
    expect(resolve({ 'min.compaction.lag.ms': Infinity })).not.toThrow()
  })

  it('is compared across layers and synonyms', () => {
    expect(resolve({ 'log.cleaner.max.compaction.lag.ms': 5 }, { 'min.compaction.lag.ms': 6 })).toThrow(
      'expected at least',
    )
  })
})

describe('log.cleaner.dedupe.buffer.size', () => {
  it('is over 1 MiB for each thread', () => {
    expect(resolve({ 'log.cleaner.dedupe.buffer.size': 2 * MIB + 1, 'log.cleaner.threads': 2 })).not.toThrow()
    expect(resolve({ 'log.cleaner.dedupe.buffer.size': 2 * MIB, 'log.cleaner.threads': 2 })).toThrow(
      'log.cleaner.dedupe.buffer.size: found 2097152, expected over 1 MiB for each of log.cleaner.threads, which is 2',
    )
    expect(resolve({ 'log.cleaner.threads': 128 })).toThrow('dedupe.buffer.size')
    expect(resolve({ 'log.cleaner.threads': 0 })).not.toThrow()
  })
})

describe('remote storage', () => {
  it('goes with delete or with no policy', () => {
    expect(resolve({ 'remote.storage.enable': true })).not.toThrow()
    expect(resolve({ 'remote.storage.enable': true, 'cleanup.policy': [] })).not.toThrow()
    expect(resolve({ 'remote.storage.enable': false, 'cleanup.policy': 'compact' })).not.toThrow()
    for (const policy of ['compact', 'delete,compact']) {
      expect(resolve({ 'remote.storage.enable': true, 'cleanup.policy': policy })).toThrow(
        'remote.storage.enable: found true, expected false where cleanup.policy has compact',
      )
    }
  })

  it.each([
    ['local.retention.ms', 'retention.ms'],
    ['local.retention.bytes', 'retention.bytes'],
  ] as const)('keeps no more by %s than by %s', (local, total) => {
    const remote = { 'remote.storage.enable': true }
    expect(resolve({ ...remote, [local]: 5, [total]: 5 })).not.toThrow()
    expect(resolve({ ...remote, [local]: -2, [total]: 5 })).not.toThrow()
    expect(resolve({ ...remote, [local]: 5, [total]: -1 })).not.toThrow()
    expect(resolve({ ...remote, [local]: -1, [total]: -1 })).not.toThrow()
    expect(resolve({ ...remote, [local]: 6, [total]: 5 })).toThrow(
      `${local}: found 6, expected -2 or at most ${total}, which is 5`,
    )
    expect(resolve({ ...remote, [local]: -1, [total]: 5 })).toThrow(`${local}: found -1`)
    expect(resolve({ [local]: 6, [total]: 5 })).not.toThrow()
  })
})

describe('a key that is wrong by itself', () => {
  it('is not held against the keys it has to agree with', () => {
    expect(resolve({ 'log.cleaner.dedupe.buffer.size': 'big', 'log.cleaner.threads': 200 })).toThrow(
      /^invalid configuration\n {2}log\.cleaner\.dedupe\.buffer\.size: found 'big'[^\n]*$/,
    )
    const retention = {
      'remote.storage.enable': true,
      'local.retention.ms': '8d',
      'log.retention.hours': 'many',
    }
    expect(resolve(retention)).toThrow(/^invalid configuration\n {2}log\.retention\.hours[^\n]*$/)
  })
})
