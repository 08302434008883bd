import { describe, expect, it } from 'vitest'
import { formatTable } from '../../../src/cli/table.ts'

describe('formatTable', () => {
  const columns = [
    { title: 'N', align: 'right' },
    { title: 'NAME', align: 'left' },
    { title: '', align: 'left' },
  ] as const

  it('sets columns as wide as their widest cell, and leaves no blanks at the ends of lines', () => {
    expect(
      formatTable(columns, [
        ['5', 'a long name', ''],
        ['1000', 'b', 'x'],
      ]),
    ).toEqual(['   N  NAME', '   5  a long name', '1000  b            x'])
  })

  it('is its titles when there are no rows', () => {
    expect(formatTable(columns, [])).toEqual(['N  NAME'])
  })
})
