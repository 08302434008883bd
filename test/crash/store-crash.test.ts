/*
 * Crashes of a store at every step of making, changing and deleting topics and of committing offsets: what was promised is
 * there, a topic is there whole or not at all, and nothing that is left of one comes back.
 */
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Log, openStore, type Store } from '../../src/index.ts'
import { type CrashFileSystem, type CrashPoint, type Fate, ManualClock } from '../../src/testing/index.ts'
import { isExhaustive } from '../helpers/exhaustive.ts'
import { seed as fileSeed } from '../helpers/seed.ts'
import { allowedAt, type StoreHistory, type TopicLife } from './store-history.ts'
import { STORE, storeOptions, StoreStage } from './store-stage.ts'

const seed = fileSeed % 1_000_000
const STRIDE = isExhaustive ? 1 : 11

const FATES = ['kill', 'lost-lost', 'lost-kept', 'kept-lost', 'torn-some.0', 'torn-some.1'] as const

function survivor(point: CrashPoint<CrashFileSystem>, fate: (typeof FATES)[number]): CrashFileSystem {
  if (fate === 'kill') return point.kill()
  const [bytes, names, salt = '0'] = fate.split(/[-.]/)
  return point.powerLoss({ bytes, names } as Fate, Number(salt))
}

/** Opens what is left and says all that is wrong with it. */
async function findBroken(left: CrashFileSystem, history: StoreHistory, step: number): Promise<string[]> {
  const clock = new ManualClock({ settleTurns: 3 })
  const broken: string[] = []
  const store = await openStore(STORE, storeOptions(left, clock))
  for (const { topic, partition, error } of store.report.logs)
    if (error !== undefined) broken.push(`${topic}-${partition} does not open: ${String(error)}`)
  const first = stateOf(store)
  for (const name of history.names) broken.push(...(await checkTopic(store, history, { name, step })))
  await clock.advance(1)
  await store.close()
  const leftovers = directoriesOf(left).filter((path) => /-delete$|\.tmp$/.test(path))
  if (leftovers.length > 0) broken.push(`left over: ${leftovers.join(' ')}`)
  const again = await openStore(STORE, storeOptions(left, clock))
  const second = stateOf(again)
  if (JSON.stringify(second) !== JSON.stringify(first))
    broken.push(`opened twice: ${JSON.stringify(first)} became ${JSON.stringify(second)}`)
  const { topic } = await again.createTopic('afterwards', { partitions: 2 })
  await topic.append({ partition: 1, records: 'x' })
  await again.close()
  if (left.held.length > 0) broken.push(`still held: ${left.held.join(' ')}`)
  return broken
}

async function checkTopic(
  store: Store,
  history: StoreHistory,
  { name, step }: { name: string; step: number },
): Promise<string[]> {
  const { possible, mayBeMissing } = history.outlook(name, step)
  const topic = store.topics().find((each) => each.name === name)
  if (topic === undefined) return mayBeMissing ? [] : [`${name} is gone`]
  const created = Number(topic.partitions[0]!.config['retention.ms']) / 1_000_000 - 1
  const life = possible.find((each) => each.life === created)
  if (life === undefined) return [`${name} is there in its life ${created}, which was over or had not begun`]
  const broken: string[] = []
  if (topic.partitions.length !== life.partitions)
    broken.push(`${name} has ${topic.partitions.length} partitions of ${life.partitions}`)
  const values = await Promise.all(
    topic.partitions.map(async (log) => {
      const found: string[] = []
      for await (const { value } of log.read()) found.push(String(value))
      return found
    }),
  )
  for (const { step: at, partition, value } of life.appended)
    if (at <= step && !values[partition]!.includes(value))
      broken.push(`${name}-${partition} has lost ${value}`)
  for (const [partition, found] of values.entries())
    for (const value of found)
      if (!value.startsWith(`${name}/${life.life}/`))
        broken.push(`${name}-${partition} has ${value} of another life`)
  return [...broken, ...checkConfig(topic.partitions, life, step), ...checkCommits(store, life, step)]
}

function checkConfig(partitions: readonly Log[], life: TopicLife, step: number): string[] {
  const { values, mayBeUnset } = allowedAt(life.configs, step)
  const allowed = [...values.map(({ value }) => Number(value)), ...(mayBeUnset ? [-1] : [])]
  const found = partitions.map(({ config }) => config['retention.bytes'])
  if (new Set(found).size > 1) return [`${life.name} has several configurations: ${found.join(' ')}`]
  if (allowed.includes(found[0]!)) return []
  return [`${life.name} has retention.bytes ${found[0]}, not ${allowed.join(' or ')}`]
}

function checkCommits(store: Store, life: TopicLife, step: number): string[] {
  const broken: string[] = []
  for (const group of ['g0', 'g1'])
    for (let partition = 0; partition < life.partitions; partition++) {
      const ofThis = life.commits.filter((each) => each.group === group && each.partition === partition)
      const { values, mayBeUnset } = allowedAt(ofThis, step)
      const found = store.topic(life.name).committed(group, partition)
      const isAllowed =
        found === undefined ? mayBeUnset : values.some(({ nextOffset }) => nextOffset === found)
      if (!isAllowed) broken.push(`${group} is at ${found} in ${life.name}-${partition}`)
    }
  return broken
}

function stateOf(store: Store): unknown {
  return store
    .topics()
    .map(({ name, id, partitions }) => [
      name,
      id,
      partitions.map((log) => [log.state, log.startOffset, log.endOffset, log.config['retention.bytes']]),
    ])
}

function directoriesOf(left: CrashFileSystem): string[] {
  return [...new Set(left.paths.flatMap((path) => [path, dirname(path)]))]
}

describe('a store that crashes', () => {
  it('keeps what it has promised of every topic, and nothing else', async () => {
    const stage = new StoreStage(seed)
    await stage.run()
    const broken: string[] = []
    let states = 0
    for (const point of stage.fileSystem.crashPoints()) {
      if (point.step % STRIDE !== seed % STRIDE) continue
      for (const fate of FATES) {
        states++
        const left = survivor(point, fate)
        const found = await findBroken(left, stage.history, point.step).catch((error: unknown) => [
          `it can't be used: ${String(error)}`,
        ])
        if (found.length > 0) broken.push(`step ${point.step}, ${fate}: ${found.join('; ')}`)
        if (broken.length > 5) break
      }
    }
    expect(broken).toEqual([])
    expect(states).toBeGreaterThan(400 / STRIDE)
  })
})
