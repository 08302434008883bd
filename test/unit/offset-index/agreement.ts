import * as fc from 'fast-check'
import { expect } from 'vitest'
import type { IndexDatabase, LogIndex } from '../../../src/offset-index/index.ts'
import { seed } from '../../helpers/seed.ts'
import { factsOf, ModelLog } from './model.ts'

/** An index to hold against the interface, made anew for each test. */
export interface Subject {
  readonly name: string
  open(): Promise<IndexDatabase>
  /** Closes what `open` gave and opens the same again; absent where nothing is stored. */
  reopen?(database: IndexDatabase): Promise<IndexDatabase>
}

const SEGMENTS = [0, 1000]
const LOGS = ['orders-0', 'orders-1']

type Operation =
  | { readonly do: 'add'; readonly segment: number; readonly steps: readonly number[] }
  | { readonly do: 'truncate'; readonly segment: number; readonly permille: number }
  | { readonly do: 'facts' | 'seal' | 'drop'; readonly segment: number }
  | { readonly do: 'clear' | 'settle' | 'reopen' | 'closeLog' }

const segment = fc.constantFrom(...SEGMENTS)
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), segment, steps: steps() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('truncate' as const),
      segment,
      permille: fc.integer({ min: 0, max: 1100 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('facts', 'seal', 'drop'), segment }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('settle', 'reopen') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('clear', 'closeLog') }) },
)

function steps(): fc.Arbitrary<number[]> {
  return fc.array(fc.nat(9), { minLength: 1, maxLength: 8 })
}

/** Does anything that can be done, and compares every answer with those of a model after each step. */
export async function agreesWithModel(subject: Subject): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(0, 0, 0, 1), operation), { minLength: 1, maxLength: 40 }),
      async (plan) => {
        let database = await subject.open()
        const models = LOGS.map(() => new ModelLog())
        let logs = LOGS.map((name) => database.log(name, 'a'))
        for (const [which, each] of plan) {
          if (each.do === 'reopen' && subject.reopen !== undefined) {
            database = await subject.reopen(database)
          } else if (each.do === 'closeLog' && subject.reopen !== undefined) {
            await logs[which]!.close()
          } else {
            await perform(each, logs[which]!, models[which]!)
          }
          logs = LOGS.map((name) => database.log(name, 'a'))
          for (const [slot, log] of logs.entries()) compare(log, models[slot]!)
        }
        await database.close()
      },
    ),
    { seed, numRuns: 100 },
  )
}

async function perform(each: Operation, log: LogIndex, model: ModelLog): Promise<void> {
  switch (each.do) {
    case 'add':
      for (const step of each.steps) log.addEntry(each.segment, model.next(each.segment, step))
      break
    case 'truncate': {
      const position = Math.floor((model.endPosition(each.segment) * each.permille) / 1000)
      log.truncate(each.segment, position)
      model.truncate(each.segment, position)
      break
    }
    case 'facts': {
      const facts = factsOf(each.segment, model.endPosition(each.segment))
      log.putFacts(facts)
      model.facts.set(each.segment, facts)
      break
    }
    case 'seal':
      log.seal(each.segment)
      break
    case 'drop':
      log.drop(each.segment)
      model.drop(each.segment)
      break
    case 'clear':
      log.clear()
      for (const base of SEGMENTS) model.drop(base)
      break
    default:
      await log.settle()
  }
}

function compare(log: LogIndex, model: ModelLog): void {
  for (const base of SEGMENTS) {
    const entries = model.entries(base)
    const probes = [undefined, ...entries].flatMap((entry) =>
      entry === undefined ? [base, base + 1] : [entry.offset - 1, entry.offset, entry.offset + 1],
    )
    for (const offset of probes) {
      expect(log.floorByOffset(base, offset)).toEqual(entries.findLast((entry) => entry.offset <= offset))
    }
    for (const timestamp of new Set([
      0,
      ...entries.flatMap((entry) => [entry.timestamp, entry.timestamp + 1]),
    ])) {
      expect(log.lastBeforeTimestamp(base, timestamp)).toEqual(
        entries.findLast((entry) => entry.timestamp < timestamp),
      )
    }
    expect(log.facts(base)).toEqual(model.facts.get(base))
  }
  expect(log.allFacts()).toEqual(model.facts)
}
