/* One process of a run: takes one piece of work at a time, and answers with what it came to. */
import { explore, type ExploreLimits } from './explore.ts'
import { SWEEPS, sweepFaults } from './fault-sweep.ts'
import { workloadNamed } from './workloads.ts'

/** A workload with a seed, and what is to be done with it. */
export type Piece = { readonly workload: string; readonly seed: number } & (
  | { readonly kind: 'crashes'; readonly limits: ExploreLimits }
  | {
      readonly kind: 'faults'
      readonly sweep: string
      readonly stride: number /** Only this call. */
      readonly only?: number
    }
)

/** What a piece of work came to. */
export interface PieceResult {
  readonly piece: Piece
  readonly states: number
  readonly runs: number
  /** Of the states that were new to this process, a short hash each. */
  readonly hashes: readonly string[]
  readonly inRecovery: number
  readonly broken: readonly { readonly at: string; readonly complaints: readonly string[] }[]
}

async function work(piece: Piece): Promise<PieceResult> {
  const workload = workloadNamed(piece.workload)
  if (piece.kind === 'crashes') {
    const { states, hashes, inRecovery, broken } = await explore(workload, piece.seed, piece.limits)
    return { piece, states, runs: 1, hashes, inRecovery, broken }
  }
  const sweep = SWEEPS.find(({ name }) => name === piece.sweep)
  if (sweep === undefined) throw new RangeError(`there is no sweep ${piece.sweep}`)
  const { seed, stride, only } = piece
  const { runs, states, broken } = await sweepFaults(workload, sweep, {
    seed,
    stride,
    ...(only === undefined ? {} : { only }),
  })
  return { piece, states, runs, hashes: [], inRecovery: 0, broken }
}

process.on('message', (piece: Piece) => {
  void work(piece).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit(0))
process.on('unhandledRejection', (error) => {
  throw error // I15: nothing may be rejected behind everybody's back
})
