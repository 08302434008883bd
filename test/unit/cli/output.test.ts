import { describe, expect, it } from 'vitest'
import { OutputClosedError } from '../../../src/cli/failures.ts'
import { Output } from '../../../src/cli/output.ts'
import { CapturedScreen } from './fake-machine.ts'

function failingWith(code: string): Output {
  const screen = new CapturedScreen()
  screen.failure = Object.assign(new Error(code), { code })
  return new Output(screen)
}

describe('Output', () => {
  it('keeps what is written until it is flushed, text and bytes in their order', async () => {
    const screen = new CapturedScreen()
    const output = new Output(screen)
    output.write('é')
    output.write(Buffer.from([0xff, 0x00]))
    output.line('end')
    expect(screen.bytes).toHaveLength(0)
    await output.flush()
    expect(screen.bytes).toEqual(
      Buffer.concat([Buffer.from('é'), Buffer.from([0xff, 0x00]), Buffer.from('end\n')]),
    )
    await output.flush()
    expect(screen.chunks).toHaveLength(1)
  })

  it('is full after 64 KiB, and takes more all the same', async () => {
    const screen = new CapturedScreen()
    const output = new Output(screen)
    output.write('x'.repeat(65_535))
    expect(output.isFull).toBe(false)
    output.write('日'.repeat(300_000))
    output.write(Buffer.alloc(1_000_000, 'y'))
    expect(output.isFull).toBe(true)
    await output.flush()
    expect(output.isFull).toBe(false)
    expect(screen.bytes).toHaveLength(65_535 + 900_000 + 1_000_000)
  })

  it('copies bytes, so that theirs may change', async () => {
    const screen = new CapturedScreen()
    const output = new Output(screen)
    const bytes = Buffer.from('before')
    output.write(bytes)
    bytes.fill('x')
    await output.flush()
    expect(screen.text).toBe('before')
  })

  it('tells a reader that went away from a disk that failed', async () => {
    for (const code of ['EPIPE', 'ERR_STREAM_DESTROYED']) {
      const output = failingWith(code)
      output.write('x')
      await expect(output.flush()).rejects.toBeInstanceOf(OutputClosedError)
    }
    const output = failingWith('EIO')
    output.write('x')
    await expect(output.flush()).rejects.toMatchObject({ code: 'EIO' })
  })

  it('leaves one listener on a stream, however often it is used', () => {
    const screen = new CapturedScreen()
    for (let count = 0; count < 3; count++) expect(new Output(screen).isTerminal).toBe(false)
    expect(screen.listenerCount('error')).toBe(1)
  })
})
