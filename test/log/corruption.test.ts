import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Damage, type LogOptions, openLog } from '../../src/index.ts'
import { BATCH } from '../../src/record/index.ts'
import { damageFile, dataBatch, flipped, handMadeLog, resealed, segmentName } from '../helpers/hand-made.ts'
import {
  appendNumbered,
  closedLog,
  copyOf,
  fingerprint,
  killedLog,
  numberedValue,
  quick,
} from '../helpers/log-files.ts'
import { openTempLog, readValues } from '../helpers/temp-log.ts'

/** With the index on disk, which knows how each segment was sealed. */
const indexed: LogOptions = { ...quick, index: 'sqlite' }

const RECOVERY_POINTS = 'recovery-point-offset-checkpoint'

/** Segments at 0, 9, 18 and 27, batches of 108 bytes, 30 records. */
const BATCH_BYTES = 108

type Spoil = (directory: string) => void

const removed =
  (base: number): Spoil =>
  (directory) =>
    rmSync(join(directory, segmentName(base)))

const cutTo =
  (base: number, sizeBytes: number): Spoil =>
  (directory) =>
    truncateSync(join(directory, segmentName(base)), sizeBytes)

const edited =
  (base: number, edit: (bytes: Buffer) => Buffer): Spoil =>
  (directory) =>
    damageFile(join(directory, segmentName(base)), edit)

/** A sealed segment that is longer than it was, and sound: the batches of the next one follow in it. */
const overlapping: Spoil = (directory) =>
  appendFileSync(
    join(directory, segmentName(9)),
    readFileSync(join(directory, segmentName(18))).subarray(0, 2 * BATCH_BYTES),
  )

interface Expected {
  readonly kind: string
  readonly base: number
  readonly position: number
  /** The lost offsets, the end excluded. */
  readonly lost: readonly [number, number]
}

const cases: readonly [string, Spoil, Expected][] = [
  ['a missing first segment', removed(0), { kind: 'missing-head', base: 9, position: 0, lost: [0, 9] }],
  ['a missing middle segment', removed(9), { kind: 'gap', base: 0, position: 972, lost: [9, 18] }],
  ['an empty middle segment', cutTo(9, 0), { kind: 'gap', base: 9, position: 0, lost: [9, 18] }],
  [
    'a sealed segment without its last batch',
    cutTo(9, 8 * BATCH_BYTES),
    { kind: 'gap', base: 9, position: 864, lost: [17, 18] },
  ],
  [
    'a sealed segment cut in a batch',
    cutTo(9, 8 * BATCH_BYTES + 70),
    { kind: 'damaged', base: 9, position: 864, lost: [17, 18] },
  ],
  [
    'a sealed segment with zeros behind it',
    edited(9, (bytes) => Buffer.concat([bytes, Buffer.alloc(100)])),
    { kind: 'damaged', base: 9, position: 972, lost: [18, 18] },
  ],
  [
    'a sealed segment with bytes taken out of its middle',
    edited(9, (bytes) => Buffer.concat([bytes.subarray(0, 300), bytes.subarray(340)])),
    { kind: 'damaged', base: 9, position: 216, lost: [11, 13] },
  ],
  [
    'a sealed segment with batches twice',
    edited(9, (bytes) =>
      Buffer.concat([bytes.subarray(0, 216), bytes.subarray(108, 216), bytes.subarray(216)]),
    ),
    { kind: 'damaged', base: 9, position: 216, lost: [11, 11] },
  ],
]

describe.each(cases)('%s', (_, spoil, expected) => {
  it('keeps the log from opening: the error says where, what is lost and what comes next', async () => {
    const directory = await closedLog(30, indexed)
    spoil(directory)
    const before = fingerprint(directory)
    const { base, position, lost } = expected
    const path = join(directory, segmentName(base))
    const error = { code: 'LOG_CORRUPT', path, position, offset: lost[0] }
    await expect(openLog(directory, indexed)).rejects.toMatchObject(error)
    expect(fingerprint(directory)).toEqual(before)
    await expect(openLog(directory, indexed), 'a second time').rejects.toMatchObject(error)
  })

  it('is read around with `readonly`, and exactly what is lost is told', async () => {
    const directory = await closedLog(30, indexed)
    spoil(directory)
    const before = fingerprint(directory)
    const log = await openTempLog({ ...indexed, onCorruption: 'readonly' }, directory)
    expect(log.state).toBe('readonly')
    const { kind, lost } = expected
    expect(log.recovery.damage).toMatchObject([{ kind, firstLostOffset: lost[0] }])
    const told: Damage[] = []
    const read = await readValues(log, { onDamage: (damage) => told.push(damage) })
    const left = Array.from({ length: 30 }, (__, offset) => offset).filter(
      (offset) => offset < lost[0] || offset >= lost[1],
    )
    expect(read).toEqual(left.map((offset) => numberedValue(offset)))
    if (kind === 'missing-head') expect(log.startOffset).toBe(lost[1])
    else expect(told).toMatchObject([{ offset: lost[0], nextOffset: lost[1] }])
    for (const offset of left) {
      const found = await log.get(offset).catch((error: { code: string }) => error.code)
      if (found !== 'BATCH_CORRUPT')
        expect(found).toMatchObject({ offset, value: Buffer.from(numberedValue(offset)) })
    }
    await expect(log.append('x')).rejects.toMatchObject({ code: 'LOG_READONLY' })
    await log.close()
    expect(fingerprint(directory)).toEqual(before)
  })

  it('is nothing to a log that starts behind it', async () => {
    const directory = await closedLog(30, indexed)
    const log = await openLog(directory, indexed)
    await log.deleteRecordsBefore(20)
    await log.close()
    spoil(directory)
    const again = await openTempLog(indexed, directory)
    expect(again.recovery.damage).toEqual([])
    expect(await readValues(again)).toEqual(
      Array.from({ length: 10 }, (__, slot) => numberedValue(20 + slot)),
    )
    await appendNumbered(again, 1)
    expect(again.endOffset).toBe(31)
  })
})

describe('overlapping segments', () => {
  it('keep the log from opening, and each record can be read once', async () => {
    const directory = await closedLog(30, indexed)
    overlapping(directory)
    const before = fingerprint(directory)
    const path = join(directory, segmentName(9))
    await expect(openLog(directory, indexed)).rejects.toMatchObject({ code: 'LOG_CORRUPT', path, offset: 18 })
    const log = await openTempLog({ ...indexed, onCorruption: 'readonly' }, directory)
    const read = await readValues(log, { onDamage: () => {} })
    expect(read).toEqual(Array.from({ length: 30 }, (_, offset) => numberedValue(offset)))
    await log.close()
    expect(fingerprint(directory)).toEqual(before)
  })
})

describe('a segment that is gone', () => {
  it('is missed when it was the last one: the recovery point knows of it', async () => {
    const directory = await closedLog(30, indexed)
    removed(27)(directory)
    const before = fingerprint(directory)
    const path = join(directory, segmentName(18))
    const error = { code: 'LOG_CORRUPT', path, position: 972, offset: 27 }
    await expect(openLog(directory, indexed)).rejects.toMatchObject(error)
    await expect(openLog(directory, quick)).rejects.toMatchObject(error)
    await expect(openLog(directory, { ...quick, readOnly: true })).rejects.toMatchObject(error)
    expect(fingerprint(directory)).toEqual(before)
  })

  it.each([RECOVERY_POINTS, '.kafka_cleanshutdown'])(
    'is missed when it was the only one, as long as there is %s',
    async (witness) => {
      const directory = await closedLog(3)
      removed(0)(directory)
      for (const name of [RECOVERY_POINTS, '.kafka_cleanshutdown'])
        if (name !== witness) rmSync(join(directory, name))
      const before = fingerprint(directory)
      for (const onCorruption of ['throw', 'readonly'] as const) {
        const opening = openLog(directory, { ...quick, onCorruption })
        await expect(opening).rejects.toMatchObject({ code: 'LOG_CORRUPT', path: directory })
      }
      expect(fingerprint(directory)).toEqual(before)
    },
  )

  it('is suspected when the checkpoints that would know of it are unreadable', async () => {
    const directory = await closedLog(3)
    removed(0)(directory)
    rmSync(join(directory, '.kafka_cleanshutdown'))
    writeFileSync(join(directory, RECOVERY_POINTS), 'what?')
    const before = fingerprint(directory)
    await expect(openLog(directory, quick)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    expect(fingerprint(directory)).toEqual(before)
  })

  it('in the middle is met by readers where no index tells of it at once', async () => {
    const directory = await closedLog(30)
    removed(9)(directory)
    const log = await openTempLog(quick, directory)
    const gap = { code: 'BATCH_CORRUPT', path: join(directory, segmentName(0)), offset: 9 }
    await expect(readValues(log)).rejects.toMatchObject(gap)
    await expect(log.get(12)).rejects.toMatchObject({ code: 'BATCH_CORRUPT' })
    expect((await log.get(18))?.value?.toString()).toBe(numberedValue(18))
    const told: Damage[] = []
    await readValues(log, { onDamage: (damage) => told.push(damage) })
    expect(told).toMatchObject([{ offset: 9, nextOffset: 18 }])
  })
})

describe('a name of a segment', () => {
  it.each<[string, string, (path: string) => void]>([
    ['directory', 'directory', (path) => mkdirSync(path)],
    ['FIFO', 'other', (path) => void execFileSync('mkfifo', [path])],
    ['link to a segment', 'symlink', (path) => symlinkSync(segmentName(0), path)],
    ['link to nothing', 'symlink', (path) => symlinkSync('nowhere', path)],
  ])('on a %s keeps the log from opening', async (_, found, make) => {
    const directory = await closedLog(3)
    const path = join(directory, segmentName(3))
    make(path)
    const before = fingerprint(directory)
    for (const readOnly of [false, true]) {
      const opening = openLog(directory, { ...quick, readOnly })
      await expect(opening).rejects.toMatchObject({ code: 'LOG_CORRUPT', path, found })
    }
    expect(fingerprint(directory)).toEqual(before)
  })

  it.each(['1.log', '000000000000000000003.log', '+0000000000000000003.log', '99999999999999999999.log'])(
    'that is not ours, such as %s, is left alone and reported',
    async (name) => {
      const directory = await closedLog(3)
      copyFileSync(join(directory, segmentName(0)), join(directory, name))
      const log = await openTempLog(quick, directory)
      expect(log.recovery.unrecognisedFiles).toEqual([name])
      expect(await readValues(log)).toHaveLength(3)
      await log.close()
      expect(readdirSync(directory)).toContain(name)
    },
  )
})

const lying = async (edit: (batch: Buffer) => void): Promise<string> =>
  handMadeLog([[dataBatch(0, 3), resealed(dataBatch(3, 3), edit), dataBatch(6, 3)]], { dense: true })

describe('a batch whose header lies, with a checksum that is right,', () => {
  it.each<[string, (batch: Buffer) => void]>([
    ['counts more records than it has', (batch) => batch.writeInt32BE(4, BATCH.recordCount)],
    ['counts fewer records than it has', (batch) => batch.writeInt32BE(2, BATCH.recordCount)],
    ['counts the largest number of records', (batch) => batch.writeInt32BE(0x7fff_ffff, BATCH.recordCount)],
    ['counts a negative number of records', (batch) => batch.writeInt32BE(-1, BATCH.recordCount)],
    ['ends before its records', (batch) => batch.writeInt32BE(1, BATCH.lastOffsetDelta)],
    ['ends below its base', (batch) => batch.writeInt32BE(-1, BATCH.lastOffsetDelta)],
    ['reaches far beyond its records', (batch) => batch.writeInt32BE(0x7fff_ffff, BATCH.lastOffsetDelta)],
    ['claims a compression that it does not have', (batch) => batch.writeUInt16BE(1, BATCH.attributes)],
    ['claims a compression that does not exist', (batch) => batch.writeUInt16BE(7, BATCH.attributes)],
  ])('%s, never gives a wrong record', async (_, edit) => {
    const log = await openTempLog(quick, await lying(edit))
    const read = await readValues(log, { onDamage: () => {} }).catch((error: { code: string }) => error.code)
    if (typeof read === 'string') expect(read).toMatch(/^(?:BATCH_CORRUPT|COMPRESSION_UNSUPPORTED)$/)
    else for (const value of read) expect(value).toMatch(/^r[0-8]$/)
    expect(read).not.toHaveLength(9)
  })

  it('is damage when it is a batch of another log: its offsets do not follow', async () => {
    const directory = await handMadeLog([[dataBatch(0, 3), dataBatch(500, 3), dataBatch(503, 3)]], {
      dense: true,
    })
    const log = await openTempLog(quick, directory)
    expect(log.recovery.cut).toMatchObject({ kind: 'TAIL_TORN', suspect: true })
    expect(await readValues(log)).toEqual(['r0', 'r1', 'r2'])
  })

  it('is damage under the name of another segment', async () => {
    const directory = await closedLog(30, indexed)
    renameSync(join(directory, segmentName(9)), join(directory, segmentName(10)))
    await expect(openLog(directory, indexed)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
  })
})

describe('an opening that fails', () => {
  it('leaves no lock and no open file behind', async () => {
    const directory = await closedLog(30, indexed)
    removed(9)(directory)
    await openLog(directory, indexed).catch(() => {})
    const before = readdirSync('/proc/self/fd').length
    for (let round = 0; round < 5; round++)
      await expect(openLog(directory, indexed)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    for (let round = 0; round < 5; round++)
      await expect(
        openLog(directory, { ...quick, readOnly: true }).then((log) => log.close()),
      ).resolves.toBeUndefined()
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })

  it('takes nothing away that could be the last copy of what is lost', async () => {
    const directory = await closedLog(30, indexed)
    renameSync(join(directory, segmentName(9)), join(directory, `${segmentName(9)}.deleted`))
    writeFileSync(join(directory, `${segmentName(18)}.tmp`), 'copy')
    const before = fingerprint(directory)
    await expect(openLog(directory, indexed)).rejects.toMatchObject({ code: 'LOG_CORRUPT', offset: 9 })
    const log = await openLog(directory, { ...indexed, onCorruption: 'readonly' })
    expect(log.recovery.settledFiles).toEqual([])
    await log.close()
    expect(fingerprint(directory)).toEqual(before)
    renameSync(join(directory, `${segmentName(9)}.deleted`), join(directory, segmentName(9)))
    expect(await readValues(await openTempLog(indexed, directory))).toHaveLength(30)
  })
})

describe('damage in a sealed segment that has its size', () => {
  it('is met by readers, and costs only the batches it lies in', async () => {
    const directory = await killedLog(30, indexed)
    for (const [position, lost] of [
      [BATCH.crc, 9],
      [BATCH_BYTES * 3 + 100, 12],
      [BATCH_BYTES * 8 + BATCH.batchLength + 3, 17],
    ] as const) {
      const copy = copyOf(directory)
      edited(9, (bytes) => flipped(bytes, position))(copy)
      const log = await openTempLog(indexed, copy)
      await expect(readValues(log)).rejects.toMatchObject({ code: 'BATCH_CORRUPT', offset: lost })
      const told: Damage[] = []
      const read = await readValues(log, { onDamage: (damage) => told.push(damage) })
      expect(told).toMatchObject([{ offset: lost, nextOffset: lost + 1 }])
      expect(read).toHaveLength(29)
      await appendNumbered(log, 1)
    }
  })
})
