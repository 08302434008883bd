import { describe, expect, it } from 'vitest'
import { Notes } from '../../../src/cli/notes.ts'
import { SeglogError } from '../../../src/core/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { CapturedScreen } from './fake-machine.ts'

const CLEAR = '\r\u001b[2K'

function makeNotes(
  options: { isTerminal?: boolean; environment?: Record<string, string>; allowsBar?: boolean } = {},
) {
  const { isTerminal = false, environment = {}, allowsBar = true } = options
  const screen = new CapturedScreen({ isTerminal })
  const clock = new ManualClock()
  return { screen, clock, notes: new Notes({ stream: screen, clock, environment, allowsBar }) }
}

describe('lines on standard error', () => {
  it('have everything escaped that a terminal would act on', () => {
    const { screen, notes } = makeNotes()
    notes.line('a\u001b[2Jb\nc')
    notes.problem('BATCH_CORRUPT', 'in x\u0007.log')
    expect(screen.text).toBe('a\\x1b[2Jb\nc\nseglog: BATCH_CORRUPT: in x\\x07.log\n')
  })

  it('colour the code, and nothing of what they tell, on a terminal', () => {
    const { screen, notes } = makeNotes({ isTerminal: true })
    notes.problem('X', '\u001b[31m')
    expect(screen.text).toBe('seglog: \u001b[31mX\u001b[0m: \\x1b[31m\n')
  })

  it('show where an error comes from only when that is asked for', () => {
    const error = new SeglogError('LOG_CLOSED', 'closed')
    for (const value of [undefined, '', '0']) {
      const { screen, notes } = makeNotes({ environment: value === undefined ? {} : { SEGLOG_DEBUG: value } })
      notes.failure(error)
      expect(screen.text).toBe('seglog: LOG_CLOSED: closed\n')
    }
    const { screen, notes } = makeNotes({ environment: { SEGLOG_DEBUG: '1' } })
    notes.failure(error)
    expect(screen.text).toContain('notes.test.ts')
  })
})

describe('the progress bar', () => {
  it('appears after half a second, is drawn ten times a second at most, and shows how far it is', async () => {
    const { screen, clock, notes } = makeNotes({ isTerminal: true })
    const draw = () => notes.progress({ doneBytes: 1024 * 1024, totalBytes: 4 * 1024 * 1024, text: 'here' })
    draw()
    await clock.advance(499)
    draw()
    expect(screen.text).toBe('')
    await clock.advance(1)
    draw()
    draw()
    expect(screen.text).toBe(`${CLEAR}[======                  ]  25 % 1.0 MiB of 4.0 MiB, 2.0 MiB/s here`)
    await clock.advance(99)
    draw()
    expect(screen.chunks).toHaveLength(1)
    await clock.advance(1)
    draw()
    expect(screen.chunks).toHaveLength(2)
  })

  it('shows an amount alone when nobody knows the whole', async () => {
    const { screen, clock, notes } = makeNotes({ isTerminal: true })
    await clock.advance(1000)
    notes.progress({ doneBytes: 2048 })
    expect(screen.text).toBe(`${CLEAR}2.0 KiB, 2.0 KiB/s `)
  })

  it('makes room for lines, and is gone at the end', async () => {
    const { screen, clock, notes } = makeNotes({ isTerminal: true })
    await clock.advance(1000)
    notes.progress({ doneBytes: 0, totalBytes: 0 })
    const drawn = screen.text.length
    notes.line('a line')
    notes.clearProgress()
    expect(screen.text.slice(drawn)).toBe(`${CLEAR}a line\n`)
  })

  it('is never longer than a line of the terminal', async () => {
    const { screen, clock, notes } = makeNotes({ isTerminal: true })
    await clock.advance(1000)
    notes.progress({ doneBytes: 1, totalBytes: 2, text: 'x'.repeat(500) })
    expect(screen.text.slice(CLEAR.length)).toHaveLength(99)
  })

  it('is not there in a pipe, on a dumb terminal, or where the output goes to the same screen', async () => {
    const pipe = makeNotes()
    const dumb = makeNotes({ isTerminal: true, environment: { TERM: 'dumb' } })
    const shared = makeNotes({ isTerminal: true, allowsBar: false })
    for (const { screen, clock, notes } of [pipe, dumb, shared]) {
      await clock.advance(1000)
      notes.progress({ doneBytes: 1, totalBytes: 2 })
      notes.clearProgress()
      expect(screen.text).toBe('')
    }
  })
})
