/* What docs/store.md shows is what happens. */
import { describe, expect, it } from 'vitest'
import { programsIn, readPage, runProgram } from './helpers/doc-programs.ts'
import { temporaryDirectory } from './helpers/temporary-directory.ts'

const [program = ''] = programsIn(readPage('store.md'))

describe('docs/store.md', () => {
  it('has a program that prints its records, and goes on where its group was when it is run again', async () => {
    const directory = temporaryDirectory()
    for (const run of [0, 1]) {
      const [first = '', ...rest] = await runProgram(program, directory)
      const [, keyed = ''] = /^partition ([0-2]), offset \d$/.exec(first)!
      const records = keyed === '2' ? 3 : 2 // of partition 2, a run
      const next = records * run + records - 2
      const expected = [
        `${keyed} ${records === 3 ? 3 * run : run} an order`,
        `2 ${next} one`,
        `2 ${next + 1} batch`,
      ]
      expect(rest.sort()).toEqual(expected.sort())
    }
  })
})
