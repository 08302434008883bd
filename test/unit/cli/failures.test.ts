import { describe, expect, it } from 'vitest'
import { describeFailure, EXIT, InterruptedError, UsageError } from '../../../src/cli/failures.ts'
import { argumentTypeError, ERROR_TABLE, type ErrorCode, SeglogError } from '../../../src/core/index.ts'

describe('describeFailure', () => {
  it('gives every code of the library its own exit code', () => {
    for (const [code, { exitCode }] of Object.entries(ERROR_TABLE)) {
      const error = new SeglogError(code as ErrorCode, 'what happened')
      expect(describeFailure(error)).toEqual({ code, message: 'what happened', exitCode })
    }
  })

  it('takes wrong arguments and wrong options for usage', () => {
    expect(describeFailure(new UsageError('no'))).toEqual({
      code: 'USAGE',
      message: 'no',
      exitCode: EXIT.usage,
    })
    expect(describeFailure(argumentTypeError('no'))).toEqual({
      code: 'ARGUMENT_INVALID',
      message: 'no',
      exitCode: EXIT.usage,
    })
  })

  it("takes over the system's codes, and does not repeat them", () => {
    const error = Object.assign(new Error("EACCES: permission denied, open 'x'"), {
      code: 'EACCES',
      syscall: 'open',
    })
    expect(describeFailure(error)).toEqual({
      code: 'EACCES',
      message: "permission denied, open 'x'",
      exitCode: EXIT.failed,
    })
  })

  it("knows the system's codes where there is no system call, and Node's own for what they are", () => {
    const error = Object.assign(new Error('x is not a regular file'), { code: 'EINVAL' })
    expect(describeFailure(error)).toMatchObject({ code: 'EINVAL', exitCode: EXIT.failed })
    const bug = Object.assign(new Error('bad'), { code: 'ERR_INVALID_ARG_TYPE' })
    expect(describeFailure(bug)).toMatchObject({ code: 'BUG' })
  })

  it('calls everything else a bug', () => {
    expect(describeFailure(new Error('seglog bug: oops'))).toEqual({
      code: 'BUG',
      message: 'oops',
      exitCode: EXIT.failed,
    })
    expect(describeFailure('thrown text')).toMatchObject({ code: 'BUG', message: 'thrown text' })
    expect(describeFailure(null)).toMatchObject({ code: 'BUG' })
    expect(describeFailure(undefined)).toMatchObject({ code: 'BUG' })
  })

  it('gives the exit code of a signal', () => {
    expect(describeFailure(new InterruptedError('SIGINT')).exitCode).toBe(130)
    expect(describeFailure(new InterruptedError('SIGTERM')).exitCode).toBe(143)
  })

  it('tells what failed first when closing failed after it', async () => {
    let caught: unknown
    try {
      await using resource = { [Symbol.asyncDispose]: () => Promise.reject(new Error('closing')) }
      expect(resource).toBeDefined()
      throw new SeglogError('DISK_FULL', 'first')
    } catch (error) {
      caught = error
    }
    expect(describeFailure(caught)).toMatchObject({ code: 'DISK_FULL', message: 'first' })
  })
})
