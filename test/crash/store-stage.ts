/*
 * A store that makes, changes and deletes topics while every step it takes on a disk is written down. Small, seeded, and
 * driven by a clock that stands still unless it is moved.
 */
import { openStore, type Store, type StoreOptions } from '../../src/index.ts'
import { CrashFileSystem, ManualClock, SeededRandom } from '../../src/testing/index.ts'
import { StoreHistory, type TopicLife } from './store-history.ts'

/** The directory of the store. */
export const STORE = '/store'

/** Options of every opening. */
export function storeOptions(fileSystem: CrashFileSystem, clock: ManualClock): StoreOptions {
  return {
    fileSystem,
    clock,
    random: new SeededRandom(fileSystem.seed + fileSystem.step),
    cleanup: false,
    config: { 'file.delete.delay.ms': 1000, 'internal.segment.bytes': 400 },
  }
}

/** One run. */
export class StoreStage {
  readonly clock = new ManualClock({ settleTurns: 3 })
  readonly fileSystem: CrashFileSystem
  readonly history = new StoreHistory()
  readonly #random: SeededRandom
  #serial = 0

  constructor(seed: number) {
    this.fileSystem = new CrashFileSystem({ seed, now: () => this.clock.now() })
    this.#random = new SeededRandom(seed)
  }

  get step(): number {
    return this.fileSystem.step
  }

  open(): Promise<Store> {
    return openStore(STORE, storeOptions(this.fileSystem, this.clock))
  }

  async create(store: Store, name: string): Promise<TopicLife> {
    const partitions = 2 + this.#random.below(2)
    const life = this.history.begin(name, { partitions, step: this.step })
    await store.createTopic(name, { partitions, config: { 'retention.ms': `${life.life + 1}000000` } })
    life.createdAt = this.step
    return life
  }

  async delete(store: Store, life: TopicLife): Promise<void> {
    life.deletingAt = this.step
    await store.deleteTopic(life.name)
    life.deletedAt = this.step
  }

  async append(store: Store, life: TopicLife): Promise<void> {
    const value = `${life.name}/${life.life}/${this.#serial++}`.padEnd(40 + this.#random.below(60), '.')
    const { partition } = await store.topic(life.name).append({ key: value, value }, { durability: 'disk' })
    life.appended.push({ step: this.step, partition, value })
  }

  async configure(store: Store, life: TopicLife): Promise<void> {
    const value = String(1_000_000 + this.#serial++)
    const change = { triedAt: this.step, doneAt: Infinity, value }
    life.configs.push(change)
    await store.topic(life.name).updateConfig({ 'retention.bytes': value })
    change.doneAt = this.step
  }

  async commit(store: Store, life: TopicLife): Promise<void> {
    const partition = this.#random.below(life.partitions)
    const group = `g${this.#random.below(2)}`
    const change = { triedAt: this.step, doneAt: Infinity, group, partition, nextOffset: this.#serial++ }
    life.commits.push(change)
    await store.topic(life.name).commit(group, { partition, nextOffset: change.nextOffset })
    change.doneAt = this.step
  }

  /** Two topics that live, change, end and begin again, over two openings. */
  async run(): Promise<void> {
    const store = await this.open()
    const orders = await this.create(store, 'orders')
    const payments = await this.create(store, 'payments')
    for (let round = 0; round < 3; round++) {
      for (const life of [orders, payments]) {
        await this.append(store, life)
        await this.commit(store, life)
      }
      await this.configure(store, orders)
    }
    await this.delete(store, payments)
    const again = await this.create(store, 'payments')
    await this.append(store, again)
    await this.clock.advance(1000)
    await store.close()
    const reopened = await this.open()
    await this.commit(reopened, orders)
    await this.delete(reopened, orders)
    await this.append(reopened, again)
    await this.configure(reopened, again)
    await this.clock.advance(2000)
    await reopened.close()
  }
}
