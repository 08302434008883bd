import { describe, expect, it } from 'vitest'
import { runInContext } from '../../../src/cli/context.ts'
import { OutputClosedError, UsageError } from '../../../src/cli/failures.ts'
import { SeglogError } from '../../../src/core/index.ts'
import { FakeMachine } from './fake-machine.ts'

describe('runInContext', () => {
  it('gives the exit code of the command, after everything it wrote is out', async () => {
    const machine = new FakeMachine()
    const exitCode = await runInContext(machine, async ({ output }) => {
      output.line('data')
      return 1
    })
    expect(exitCode).toBe(1)
    expect(machine.stdout.text).toBe('data\n')
  })

  it('tells what failed, after what was written before it', async () => {
    const machine = new FakeMachine()
    const exitCode = await runInContext(machine, async ({ output }) => {
      output.line('data')
      throw new SeglogError('LOG_LOCKED', 'taken')
    })
    expect(exitCode).toBe(3)
    expect(machine.stdout.text).toBe('data\n')
    expect(machine.stderr.text).toBe('seglog: LOG_LOCKED: taken\n')
  })

  it('takes a reader that went away for a quiet end', async () => {
    const machine = new FakeMachine()
    machine.stdout.failure = Object.assign(new Error('EPIPE'), { code: 'EPIPE' })
    const exitCode = await runInContext(machine, async ({ output }) => {
      output.line('data')
      await output.flush()
      return 1
    })
    expect(exitCode).toBe(0)
    expect(machine.stderr.text).toBe('')
  })

  it('tells what failed even when the reader is gone too', async () => {
    const machine = new FakeMachine()
    machine.stdout.failure = Object.assign(new Error('EPIPE'), { code: 'EPIPE' })
    const exitCode = await runInContext(machine, async ({ output }) => {
      output.line('data')
      throw new UsageError('wrong')
    })
    expect(exitCode).toBe(2)
    expect(machine.stderr.text).toBe('seglog: USAGE: wrong\n')
  })

  it('tells of an output that failed', async () => {
    const machine = new FakeMachine()
    machine.stdout.failure = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    })
    const exitCode = await runInContext(machine, async ({ output }) => {
      output.line('data')
      return 0
    })
    expect(exitCode).toBe(3)
    expect(machine.stderr.text).toBe('seglog: ENOSPC: no space left on device, write\n')
  })

  it('aborts at the first signal, silently, and ends the process at the second', async () => {
    const machine = new FakeMachine()
    const exitCode = await runInContext(machine, async ({ interrupt }) => {
      machine.signal('SIGINT')
      expect(machine.exits).toEqual([])
      machine.signal('SIGTERM')
      interrupt.throwIfAborted()
      return 0
    })
    expect(machine.exits).toEqual([143])
    expect(exitCode).toBe(130)
    expect(machine.stderr.text).toBe('')
  })

  it('stops listening for signals, however it ends', async () => {
    const machine = new FakeMachine()
    for (const error of [undefined, new OutputClosedError('closed'), new Error('bug')]) {
      await runInContext(machine, async () => {
        expect(machine.listenerCount).toBe(1)
        if (error !== undefined) throw error
        return 0
      })
      expect(machine.listenerCount).toBe(0)
    }
  })
})
