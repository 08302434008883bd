import { loadLayer } from '../support/engine.ts'
import { Noise } from '../support/payload.ts'
import { checkTally, type Tally } from '../support/tally.ts'
import { time } from '../support/timing.ts'
import { type Context, type Outcome, scenario } from '../scenario.ts'

interface CrcParameters extends Record<string, number> {
  /** Bytes to put through in one timed call. */
  readonly bytesPerCall: number
  readonly calls: number
  readonly timeMs: number
  readonly warmupCalls: number
}

const SIZES = [64, 128, 192, 256, 320, 384, 448, 512, 768, 1024, 4096, 16_384, 65_536]

/** The two ways to a checksum at growing sizes; where native overtakes is what `CRC_NATIVE_BYTES_MIN` should be. */
export const crc = scenario<CrcParameters>({
  name: 'crc',
  isOnlyFull: true,
  title: 'CRC-32C, native beside JavaScript',
  parameters: {
    full: { bytesPerCall: 1024 * 1024, calls: 20, timeMs: 80, warmupCalls: 10 },
    quick: { bytesPerCall: 256 * 1024, calls: 10, timeMs: 15, warmupCalls: 10 },
    smoke: { bytesPerCall: 64 * 1024, calls: 1, timeMs: 0, warmupCalls: 0 },
  },
  chart: { metric: metricOf(1024), unit: 'MB/s', baseline: 'javascript', title: 'CRC-32C of 1,024 bytes' },
  subjects: {
    native: (context) => checksums(context, 'native'),
    javascript: (context) => checksums(context, 'javascript'),
  },
  rows: SIZES.map((size) => ({
    work: `CRC-32C of ${size} bytes, native (beside JavaScript)`,
    unit: 'MB/s',
    subject: 'native',
    metric: metricOf(size),
    beside: { subject: 'javascript' },
  })),
})

async function checksums(
  { parameters }: Context<CrcParameters>,
  which: 'native' | 'javascript',
): Promise<Outcome> {
  const { crc32cJavaScript, crc32cNative } = await loadLayer('codec/index.ts')
  const checksum = which === 'native' ? crc32cNative : crc32cJavaScript
  if (checksum === undefined) throw new Error('there is no native CRC-32C for this machine')
  const { bytesPerCall, calls, timeMs, warmupCalls } = parameters
  const noise = new Noise(3)
  const bytes = Buffer.from(Uint8Array.from({ length: SIZES.at(-1)! * 2 }, () => noise.next()))
  const metrics: Record<string, number> = {}
  let sum = 0
  for (const size of SIZES) {
    const rounds = Math.max(1, Math.floor(bytesPerCall / size))
    const work = (): void => {
      // A view for each, as the engine has to make one for each batch.
      for (let round = 0; round < rounds; round++) {
        const at = (round * 64) % (bytes.length - size)
        sum = (sum + checksum(bytes.subarray(at, at + size))) | 0
      }
    }
    const plan = { iterations: calls, timeMs, warmupIterations: warmupCalls, isAsync: false }
    const timing = await time(work, plan)
    metrics[metricOf(size)] = (timing.perSecond * rounds * size) / 1e6
  }
  if (!Number.isInteger(sum)) throw new Error('a checksum is no whole number') // and what was timed is used
  const checked = checkTally(tallyChecksums(checksum, bytes), tallyChecksums(bitwiseCrc32c, bytes))
  return { metrics, checked }
}

/** One checksum of each size, from different positions. */
function tallyChecksums(checksum: (bytes: Uint8Array) => number, bytes: Uint8Array): Tally {
  const hash = SIZES.reduce(
    (sum, size) => (Math.imul(sum, 31) + checksum(bytes.subarray(size, size * 2))) | 0,
    0,
  )
  return { count: SIZES.length, hash }
}

/** CRC-32C by its definition, bit by bit: what both implementations are checked by. */
function bitwiseCrc32c(bytes: Uint8Array): number {
  let rest = 0xffffffff
  for (const byte of bytes) {
    rest ^= byte
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0x82f63b78 : 0)
  }
  return (rest ^ 0xffffffff) >>> 0
}

function metricOf(size: number): string {
  return `at${size}MegabytesPerSecond`
}
