import { Bench } from 'tinybench'

/** How long to measure: at least so many calls and so long, after calls that don't count. */
export interface TimingPlan {
  readonly iterations: number
  readonly timeMs?: number
  readonly warmupIterations: number
}

/** What one process measured of one piece of work. */
export interface Timing {
  /** Calls a second over all calls, so that no pause inside one is lost. */
  readonly perSecond: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly calls: number
}

/** Times `work` with tinybench; its promise, if it gives one, is awaited inside the clock, and `before` outside of it. */
export async function time(
  work: () => unknown,
  plan: TimingPlan & { readonly isAsync: boolean; readonly before?: () => Promise<void> },
): Promise<Timing> {
  const bench = new Bench({
    iterations: plan.iterations,
    time: plan.timeMs ?? 0,
    warmup: plan.warmupIterations > 0,
    warmupIterations: plan.warmupIterations,
    warmupTime: 0,
    throws: true,
  })
  const before = plan.before === undefined ? {} : { beforeEach: plan.before }
  bench.add('work', work, { async: plan.isAsync, ...before })
  const [task] = await bench.run()
  const result = task?.result
  if (result?.state !== 'completed') throw new Error(`the benchmark ended as ${result?.state}`)
  const { mean, p50, p99, samplesCount } = result.latency
  return { perSecond: 1000 / mean, meanMs: mean, p50Ms: p50, p99Ms: p99, calls: samplesCount }
}
