import { describe, expect, it } from 'vitest'
import { WriteBuffer } from '../../../src/record/index.ts'

function write(buffer: WriteBuffer, text: string): void {
  buffer.reserve(text.length)
  buffer.length += buffer.bytes.write(text, buffer.length)
}

describe('a write buffer', () => {
  it('starts empty, with the memory it was asked for', () => {
    const buffer = new WriteBuffer(10_000)
    expect(buffer.length).toBe(0)
    expect(buffer.bytes).toHaveLength(10_000)
    expect(buffer.filled()).toHaveLength(0)
    expect(new WriteBuffer(0).bytes.length).toBeGreaterThan(0)
  })

  it('keeps its memory while there is room, to the last byte', () => {
    const buffer = new WriteBuffer(4096)
    const { bytes } = buffer
    write(buffer, 'x'.repeat(4096))
    expect(buffer.bytes).toBe(bytes)
    buffer.reserve(0)
    expect(buffer.bytes).toBe(bytes)
    buffer.reserve(1)
    expect(buffer.bytes).not.toBe(bytes)
  })

  it('grows by doubling, or as far as it must, and keeps what is in it', () => {
    const buffer = new WriteBuffer(4096)
    write(buffer, 'a'.repeat(4000))
    buffer.reserve(200)
    expect(buffer.bytes).toHaveLength(8192)
    buffer.reserve(100_000)
    expect(buffer.bytes).toHaveLength(104_000)
    expect(buffer.filled().toString()).toBe('a'.repeat(4000))
  })

  it('gives back on reset what it has grown by', () => {
    const buffer = new WriteBuffer(4096)
    const { bytes } = buffer
    write(buffer, 'abc')
    buffer.reset()
    expect(buffer.length).toBe(0)
    expect(buffer.bytes).toBe(bytes)
    write(buffer, 'a'.repeat(5000))
    buffer.reset()
    expect(buffer.bytes).toHaveLength(4096)
  })

  it('never writes again into what was taken', () => {
    const buffer = new WriteBuffer(4096)
    write(buffer, 'abc')
    const taken = buffer.take()
    write(buffer, 'xyz')
    expect(taken.toString()).toBe('abc')
    expect(buffer.filled().toString()).toBe('xyz')
    expect(buffer.filled().buffer).not.toBe(taken.buffer)
  })

  it('trades contents and memory with another', () => {
    const [a, b] = [new WriteBuffer(4096), new WriteBuffer(8192)]
    write(a, 'in a')
    a.swap(b)
    expect(a.filled()).toHaveLength(0)
    expect(a.bytes).toHaveLength(8192)
    expect(b.filled().toString()).toBe('in a')
    write(a, 'more')
    expect(b.filled().toString()).toBe('in a')
  })

  it('refuses to grow by what is no number of bytes', () => {
    expect(() => new WriteBuffer(1).reserve(Number.POSITIVE_INFINITY)).toThrow('seglog bug')
  })
})
