import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Findings } from '../../../../src/cli/dump/findings.ts'
import { Notes } from '../../../../src/cli/notes.ts'
import { ManualClock } from '../../../../src/testing/index.ts'
import { CapturedScreen } from '../fake-machine.ts'

function makeFindings() {
  const screen = new CapturedScreen()
  const notes = new Notes({ stream: screen, clock: new ManualClock(), environment: {}, allowsBar: false })
  return { screen, findings: new Findings(notes) }
}

describe('Findings', () => {
  it('tells of damage at once, and makes the exit code 1', () => {
    const { screen, findings } = makeFindings()
    findings.damage('BATCH_CORRUPT', 'here')
    expect(screen.text).toBe('seglog: BATCH_CORRUPT: here\n')
    expect(findings.finish()).toBe(1)
  })

  it('makes the exit code 3 for what could not be shown, unless something is damaged too', () => {
    const { findings } = makeFindings()
    expect(findings.finish()).toBe(0)
    findings.incomplete('COMPRESSION_UNSUPPORTED', 'lz4')
    expect(findings.finish()).toBe(3)
    findings.damage('BATCH_CORRUPT', 'here')
    expect(findings.finish()).toBe(1)
  })

  it("keeps the rest for the end, in Kafka's order and words", () => {
    const { screen, findings } = makeFindings()
    findings.note('notConsecutive', 'b.log', '  1 is followed by 5', { isDamage: false })
    expect(findings.finish()).toBe(0)
    findings.note('notFound', 'a.timeindex', 'Indexed offset: 1, found log offset: -1', { isDamage: true })
    findings.note('outOfOrder', 'a.timeindex', '  Index timestamp: 1, Previously indexed timestamp: 2', {
      isDamage: true,
    })
    findings.note('offsetMismatch', 'a.index', '  Index offset: 1, log offset: 2', { isDamage: true })
    findings.note('offsetMismatch', 'a.index', '  Index offset: 3, log offset: 4', { isDamage: true })
    screen.chunks.length = 0
    expect(findings.finish()).toBe(1)
    expect(screen.text.split('\n')).toEqual([
      `Mismatches in :${resolve('a.index')}`,
      '  Index offset: 3, log offset: 4',
      '  Index offset: 1, log offset: 2',
      `Found out of order timestamp in :${resolve('a.timeindex')}`,
      '  Index timestamp: 1, Previously indexed timestamp: 2',
      `The following indexed offsets are not found in :${resolve('a.timeindex')}`,
      'Indexed offset: 1, found log offset: -1',
      `Non-consecutive offsets in ${resolve('b.log')}`,
      '  1 is followed by 5',
      '',
    ])
  })

  it('keeps a thousand of a kind, and counts the others', () => {
    const { screen, findings } = makeFindings()
    for (let count = 0; count < 1500; count++) {
      findings.note('notConsecutive', 'a.log', `  ${count}`, { isDamage: false })
    }
    findings.finish()
    const lines = screen.text.trimEnd().split('\n')
    expect(lines).toHaveLength(1002)
    expect(lines.at(-1)).toBe('  and 500 more')
  })
})
