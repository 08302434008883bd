import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import {
  type EpochEntry,
  formatEpochs,
  lastEpoch,
  parseEpochs,
  readEpochs,
  truncateEpochsFromEnd,
  truncateEpochsFromStart,
} from '../../../src/layout/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { seed } from '../../helpers/seed.ts'

const entries = (...pairs: [number, number][]): EpochEntry[] =>
  pairs.map(([epoch, startOffset]) => ({ epoch, startOffset }))
const entriesArbitrary = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.nat(1000)), { maxLength: 20 })
  .map((steps) => {
    let epoch = -1
    let startOffset = 0
    return steps.map(([rise, gap]) => ({ epoch: (epoch += rise), startOffset: (startOffset += gap) }))
  })

const epochOf = (epochs: readonly EpochEntry[], offset: number) =>
  epochs.findLast((entry) => entry.startOffset <= offset)?.epoch

describe('leader epochs', () => {
  it("are Kafka's text", () => {
    expect(formatEpochs([])).toBe('0\n0\n')
    expect(formatEpochs(entries([0, 0], [2, 10]))).toBe('0\n2\n0 0\n2 10\n')
  })

  it('come back as they were', () => {
    fc.assert(
      fc.property(entriesArbitrary, (list) => {
        expect(parseEpochs(formatEpochs(list))).toEqual({ value: list })
      }),
      { seed },
    )
  })

  it.each([
    ['0\n1\n0\n', 'line 3 that is no'],
    ['0\n1\n0 0 0\n', 'line 3 that is no'],
    ['0\n1\n-1 0\n', 'line 3 that is no'],
    ['0\n1\n0 -1\n', 'line 3 that is no'],
    ['0\n1\n0 9007199254740992\n', 'line 3 that is no'],
    ['0\n1\n2147483648 0\n', 'out of order in line 3'],
    ['0\n2\n1 0\n1 5\n', 'out of order in line 4'],
    ['0\n2\n2 0\n1 5\n', 'out of order in line 4'],
    ['0\n2\n1 5\n2 4\n', 'out of order in line 4'],
    ['0\n1\n', 'says 1 lines, has 0'],
    ['', 'is empty'],
  ])('%j is a problem', (text, problem) => {
    expect(parseEpochs(text).problem).toContain(problem)
  })

  it('may share a start offset: an epoch in which nothing was written', () => {
    expect(parseEpochs('0\n2\n1 5\n2 5\n').value).toEqual(entries([1, 5], [2, 5]))
  })

  it('are never formatted out of order', () => {
    for (const wrong of [
      entries([1, 0], [1, 1]),
      entries([1, 1], [2, 0]),
      entries([-1, 0]),
      entries([0, -1]),
      entries([0.5, 0]),
    ]) {
      expect(() => formatEpochs(wrong)).toThrow('seglog bug')
    }
  })

  it('are read from a file; a missing one is empty and a damaged one a problem with its path', () => {
    const path = join(temporaryDirectory(), 'leader-epoch-checkpoint')
    expect(readEpochs(nodeFileSystem, path)).toEqual({ value: [] })
    writeFileSync(path, '0\n1\n3 17\n')
    expect(readEpochs(nodeFileSystem, path)).toEqual({ value: entries([3, 17]) })
    writeFileSync(path, '0\n1\n3 17')
    expect(readEpochs(nodeFileSystem, path)).toEqual({ problem: `${path} ends inside a line` })
  })

  it('end in the one that new batches carry, 0 when there is none', () => {
    expect(lastEpoch([])).toBe(0)
    expect(lastEpoch(entries([0, 0], [29, 5]))).toBe(29)
  })
})

describe('truncating leader epochs', () => {
  const list = entries([0, 0], [1, 7], [2, 10])

  it('from the end drops those that start at or above the cut', () => {
    expect(truncateEpochsFromEnd(list, 11)).toEqual(list)
    expect(truncateEpochsFromEnd(list, 10)).toEqual(entries([0, 0], [1, 7]))
    expect(truncateEpochsFromEnd(list, 8)).toEqual(entries([0, 0], [1, 7]))
    expect(truncateEpochsFromEnd(list, 0)).toEqual([])
  })

  it('from the start moves the first one kept up to the cut', () => {
    expect(truncateEpochsFromStart(list, 0)).toEqual(list)
    expect(truncateEpochsFromStart(list, 5)).toEqual(entries([0, 5], [1, 7], [2, 10]))
    expect(truncateEpochsFromStart(list, 7)).toEqual(entries([1, 7], [2, 10]))
    expect(truncateEpochsFromStart(list, 500)).toEqual(entries([2, 500]))
    expect(truncateEpochsFromStart(entries([3, 40]), 5)).toEqual(entries([3, 40]))
    expect(truncateEpochsFromStart([], 5)).toEqual([])
  })

  it('keeps the epoch of every offset that is kept', () => {
    fc.assert(
      fc.property(entriesArbitrary, fc.nat(20_000), fc.nat(20_000), (epochs, cut, offset) => {
        const fromEnd = truncateEpochsFromEnd(epochs, cut)
        const fromStart = truncateEpochsFromStart(epochs, cut)
        if (offset < cut) expect(epochOf(fromEnd, offset)).toBe(epochOf(epochs, offset))
        else expect(epochOf(fromStart, offset)).toBe(epochOf(epochs, offset))
        expect(parseEpochs(formatEpochs(fromEnd)).value).toEqual(fromEnd)
        expect(parseEpochs(formatEpochs(fromStart)).value).toEqual(fromStart)
      }),
      { seed },
    )
  })
})
