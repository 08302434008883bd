/*
 * A process with few descriptors and a store of many partitions: does everything to all of them at once, counts its
 * descriptors all the while, and prints what it saw as JSON. Started by store.test.ts under `ulimit -n`.
 */
import { readdirSync } from 'node:fs'
import { openStore, type Store, type Topic } from '../../src/index.ts'
import { SeededRandom } from '../../src/testing/index.ts'

/** What the process saw. */
export interface ScaleReport {
  /** The most descriptors there were at any of so many looks. */
  readonly descriptorsMax: number
  readonly looks: number
  /** Acknowledged appends, by partition. */
  readonly appended: number
  /** Records that a read of the whole topic gave. */
  readonly readBack: number
  /** Logs that the second opening found closed in order. */
  readonly clean: number
  readonly pointReads: number
  /** Records that an opening for reading only gave. */
  readonly followed: number
  readonly segmentsDeleted: number
  /** What was not as it should be. */
  readonly complaints: readonly string[]
}

const [directory = '', partitionWord = '', seedWord = ''] = process.argv.slice(2)
const partitionCount = Number(partitionWord)
const random = new SeededRandom(Number(seedWord))
const complaints: string[] = []
let descriptorsMax = 0
let looks = 0

function look(): void {
  looks++
  descriptorsMax = Math.max(descriptorsMax, readdirSync('/dev/fd').length - 1) // one is that of the look itself
}

const timer = setInterval(look, 2)
const store = await openStore(directory, { cleanup: false })
const { topic } = await store.createTopic('many', { partitions: partitionCount })
const appended = await appendToAll(topic)
const readBack = await readAll(topic)
await Promise.all(topic.partitions.map((log) => log.roll()))
await Promise.all(topic.partitions.map((log) => log.append('last', { durability: 'os' })))
await store.close()
const followed = await follow()
const again = await openStore(directory, { cleanup: false })
const clean = again.report.logs.filter(({ recovery }) => recovery.clean).length
const pointReads = await readPoints(again)
const segmentsDeleted = await deleteFirstSegments(again)
await again.close()
clearInterval(timer)
const report: ScaleReport = {
  descriptorsMax,
  looks,
  appended,
  readBack,
  clean,
  pointReads,
  followed,
  segmentsDeleted,
  complaints,
}
process.stdout.write(JSON.stringify(report))

/** Offsets 0 to 3 of every partition, at two levels, in an order of chance, nobody waiting for anybody. */
async function appendToAll({ partitions }: Topic): Promise<number> {
  let count = 0
  for (const durability of ['os', 'disk', 'os', 'disk'] as const) {
    const calls = shuffled(partitions.map((_, slot) => slot)).map(async (slot) => {
      const offset = partitions[slot]!.endOffset
      const result = await partitions[slot]!.append(valueOf(slot, offset), { durability })
      if (result.baseOffset !== offset) complaints.push(`${slot} has ${result.baseOffset} for ${offset}`)
      if (durability === 'disk' && result.durability !== 'disk') complaints.push(`${slot} is not on disk`)
      count++
      look()
    })
    await Promise.all(calls)
  }
  return count
}

async function readAll(of: Topic): Promise<number> {
  const next = of.partitions.map(() => 0)
  for await (const { partition, offset, value } of of.read()) {
    const expected = next[partition]!++
    if (offset !== expected || value?.toString() !== valueOf(partition, offset))
      complaints.push(`${partition} gave ${offset} for ${expected}: ${value?.toString()}`)
  }
  return next.reduce((sum, count) => sum + count, 0)
}

async function follow(): Promise<number> {
  const reader = await openStore(directory, { readOnly: true })
  let count = 0
  for await (const { offset, partition, value } of reader.topic('many').read()) {
    count++
    if (offset < 4 && value?.toString() !== valueOf(partition, offset))
      complaints.push(`${partition} is read as ${value?.toString()} at ${offset}`)
  }
  await reader.close()
  return count
}

async function readPoints(of: Store): Promise<number> {
  const places = Array.from({ length: partitionCount * 2 }, () => ({
    partition: random.below(partitionCount),
    offset: random.below(4),
  }))
  await Promise.all(
    places.map(async ({ partition, offset }, slot) => {
      const log = of.log('many', partition)
      const record = slot % 2 === 0 ? await log.get(offset) : log.getSync(offset)
      if (record?.value?.toString() !== valueOf(partition, offset))
        complaints.push(`${partition} has ${record?.value?.toString()} at ${offset}`)
    }),
  )
  return places.length
}

async function deleteFirstSegments(of: Store): Promise<number> {
  await of.topic('many').updateConfig({ 'retention.bytes': 1, 'file.delete.delay.ms': 0 })
  const cleaned = await of.clean()
  for (const { partition, error } of cleaned.failures) complaints.push(`${partition}: ${String(error)}`)
  const wrong = of.topic('many').partitions.filter((log) => log.startOffset !== 4 || log.endOffset !== 5)
  if (wrong.length > 0) complaints.push(`${wrong.length} logs are not from 4 to 5`)
  return cleaned.deleted.length
}

function valueOf(partition: number, offset: number): string {
  return `record ${offset} of ${partition}`
}

function shuffled<T>(items: readonly T[]): T[] {
  const keyed = items.map((item) => ({ item, key: random.below(2 ** 30) }))
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}
