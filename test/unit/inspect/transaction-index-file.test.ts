import { describe, expect, it } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { inspectTransactionIndex } from '../../../src/inspect/index.ts'
import { collect, writeFile } from './segment-file.ts'

/** As Kafka 4.3 wrote it: producer 5 aborted offsets 21 to 23, and 24 was the last stable offset. */
const entry = Buffer.from('00000000000000000005000000000000001500000000000000170000000000000018', 'hex')

const inspect = (...contents: Buffer[]) =>
  collect(inspectTransactionIndex(nodeFileSystem, writeFile('00000000000000000020.txnindex', ...contents)))

describe('inspectTransactionIndex', () => {
  it('gives what Kafka wrote', async () => {
    expect(await inspect(entry)).toEqual([
      { version: 0, producerId: 5n, firstOffset: 21n, lastOffset: 23n, lastStableOffset: 24n },
    ])
  })

  it('gives every entry of a file of many chunks, and leaves out a piece of one', async () => {
    const many = Array.from({ length: 5000 }, () => entry)
    expect(await inspect(...many, entry.subarray(0, 33))).toHaveLength(5000)
    expect(await inspect()).toEqual([])
  })

  it('keeps numbers exact that no number can hold', async () => {
    const copy = Buffer.from(entry)
    copy.writeBigInt64BE(-(2n ** 63n), 2)
    expect(await inspect(copy)).toMatchObject([{ producerId: -(2n ** 63n) }])
  })

  it('fails with the error of the system when there is no file', async () => {
    await expect(
      collect(inspectTransactionIndex(nodeFileSystem, '/nowhere/0.txnindex')),
    ).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })
})
