/*
 * A broker and seglog on one directory: whoever has it keeps the other one out, and is not disturbed by it.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { nodeFileSystem } from '../../src/fs/index.ts'
import { isSeglogError, type LogOptions, openLog } from '../../src/index.ts'
import { runProcess } from '../cli/command-line.ts'
import { LogChild } from '../helpers/child-process.ts'
import { fingerprint } from '../helpers/log-files.ts'
import { openTempLog, readValues } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { type Broker, startBroker } from './broker.ts'
import { runJava, startJava } from './java-process.ts'
import { KafkaClient } from './kafka-client.ts'

const place = { topic: 'orders' }
const adopting: LogOptions = { adopt: true, cleanup: false }
const IS_LOCKED = /Failed to acquire lock on file \.lock/

const directoryOf = ({ dataDirectory }: Broker) => join(dataDirectory, 'orders-0')

/** A broker with three records in `orders`; with `keep`, the caller ends it and its client. */
async function brokerWithRecords(
  directory: string,
  options?: { keep: boolean },
): Promise<{ broker: Broker; client: KafkaClient }> {
  const broker = await startBroker(directory, options)
  const client = new KafkaClient(broker.bootstrap, options)
  await client.createTopic('orders', { config: { 'retention.ms': -1 } })
  await client.produce(
    place,
    ['a', 'b', 'c'].map((value) => ({ value })),
  )
  return { broker, client }
}

/** Another broker in the same place, which must not start. It writes to `__cluster_metadata` before it wants the lock. */
const secondBroker = ({ dataDirectory }: Broker) => startBroker(dirname(dataDirectory))

/** A controller in the same place, which wants the lock before it does anything. */
const secondController = ({ dataDirectory }: Broker) =>
  startBroker(dirname(dataDirectory), {
    properties: {
      'process.roles': 'controller',
      listeners: 'CONTROLLER://127.0.0.1:0',
      'advertised.listeners': 'CONTROLLER://127.0.0.1:0',
    },
  })

/** Whether the class that brokers lock their directories with gets the lock of this one. */
async function isFreeForKafka({ dataDirectory }: Broker): Promise<boolean> {
  const args = [join(dataDirectory, '.lock'), join(temporaryDirectory(), 'held'), '1', 'false', '1']
  const { output } = await runJava('LockRounds', args, { input: '\n' })
  expect(output).toMatch(/"taken":[01],/)
  return output.includes('"taken":1,')
}

async function refusal(directory: string): Promise<{ message: string; found: number }> {
  const startedMs = performance.now()
  const error: unknown = await openLog(directory, adopting).catch((reason: unknown) => reason)
  expect(performance.now() - startedMs).toBeLessThan(2000) // 25 ms on a machine with nothing else to do
  expect(error).toMatchObject({ code: 'LOG_LOCKED', retriable: true, found: expect.any(Number) as number })
  return error as { message: string; found: number }
}

describe('a running broker', () => {
  const directory = mkdtempSync(join(tmpdir(), 'seglog-'))
  let broker: Broker
  let client: KafkaClient
  beforeAll(async () => {
    ;({ broker, client } = await brokerWithRecords(directory, { keep: true }))
  })
  afterAll(async () => {
    client.close()
    await broker.kill()
    rmSync(directory, { recursive: true, force: true })
  })

  it('keeps seglog out at once, which names it though it leaves no name, and never whoever is gone', async () => {
    const owner = join(broker.dataDirectory, 'lock-owner.json')
    const ended = spawnSync('true').pid
    const left = { pid: ended, host: hostname(), since: '2026-01-01T00:00:00.000Z' }
    for (const name of [undefined, JSON.stringify(left), JSON.stringify({ ...left, pid: process.pid })]) {
      rmSync(owner, { force: true })
      if (name !== undefined) writeFileSync(owner, name)
      const { message, found } = await refusal(directoryOf(broker))
      expect(readFileSync(`/proc/${found}/cmdline`, 'latin1')).toContain('kafka.Kafka')
      expect(message).toMatch(/open for writing already, by process \d+ \(java\), which left no name/)
      expect(message).toContain('open it with readOnly: true')
      for (const pid of [ended, process.pid]) expect(message).not.toContain(`process ${pid} `)
    }
    rmSync(owner)
  })

  it('lets seglog read, and follow what it goes on to write', async () => {
    const log = await openTempLog({ readOnly: true }, directoryOf(broker))
    expect(await readValues(log)).toEqual(['a', 'b', 'c'])
    const following = log.read({ from: 'latest', follow: true })
    const next = following.next()
    await client.produce(place, [{ value: 'd' }])
    expect((await next).value?.value?.toString()).toBe('d')
    await following.return?.()
  })

  it('is told of by the command line, which reads and does not write', async () => {
    const log = directoryOf(broker)
    const appended = await runProcess(['append', log], 'x\n')
    expect(appended).toMatchObject({ exitCode: 3 })
    expect(appended.errors).toMatch(/seglog: LOG_LOCKED: .* by process \d+ \(java\)/)
    const cleaned = await runProcess(['clean', log])
    expect(cleaned).toMatchObject({ exitCode: 3, errors: expect.stringContaining('LOG_LOCKED') as string })
    const read = await runProcess(['read', log, '-c', '3'])
    expect([read.exitCode, read.output.toString(), read.errors]).toEqual([0, 'a\nb\nc\n', ''])
    const segments = await runProcess(['segments', log])
    expect([segments.exitCode, segments.errors]).toEqual([0, ''])
    expect(segments.output.toString()).toMatch(/ active/)
  })

  it('has its lock still, whatever seglog tried', async () => {
    const path = directoryOf(broker)
    await expect(secondController(broker)).rejects.toThrow(IS_LOCKED)
    for (let round = 0; round < 20; round++) {
      await refusal(path)
      await expect(openLog(join(broker.dataDirectory, 'new-0'))).rejects.toMatchObject({ code: 'LOG_LOCKED' })
      expect(nodeFileSystem.isLocked(join(broker.dataDirectory, '.lock'))).toBe(true)
      const log = await openLog(path, { readOnly: true })
      await log.close()
    }
    expect(await new LogChild('serve', path, adopting).next()).toMatchObject({ code: 'LOG_LOCKED' })
    expect(await isFreeForKafka(broker)).toBe(false)
    await expect(secondController(broker)).rejects.toThrow(IS_LOCKED)
    await client.produce(place, [{ value: 'still here' }])
  })
})

describe('a broker that has gone', () => {
  it('leaves the directory to seglog when it stops, and when it is killed', async () => {
    const { broker } = await brokerWithRecords(temporaryDirectory())
    await refusal(directoryOf(broker))
    await broker.stop()
    const log = await openLog(directoryOf(broker), adopting)
    expect(await readValues(log)).toEqual(['a', 'b', 'c'])
    await log.append('ours')
    await log.close()
    const again = await startBroker(dirname(broker.dataDirectory))
    await refusal(directoryOf(again))
    const found = await new KafkaClient(again.bootstrap).consume(place)
    expect(found.records.map(({ value }) => value?.toString())).toEqual(['a', 'b', 'c', 'ours'])
    await again.kill()
    const last = await openTempLog(adopting, directoryOf(again))
    expect(await readValues(last)).toEqual(['a', 'b', 'c', 'ours'])
  })
})

describe('seglog', () => {
  it('keeps a broker out, from this process and from another, and has the log still', async () => {
    const { broker } = await brokerWithRecords(temporaryDirectory())
    await broker.stop()
    const directory = directoryOf(broker)
    const log = await openTempLog(adopting, directory)
    const before = fingerprint(directory)
    await expect(secondBroker(broker)).rejects.toThrow(IS_LOCKED)
    expect(fingerprint(directory)).toEqual(before)
    const refused = { code: 'LOG_LOCKED', found: process.pid }
    expect(await new LogChild('serve', directory, adopting).next()).toMatchObject(refused)
    await expect(openLog(join(broker.dataDirectory, 'other-0'))).rejects.toMatchObject(refused)
    expect((await log.append('ours')).baseOffset).toBe(3)
    await log.close()

    const child = new LogChild('serve', directory, adopting)
    expect(await child.next()).toMatchObject({ opened: 4 })
    await expect(secondController(broker)).rejects.toThrow(IS_LOCKED)
    expect(await refusal(directory)).toMatchObject({ found: child.process.pid })
    expect(await child.tell('append', 2)).toBe(6)
    await child.kill()

    const again = await startBroker(dirname(broker.dataDirectory))
    const { records, end } = await new KafkaClient(again.bootstrap).consume(place)
    expect(end).toBe(6)
    expect(records.map(({ value }) => value?.toString().slice(0, 4))).toEqual([
      'a',
      'b',
      'c',
      'ours',
      'r4..',
      'r5..',
    ])
  })

  it("never has the lock while Kafka's class has it, however often both try at once", async () => {
    expect(await tryUntilTheyMet({ removes: false }, ({ ours, theirs }) => ours.shared + theirs.shared)).toBe(
      true,
    )
  })

  it('knows when the file that it locked was removed by a broker that was stopping', async () => {
    expect(await tryUntilTheyMet({ removes: true }, ({ ours }) => ours.unnoticed)).toBe(true)
  })
})

const ROUNDS_MAX = 10
/** How often Java is to have the lock, and to try for it at most. */
const [TAKEN_BY_JAVA, TRIED_BY_JAVA] = ['1000', '1000000']

/** A quick program may be done before the other has come to try: rounds until both had it, and were refused, often enough. */
async function tryUntilTheyMet(
  how: { removes: boolean },
  countWrong: (round: Awaited<ReturnType<typeof tryBoth>>) => number,
): Promise<boolean> {
  const met = [0, 0, 0]
  for (let round = 0; round < ROUNDS_MAX && !met.every((count) => count > 20); round++) {
    const both = await tryBoth(how)
    expect(countWrong(both)).toBe(0)
    const { ours, theirs } = both
    for (const [slot, count] of [ours.taken, theirs.taken, theirs.refused].entries()) met[slot]! += count
  }
  return met.every((count) => count > 20)
}

/** Has a Java program and this one try for a lock until the former has had enough; tells how often each one had it. */
async function tryBoth({ removes }: { removes: boolean }) {
  const directory = temporaryDirectory()
  const [lock, held] = [join(directory, '.lock'), join(directory, 'held')]
  const java = startJava('LockRounds', [lock, held, TAKEN_BY_JAVA, String(removes), TRIED_BY_JAVA])
  onTestFinished(() => void java.kill('SIGKILL'))
  const lines = createInterface(java.stdout!)[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('ready')
  const progress = { isDone: false }
  const told = lines.next().then(({ value }) => {
    progress.isDone = true
    return JSON.parse(value as string) as { taken: number; refused: number; shared: number }
  })
  java.stdin!.write('\n')
  const ours = { taken: 0, refused: 0, shared: 0, unnoticed: 0 }
  while (!progress.isDone) {
    await setImmediate()
    try {
      const taken = nodeFileSystem.lock(lock)
      ours.taken++
      if (!tryToHold(held)) {
        ours.shared++
        if (taken.isOurs()) ours.unnoticed++
      }
      taken.release()
    } catch (error) {
      if (!isSeglogError(error, 'LOG_LOCKED')) throw error
      ours.refused++
    }
  }
  return { ours, theirs: await told }
}

/** False when somebody else holds it: only who has the lock may. */
function tryToHold(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx'))
  } catch (error) {
    if ((error as { code?: unknown }).code === 'EEXIST') return false
    throw error
  }
  unlinkSync(path)
  return true
}
