/*
 * What a benchmark is: named work, done by several subjects (the log and what it is measured beside), each in a process
 * of its own. A scenario only says what to do; processes, rounds and figures are the runner's.
 */
import type { ChartSpec } from './chart.ts'
import type { Growth } from './growth.ts'
import type { Tally } from './support/tally.ts'

/** How much work: `full` for figures to keep, `quick` for a first look, `smoke` to see that everything still runs. */
export type Size = 'full' | 'quick' | 'smoke'

/** Named numbers: parameters of a scenario, what preparing it found, what a subject measured. */
export type Numbers = Readonly<Record<string, number>>

/** What a scenario's code is given. */
export interface Context<P extends Numbers = Numbers> {
  /** Empty, on the disk that is measured, and of this process alone. */
  readonly directory: string
  /** Where `prepare` left its files; every process of the scenario finds them, and leaves them, with the same data. */
  readonly prepared: string
  /** What `prepare` returned. */
  readonly facts: Numbers
  readonly parameters: P
  /** Which subjects are in the run: `prepare` has to prepare for no others. */
  readonly subjects: readonly string[]
}

/** What one subject did in one process: its figures, and what it can show for them. */
export interface Outcome {
  readonly metrics: Numbers
  /** Read back after the clock was stopped, or while it ran, and found right. */
  readonly checked: Tally
  /** The work was another program's: the event loop of the process that had it done says nothing, and is not watched. */
  readonly isElsewhere?: true
}

/** What figures are given in. */
export type Unit = 'records/s' | 'reads/s' | 'MB/s' | 'ms' | 'µs' | 'ns' | 'MB' | 'KB' | 'bytes/byte'

/** What a row is judged by: the comparison at least, or at most; or the figure itself at most. */
export type Goal =
  | { readonly kind: 'comparison-min'; readonly limit: number }
  | { readonly kind: 'comparison-max'; readonly limit: number }
  | { readonly kind: 'figure-max'; readonly limit: number }

/** One line of the results: a figure of one subject, beside another's. */
export interface Row {
  readonly work: string
  readonly unit: Unit
  readonly subject: string
  readonly metric: string
  readonly beside?: { readonly subject: string; readonly metric?: string }
  /** In place of `beside`: the one of several libraries that is best in this run. */
  readonly besideBest?: BestOf
  /** How the two are compared: `ratio` figure / other, by default, or `difference` figure - other. */
  readonly compare?: 'ratio' | 'difference'
  readonly goal?: Goal
}

/** Several subjects, of which the one with the highest median is what a row is held against. */
export interface BestOf {
  readonly subjects: readonly string[]
  /** Without all of these in the run nothing is judged: a best that nobody good has run for is none. */
  readonly needed: readonly string[]
}

/** A library that can't do the work of a scenario, and why. */
export interface LeftOut {
  readonly library: string
  readonly reason: string
}

/** One benchmark. */
export interface Scenario<P extends Numbers = Numbers> {
  readonly name: string
  readonly title: string
  readonly parameters: Readonly<Record<Size, P>>
  /** Measured with code that no cache has compiled before, as in the first process on a machine. */
  readonly isCold?: boolean
  /** Why it can't be measured here, with files in `directory`; undefined where it can. It is then left out, and named. */
  missing?(directory: string): string | undefined
  /** Runs once, in a process of its own, before any subject. */
  prepare?(context: Context<P>): Promise<Numbers>
  readonly subjects: Readonly<Record<string, (context: Context<P>) => Promise<Outcome>>>
  readonly rows: readonly Row[]
  /** What the chart shows; by default the metric of the first row, beside the bare baseline where there is one. */
  readonly chart?: ChartSpec
  /** Figures that are taken at several amounts of data. */
  readonly growth?: readonly Growth<P>[]
  /** The subjects that are libraries beside which seglog is measured, and which: all others always run. */
  readonly libraries?: Readonly<Record<string, string>>
  readonly leftOut?: readonly LeftOut[]
  /** The library that the benchmark is about: without it there is nothing to measure. */
  readonly isAbout?: string
  /** A quick run only has it when it is asked for by name: it takes long in each round, or is for tuning one part. */
  readonly isOnlyFull?: boolean
}

/** Holds a scenario against its type, its parameters included. */
export function scenario<P extends Numbers>(definition: Scenario<P>): Scenario {
  return definition as unknown as Scenario
}
