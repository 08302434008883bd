/*
 * A process that appends until it is stopped. It says what it is about to do before it does it and what it was told
 * after, one line each, written at once: a line that is out stays out, whatever becomes of the process. Before each
 * line stands the moment, in ns of the monotonic clock, which all processes share.
 *
 *   R                            warm: everything is loaded, an `Order` is waited for on stdin
 *   O <start> <end>              the log is open
 *   T <level> <hash> …           about to append these records in one call
 *   A <call> <base> <last> <level>     acknowledged
 *   E <call> <code> <outcome>    refused
 *   D <offset> · d <offset>      about to delete records before the offset · done
 *   C · c <start>                about to clean · done, and the log starts here
 *   F <calls> · f <calls>        about to flush what so many calls appended · done
 *   e <code>                     another operation was refused
 *   X <state>                    so much was refused that it gave up
 *   Z <code>                     closed after that, with an error or without
 */
import { readFileSync, writeSync } from 'node:fs'
import { type Durability, isSeglogError, type Log, openLog } from '../../src/index.ts'
import { SeededRandom } from '../../src/testing/index.ts'
import { lyingFileSystem } from './lying-file-system.ts'
import { drawRecords, type GivenRecord, hashRecord, type Order } from './workload.ts'

/** Calls that wait for their acknowledgement at one time. */
const WAITING_MAX = 16
/** Refused calls before it gives up. */
const REFUSED_MAX = 40

const say = (line: string): void => void writeSync(1, `${process.hrtime.bigint()} ${line}\n`)
const codeOf = (error: unknown): string =>
  isSeglogError(error)
    ? `${error.code} ${error.outcome ?? '-'}`
    : `${String(error).replaceAll(/\s+/g, '_')} -`

interface Call {
  readonly level: Durability
  readonly records: readonly GivenRecord[]
  readonly hashes: string
}

class Storm {
  readonly #order: Order
  readonly #random: SeededRandom
  readonly #upkeep = new Set<Promise<void>>()
  readonly #ahead: Call[]
  #log!: Log
  #calls = 0
  #refused = 0

  constructor(order: Order) {
    this.#order = order
    this.#random = new SeededRandom(order.seed)
    this.#ahead = Array.from({ length: order.madeAhead }, (_, call) => this.#makeUp(call))
  }

  async run(log: Log): Promise<void> {
    this.#log = log
    const waiting: Promise<void>[] = []
    while (this.#refused < REFUSED_MAX) {
      waiting.push(this.#append())
      if (this.#order.hasUpkeep && this.#random.below(24) === 0) this.#keepUp()
      if (waiting.length >= WAITING_MAX) await waiting.shift()
      if (this.#random.below(4) === 0) await Promise.all(waiting.splice(0))
    }
    await Promise.all([...waiting, ...this.#upkeep])
  }

  async #append(): Promise<void> {
    const call = this.#calls++
    const { level, records, hashes } = this.#ahead.shift() ?? this.#makeUp(call)
    say(`T ${level} ${hashes}`)
    try {
      const { baseOffset, lastOffset, durability } = await this.#log.append(records, { durability: level })
      say(`A ${call} ${baseOffset} ${lastOffset} ${durability}`)
    } catch (error) {
      this.#refused++
      say(`E ${call} ${codeOf(error)}`)
    }
  }

  #makeUp(call: number): Call {
    const level = this.#order.levels[this.#random.below(this.#order.levels.length)] ?? 'disk'
    const records = drawRecords(this.#random, this.#order, call)
    return { level, records, hashes: records.map(hashRecord).join(' ') }
  }

  #keepUp(): void {
    const tasks = [this.#deleteRecords, this.#clean, this.#roll, this.#flush]
    const task = tasks[this.#random.below(tasks.length)]!
    const run = task
      .call(this)
      .catch((error: unknown) => say(`e ${codeOf(error)}`))
      .finally(() => void this.#upkeep.delete(run))
    this.#upkeep.add(run)
  }

  async #deleteRecords(): Promise<void> {
    const { startOffset, readableEndOffset } = this.#log
    const offset = startOffset + this.#random.below(Math.ceil((readableEndOffset - startOffset) / 4))
    say(`D ${offset}`)
    await this.#log.deleteRecordsBefore(offset)
    say(`d ${offset}`)
  }

  async #clean(): Promise<void> {
    say('C')
    await this.#log.clean()
    say(`c ${this.#log.startOffset}`)
  }

  #roll(): Promise<void> {
    return this.#log.roll()
  }

  async #flush(): Promise<void> {
    const calls = this.#calls
    say(`F ${calls}`)
    await this.#log.flush()
    say(`f ${calls}`)
  }
}

say('R')
const text = readFileSync(0, 'utf8')
if (text !== '') {
  const order = JSON.parse(text) as Order
  const storm = new Storm(order)
  const fileSystem = order.lies === true ? { fileSystem: lyingFileSystem } : {}
  const log = await openLog(order.directory, { ...order.options, ...fileSystem })
  say(`O ${log.startOffset} ${log.endOffset}`)
  await storm.run(log)
  say(`X ${log.state}`)
  await log.close().then(
    () => say('Z -'),
    (error: unknown) => say(`Z ${codeOf(error)}`),
  )
}
