import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { checkInteger, SeglogError } from '../core/index.ts'

/** What the records of a batch can be compressed with, by Kafka's id. */
export const COMPRESSION_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** A known way to compress. */
export type CompressionName = (typeof COMPRESSION_NAMES)[number]

/** Frames that one compressed block may be made of; a producer writes one. */
const FRAMES_MAX = 64

/** Codes of zlib and zstd, but those that tell of the machine and not of the bytes. */
const STREAM_DAMAGE = /^(?!.*mem)Z(STD)?_/i

const CHUNK_BYTES = 64 * 1024

type Inflate = (bytes: Uint8Array, limit: number) => { output: Buffer; bytesRead: number }

const INFLATE: Record<CompressionName, Inflate | undefined> = {
  none: undefined,
  gzip: (bytes, limit) => inflateBy(gunzipSync, bytes, limit),
  snappy: undefined,
  lz4: undefined,
  zstd: (bytes, limit) => inflateBy(zstdDecompressSync, bytes, limit),
}

/** The name of codec `id`; undefined for an id that Kafka has not given out. */
export function compressionName(id: number): CompressionName | undefined {
  return COMPRESSION_NAMES[id]
}

/**
 * Decompresses the whole of `bytes`; id 0 gives the same bytes back.
 *
 * Units:  `limit` in bytes of output.
 * Errors: `COMPRESSION_UNSUPPORTED` snappy, lz4, unknown ids; `RECORD_TOO_LARGE` more than `limit` comes out, found
 *         before it is held; `BATCH_CORRUPT` a damaged, cut or over-long stream.
 */
export function decompress(id: number, bytes: Buffer, limit: number): Buffer {
  checkInteger(limit, { name: 'limit of decompressed bytes', min: 1, max: Number.MAX_SAFE_INTEGER })
  const name = compressionName(id)
  if (name === 'none') return bytes
  const inflate = name === undefined ? undefined : INFLATE[name]
  if (name === undefined || inflate === undefined) {
    throw new SeglogError('COMPRESSION_UNSUPPORTED', `records in ${name ?? `unknown codec ${id}`}`, {
      found: name ?? id,
      expected: 'none, gzip or zstd',
    })
  }
  return inflateFrames(inflate, { name, bytes, limit })
}

/** Frame after frame until the input is used up: gzip members come as one, zstd frames singly. */
function inflateFrames(
  inflate: Inflate,
  block: { name: CompressionName; bytes: Buffer; limit: number },
): Buffer {
  const outputs: Buffer[] = []
  let consumed = 0
  let produced = 0
  try {
    do {
      // A limit is at least 1 to zlib: a full block followed by a frame of one byte is caught below.
      const frame = inflate(block.bytes.subarray(consumed), Math.max(1, block.limit - produced))
      outputs.push(frame.output)
      consumed += frame.bytesRead
      produced += frame.output.length
      if (produced > block.limit) throw tooLarge(block)
    } while (consumed < block.bytes.length && outputs.length < FRAMES_MAX)
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(block)
    if (typeof code !== 'string' || !STREAM_DAMAGE.test(code)) throw error
    const message = `${block.name} can't read byte ${consumed} and after of compressed records`
    throw new SeglogError('BATCH_CORRUPT', message, { cause: error })
  }
  if (consumed < block.bytes.length) {
    throw new SeglogError(
      'BATCH_CORRUPT',
      `compressed records of more than ${FRAMES_MAX} ${block.name} frames`,
    )
  }
  return outputs.length === 1 ? outputs[0]! : Buffer.concat(outputs, produced)
}

function tooLarge(block: { name: CompressionName; bytes: Buffer; limit: number }): SeglogError {
  return new SeglogError(
    'RECORD_TOO_LARGE',
    `${block.bytes.length} bytes of ${block.name} decompress to more than the limit of ${block.limit} bytes`,
    { expected: block.limit },
  )
}

interface ZlibOptions {
  maxOutputLength: number
  chunkSize: number
  info: true
}

/** With `info`, Node gives the engine beside the output, and it knows how much of the input it used. */
function inflateBy(
  call: (bytes: Uint8Array, options: ZlibOptions) => unknown,
  bytes: Uint8Array,
  limit: number,
) {
  const result = call(bytes, { maxOutputLength: limit, chunkSize: CHUNK_BYTES, info: true })
  const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } }
  return { output: buffer, bytesRead: engine.bytesWritten }
}
