import { describe, expect, it } from 'vitest'
import { paintFor } from '../../../src/cli/paint.ts'
import { CapturedScreen } from './fake-machine.ts'

const terminal = new CapturedScreen({ isTerminal: true })
const pipe = new CapturedScreen()

describe('paintFor', () => {
  it('colours on a terminal', () => {
    expect(paintFor(terminal, {})('red', 'x')).toBe('\u001b[31mx\u001b[0m')
    expect(paintFor(terminal, { NO_COLOR: '' })('bold', 'x')).toBe('\u001b[1mx\u001b[0m')
  })

  it('leaves text as it is in a pipe, on a dumb terminal, and wherever NO_COLOR is set', () => {
    expect(paintFor(pipe, {})('red', 'x')).toBe('x')
    expect(paintFor(terminal, { NO_COLOR: '1' })('red', 'x')).toBe('x')
    expect(paintFor(terminal, { NO_COLOR: '0' })('red', 'x')).toBe('x')
    expect(paintFor(terminal, { TERM: 'dumb' })('red', 'x')).toBe('x')
  })
})
