import { performance } from 'node:perf_hooks'
import { Bench } from 'tinybench'
import { LoopWatch, watchLoop } from './loop-watch.ts'

/** How long to measure: at least so many calls and so long, after at least so many and so long that don't count. */
export interface TimingPlan {
  readonly iterations: number
  readonly timeMs?: number
  readonly warmupIterations: number
  readonly warmupMs?: number
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

/**
 * Times `work` with tinybench; its promise, if it gives one, is awaited inside the clock, and `before` outside of it. The
 * event loop is watched.
 */
export async function time(
  work: () => unknown,
  plan: TimingPlan & { readonly isAsync: boolean; readonly before?: () => Promise<void> },
): Promise<Timing> {
  const watch = new LoopWatch()
  const bench = new Bench({
    iterations: plan.iterations,
    time: plan.timeMs ?? 0,
    warmup: plan.warmupIterations > 0,
    warmupIterations: plan.warmupIterations,
    warmupTime: plan.warmupMs ?? 0,
    throws: true,
    setup: async (_task, mode) => (mode === 'run' ? watch.start() : undefined),
  })
  const before = plan.before === undefined ? {} : { beforeEach: plan.before }
  bench.add('work', work, { async: plan.isAsync, ...before })
  const [task] = await bench.run()
  await watch.stop()
  const result = task?.result
  if (result?.state !== 'completed') throw new Error(`the benchmark ended as ${result?.state}`)
  const { mean, p50, p99, samplesCount } = result.latency
  return { perSecond: 1000 / mean, meanMs: mean, p50Ms: p50, p99Ms: p99, calls: samplesCount }
}

/** Times one call of `work`, the event loop watched; for what is not to be done twice in a process. */
export async function timeOnce<T>(
  work: () => Promise<T>,
): Promise<{ readonly ms: number; readonly result: T }> {
  return watchLoop(async () => {
    const startedMs = performance.now()
    const result = await work()
    return { ms: performance.now() - startedMs, result }
  })
}
