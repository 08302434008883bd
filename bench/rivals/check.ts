/*
 * Part of npm run bench:smoke: every adapter does what its interface says, at every level that its library has, and what
 * it has acknowledged is there after its process was killed. A library that is missing is a failure: where this runs, all
 * are to be there.
 *
 *   node bench/rivals/check.ts                          every library
 *   node bench/rivals/check.ts kill NAME LEVEL DIR      appends to a log in DIR, and kills itself
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createBatches } from '../support/payload.ts'
import { RIVALS } from './index.ts'
import { whyMissing } from './library.ts'
import type { KeyedRecord, Level, OpenOptions, Rival, RivalLog } from './rival.ts'

const SELF = fileURLToPath(import.meta.url)
const LEVELS: readonly Level[] = ['os', 'disk']
const BATCHES = createBatches({ batchCount: 3, recordsPerBatch: 120, valueBytes: 100 })
const SINGLES = createBatches({ batchCount: 1, recordsPerBatch: 70, valueBytes: 1024 })[0]!
const VALUES = [...BATCHES.flat(), ...SINGLES]

/** Holds an adapter against its interface, in an empty directory. Errors: AssertionError, or what the library throws. */
export async function checkRival(rival: Rival, directory: string): Promise<void> {
  for (const level of LEVELS) {
    if (rival.levels[level].cannot !== undefined) continue
    for (const isGrouped of rival.isGathering ? [false] : [false, true]) {
      const place = join(directory, `${level}-${isGrouped ? 'grouped' : 'alone'}`)
      await checkValues(rival, place, { level, isGrouped })
    }
    await checkKeyed(rival, join(directory, `${level}-keyed`), level)
  }
}

/** What was acknowledged before a kill is there after it. */
export async function checkKilled(rival: Rival, directory: string): Promise<void> {
  for (const level of LEVELS) {
    if (rival.levels[level].cannot !== undefined) continue
    const place = join(directory, `${level}-killed`)
    mkdirSync(place, { recursive: true })
    const { signal, stderr } = spawnSync(process.execPath, [SELF, 'kill', rival.name, level, place], {
      encoding: 'utf8',
    })
    assert.equal(signal, 'SIGKILL', stderr)
    const log = await rival.open(place, { level })
    assertValues(await scanned(log), VALUES, `${level}, after a kill`)
    await log.close()
  }
}

async function checkValues(rival: Rival, directory: string, options: OpenOptions): Promise<void> {
  mkdirSync(directory, { recursive: true })
  const first = await rival.open(directory, options)
  assertValues(await scanned(first), [], 'of an empty log')
  await appendAll(first)
  assertValues(await scanned(first), VALUES, 'before it is closed')
  await first.close()
  const second = await rival.open(directory, options)
  assertValues(await scanned(second), VALUES, 'after it is opened again')
  assert.equal(
    second.read === undefined,
    rival.cannotRead !== undefined,
    'it says that it can be read by number',
  )
  for (const offset of [0, 1, 119, 120, 359, 360, VALUES.length - 1])
    if (second.read !== undefined)
      assertValues([copyOf(await second.read(offset))], [VALUES[offset]!], `with the number ${offset}`)
  await second.appendBatch(SINGLES)
  const last = VALUES.length + SINGLES.length - 1
  if (second.read !== undefined)
    assertValues([copyOf(await second.read(last))], [SINGLES.at(-1)!], 'appended after reading')
  assertValues(await scanned(second), [...VALUES, ...SINGLES], 'with what was appended after reading')
  await second.close()
}

async function checkKeyed(rival: Rival, directory: string, level: Level): Promise<void> {
  mkdirSync(directory, { recursive: true })
  const records = Array.from(
    { length: 60 },
    (_, slot): KeyedRecord => ({
      key: `order-${slot}`,
      headers: { trace: `{${slot}}`, kind: 'created' },
      value: { slot, note: 'größer', lines: [{ count: slot, price: slot / 4 }] },
    }),
  )
  const first = await rival.open(directory, { level })
  await first.appendKeyed(records.slice(0, 50))
  await first.appendKeyed(records.slice(50))
  await first.close()
  const second = await rival.open(directory, { level })
  const found: KeyedRecord[] = []
  await second.scanKeyed((record) => found.push(record))
  await second.close()
  assert.deepEqual(found, records)
}

async function appendAll(log: RivalLog): Promise<void> {
  for (const batch of BATCHES) await log.appendBatch(batch)
  await Promise.all(SINGLES.map((value) => log.append(value)))
}

async function scanned(log: RivalLog): Promise<Buffer[]> {
  const values: Buffer[] = []
  await log.scan((value) => values.push(copyOf(value)))
  return values
}

/** Byte by byte, since lmdb's fast reads give out a buffer that is larger than its length says. */
function copyOf(value: Uint8Array): Buffer {
  return Buffer.from(Array.from({ length: value.length }, (_, slot) => value[slot]!))
}

function assertValues(found: readonly Buffer[], expected: readonly Buffer[], which: string): void {
  assert.equal(found.length, expected.length, `the count of values ${which}`)
  const slot = found.findIndex((value, place) => !value.equals(expected[place]!))
  assert.equal(slot, -1, `value ${slot} ${which} is another`)
}

async function appendAndDie(name: string, level: Level, directory: string): Promise<void> {
  const log = await RIVALS.find((rival) => rival.name === name)!.open(directory, { level })
  await appendAll(log)
  process.kill(process.pid, 'SIGKILL')
}

async function checkAll(): Promise<number> {
  let failures = 0
  for (const rival of RIVALS) {
    const directory = mkdtempSync(join(tmpdir(), 'seglog-rival-'))
    const missing = rival.packageName === undefined ? undefined : whyMissing(rival.packageName)
    try {
      if (missing !== undefined) throw new Error(`${missing} (npm run bench:install)`)
      await checkRival(rival, directory)
      await checkKilled(rival, directory)
      process.stdout.write(`${rival.name}: ok\n`)
    } catch (error) {
      failures++
      process.stdout.write(`${rival.name}: ${(error as Error).stack ?? (error as Error).message}\n`)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
  return failures
}

if (process.argv[1] === SELF) {
  const [, , command, name, level, directory] = process.argv
  if (command === 'kill') await appendAndDie(name!, level as Level, directory!)
  else process.exitCode = (await checkAll()) === 0 ? 0 : 1
}
