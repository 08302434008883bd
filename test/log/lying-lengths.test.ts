/*
 * Lengths and counts that ask for far more than there is: what reads them, in a process of its own, takes no more memory
 * for it than for any other log.
 */
import { delimiter, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { LogOptions } from '../../src/index.ts'
import { BATCH } from '../../src/record/index.ts'
import { LogChild } from '../helpers/child-process.ts'
import { damageFile, dataBatch, handMadeLog, resealed, segmentName } from '../helpers/hand-made.ts'
import { closedLog, killedLog, quick } from '../helpers/log-files.ts'

const PEAK_BYTES = 8 * 1024 * 1024
const HUGE = 0x7fff_ffff

interface Measured {
  readonly peakBytes: number
  readonly damage: number
  readonly cut?: string
}

/** Has another process open and read logs, one after the other. */
async function measureAll(directories: readonly string[], options: LogOptions = {}): Promise<Measured[]> {
  const child = new LogChild('measure', directories.join(delimiter), { ...quick, ...options })
  while ((await child.next()) !== undefined);
  return child.said as Measured[]
}

async function measure(directory: string, options?: LogOptions): Promise<Measured> {
  const [measured] = await measureAll([directory], options)
  return measured!
}

/** The length of the second batch of the segment at `base` says what it likes. */
function lie(directory: string, base: number, length: number): string {
  damageFile(join(directory, segmentName(base)), (bytes) => {
    bytes.writeInt32BE(length, bytes.readInt32BE(BATCH.batchLength) + 12 + BATCH.batchLength)
    return bytes
  })
  return directory
}

describe('a length of 2 GiB in a small file', () => {
  it('is damage to readers of a sealed segment, and takes no memory', async () => {
    const { peakBytes, damage } = await measure(lie(await closedLog(30), 9, HUGE))
    expect(damage).toBe(1)
    expect(peakBytes).toBeLessThan(PEAK_BYTES)
  })

  it('is the torn tail of a log that was killed, and takes no memory', async () => {
    const { peakBytes, cut } = await measure(lie(await killedLog(30), 27, HUGE))
    expect(cut).toMatch(/^a batch of 2147483659 bytes/)
    expect(peakBytes).toBeLessThan(PEAK_BYTES)
  })

  it('is damage to followers, and takes no memory', async () => {
    const directory = lie(await closedLog(30), 27, HUGE)
    const { peakBytes, damage } = await measure(directory, { readOnly: true, onCorruption: 'readonly' })
    expect(damage).toBe(1)
    expect(peakBytes).toBeLessThan(PEAK_BYTES)
  })

  it('stands in a record, a header or a count of a batch whose checksum is right, and takes no memory', async () => {
    const batch = dataBatch(0, 2, { valueBytes: 200 })
    const length = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f]) // 2^31 - 1, as a varint
    const lies = [
      resealed(batch, (copy) => copy.writeInt32BE(HUGE, BATCH.recordCount)),
      resealed(
        batch,
        (copy) =>
          void (copy.writeInt32BE(HUGE, BATCH.recordCount),
          copy.writeInt32BE(HUGE - 1, BATCH.lastOffsetDelta)),
      ),
      ...[0, 5, 6].map((at) => resealed(batch, (copy) => void length.copy(copy, BATCH.records + at))),
    ]
    const directories = await Promise.all(
      lies.map((each) => handMadeLog([[each], [dataBatch(3_000_000_000, 1)]])),
    )
    const measured = await measureAll(directories, { readOnly: true })
    expect(measured.map(({ damage }) => damage)).toEqual(lies.map(() => 1))
    expect(Math.max(...measured.map(({ peakBytes }) => peakBytes))).toBeLessThan(PEAK_BYTES)
  })
})
