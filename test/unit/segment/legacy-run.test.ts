import { describe, expect, it } from 'vitest'
import { findLegacyEnd } from '../../../src/segment/index.ts'
import { dataBatch } from '../../helpers/hand-made.ts'
import { legacyMessage, legacyWrapper } from '../../helpers/legacy-messages.ts'
import { sourceOf } from './byte-source.ts'

const message = (offset: number) =>
  legacyMessage({ magic: 1, offset, timestamp: 1000 + offset, value: `r${offset}` })
const find = (bytes: Buffer, range: { from?: number; end?: number; offsetMin?: number } = {}) =>
  findLegacyEnd(sourceOf(bytes), { from: 0, end: bytes.length, offsetMin: 0, ...range })

describe('findLegacyEnd', () => {
  it('finds where messages that follow one another end, at a batch, at the end, and at what is neither', async () => {
    const run = Buffer.concat([message(3), legacyWrapper(1, [{ offset: 4 }, { offset: 5 }]), message(9)])
    const end = { position: run.length, baseOffset: 10 }
    for (const behind of [
      Buffer.alloc(0),
      dataBatch(10, 1),
      Buffer.alloc(100),
      Buffer.alloc(5, 1),
      message(8),
    ])
      expect(await find(Buffer.concat([run, behind]))).toEqual(end)
    expect(await find(Buffer.concat([dataBatch(0, 1), run]), { from: dataBatch(0, 1).length })).toMatchObject(
      {
        baseOffset: 10,
      },
    )
  })

  it('finds none where there is none: a batch, a message that is not all there, or that belongs before', async () => {
    const bytes = Buffer.concat([message(3), message(4)])
    expect(await find(dataBatch(0, 1))).toBeUndefined()
    expect(await find(Buffer.alloc(0))).toBeUndefined()
    expect(await find(bytes, { end: message(3).length - 1 })).toBeUndefined()
    expect(await find(bytes, { offsetMin: 4 })).toBeUndefined()
    expect(await find(bytes, { end: bytes.length - 1 })).toEqual({
      position: message(3).length,
      baseOffset: 4,
    })
  })

  it('reads a run of many chunks once', async () => {
    const bytes = Buffer.concat(Array.from({ length: 5000 }, (_, offset) => message(offset)))
    expect(await find(bytes)).toEqual({ position: bytes.length, baseOffset: 5000 })
  })
})
