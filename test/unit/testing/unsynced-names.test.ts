import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../src/testing/index.ts'
import { type NamesFate, UnsyncedNames } from '../../../src/testing/unsynced-names.ts'

const left = (names: UnsyncedNames, fate: NamesFate, seed = 1): string =>
  [...names.survivor(fate, new SeededRandom(seed))]
    .map(([name, entry]) => `${name}=${entry}`)
    .sort()
    .join(' ')

function sync(names: UnsyncedNames): void {
  names.beginSync(9)
  names.endSync(9)
}

describe('names that no sync has covered', () => {
  it('are kept or lost, all of them', () => {
    const names = new UnsyncedNames(new Map([['a', 1]]))
    names.change([['b', 2]])
    names.change([['a', undefined]])
    expect([left(names, 'kept'), left(names, 'lost'), names.isSynced]).toEqual(['b=2', 'a=1', false])
  })

  it('get lost one by one, in any order; a rename is whole or not at all', () => {
    const found = new Set<string>()
    for (let seed = 0; seed < 100; seed++) {
      const names = new UnsyncedNames(new Map([['a', 1]]))
      names.change([
        ['a', undefined],
        ['b', 1],
      ])
      names.change([['c', 3]])
      found.add(left(names, 'some', seed))
    }
    expect([...found].sort()).toEqual(['a=1', 'a=1 c=3', 'b=1', 'b=1 c=3'])
  })

  it('are saved by a sync that began after them', () => {
    const names = new UnsyncedNames()
    names.change([['a', 1]])
    names.beginSync(1)
    names.change([['b', 2]])
    names.endSync(1)
    expect(left(names, 'lost')).toBe('a=1')
    expect(left(names.copy(), 'kept')).toBe('a=1 b=2')
  })

  it('are called clean by a sync that failed, until something else changes', () => {
    const names = new UnsyncedNames()
    names.change([['a', 1]])
    names.beginSync(1)
    names.failSync(1)
    sync(names)
    expect([left(names, 'lost'), left(names.copy(), 'kept'), names.isSynced]).toEqual(['', 'a=1', false])
    names.change([['b', 2]])
    sync(names)
    expect([left(names, 'lost'), names.isSynced]).toEqual(['a=1 b=2', true])
  })

  it('are lost to every sync under way that was to save them, and to no other', () => {
    const names = new UnsyncedNames()
    names.beginSync(0)
    names.change([['a', 1]])
    names.beginSync(1)
    names.change([['b', 2]])
    names.beginSync(2)
    names.failSync(2)
    const told = [0, 1, 2].map((number) => names.copy().isFailing(number))
    expect(told).toEqual([false, true, false])
  })
})
