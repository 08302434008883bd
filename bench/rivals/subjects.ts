/*
 * What every scenario needs to have the libraries as further subjects: the subjects, the rows of their figures, and the
 * row in which seglog is held against the best of them.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Context, LeftOut, Numbers, Outcome, Row, Unit } from '../scenario.ts'
import { RecordTally, type Tally } from '../support/tally.ts'
import { NEEDED_TO_JUDGE, RIVALS } from './index.ts'
import type { Level, Rival, RivalLog } from './rival.ts'

/** One way to use a library, as a subject. */
export interface RivalSubject {
  readonly name: string
  readonly rival: Rival
  /** Opens what is in the directory, at the level that is measured. */
  open(directory: string): Promise<RivalLog>
}

/** Libraries as part of a scenario. */
export interface RivalPart<P extends Numbers> {
  readonly list: readonly RivalSubject[]
  readonly subjects: Readonly<Record<string, (context: Context<P>) => Promise<Outcome>>>
  readonly libraries: Readonly<Record<string, string>>
  readonly leftOut: readonly LeftOut[]
}

/** What is measured of a row of libraries. */
export interface RivalFigure {
  readonly work: string
  readonly unit: Unit
  readonly metric: string
  /** What the figure of each library is shown beside. */
  readonly beside: string
}

/**
 * How records that are appended one a call get into commits: `never`, each call is the library's own; `always`, where
 * the library does not gather them itself the adapter does; `both`, as two subjects.
 */
export type Grouping = 'never' | 'always' | 'both'

/** The libraries as subjects that do `work`, at a level. */
export function rivalPart<P extends Numbers>(
  options: { readonly level: Level; readonly grouping?: Grouping; readonly isReadByNumber?: boolean },
  work: (subject: RivalSubject, context: Context<P>) => Promise<Outcome>,
): RivalPart<P> {
  const { level, grouping = 'never', isReadByNumber = false } = options
  const reasonFor = ({ levels, cannotRead }: Rival): string | undefined =>
    levels[level].cannot ?? (isReadByNumber ? cannotRead : undefined)
  const able = RIVALS.filter((rival) => reasonFor(rival) === undefined)
  const list = able.flatMap((rival) => subjectsOf(rival, level, grouping))
  return {
    list,
    subjects: Object.fromEntries(
      list.map((subject) => [subject.name, (context: Context<P>) => work(subject, context)]),
    ),
    libraries: Object.fromEntries(list.map(({ name, rival }) => [name, rival.name])),
    leftOut: RIVALS.flatMap((rival) => {
      const reason = reasonFor(rival)
      return reason === undefined ? [] : [{ library: rival.name, reason }]
    }),
  }
}

/** A row for each library: its figure, beside that of the bare baseline. */
export function rivalRows({ list }: { readonly list: readonly RivalSubject[] }, figure: RivalFigure): Row[] {
  const { work, unit, metric, beside } = figure
  return list.map(({ name }) => ({
    work: `${work}: ${name}`,
    unit,
    subject: name,
    metric,
    beside: { subject: beside },
  }))
}

/** The row in which seglog is beside the best of the libraries, in the best of the ways each is used. */
export function bestRow(
  { list }: { readonly list: readonly RivalSubject[] },
  figure: Omit<RivalFigure, 'beside'> & { readonly ratioMin?: number },
): Row {
  const { work, unit, metric, ratioMin } = figure
  return {
    work,
    unit,
    subject: 'seglog',
    metric,
    besideBest: {
      subjects: list.map(({ name }) => name),
      needed: list.filter(({ rival }) => NEEDED_TO_JUDGE.includes(rival.name)).map(({ name }) => name),
    },
    ...(ratioMin === undefined ? {} : { goal: { kind: 'comparison-min', limit: ratioMin } }),
  }
}

/** How long a library is measured: by time, since some are a hundred times as slow as others. */
export interface RivalPlan extends Numbers {
  readonly rivalCalls: number
  readonly rivalTimeMs: number
  readonly rivalWarmupCalls: number
  readonly rivalWarmupMs: number
}

export const RIVAL_PLAN: Readonly<Record<'full' | 'quick' | 'smoke', RivalPlan>> = {
  full: { rivalCalls: 5, rivalTimeMs: 500, rivalWarmupCalls: 5, rivalWarmupMs: 300 },
  quick: { rivalCalls: 4, rivalTimeMs: 100, rivalWarmupCalls: 3, rivalWarmupMs: 0 },
  smoke: { rivalCalls: 1, rivalTimeMs: 0, rivalWarmupCalls: 0, rivalWarmupMs: 0 },
}

/** The same, as tinybench is told. */
export function planOf({ rivalCalls, rivalTimeMs, rivalWarmupCalls, rivalWarmupMs }: RivalPlan) {
  return {
    iterations: rivalCalls,
    timeMs: rivalTimeMs,
    warmupIterations: rivalWarmupCalls,
    warmupMs: rivalWarmupMs,
  }
}

/** How many of so many batches a library is to hold where they are read. */
export function batchesHeld({ isSlowToRead }: Rival, batches: number): number {
  return isSlowToRead === true ? Math.max(1, Math.floor(batches / 10)) : batches
}

/** Writes the libraries of the run their logs, from batches over and over, each in a directory of its name. */
export async function writeRivalLogs(
  { list }: { readonly list: readonly RivalSubject[] },
  { prepared, subjects }: Pick<Context, 'prepared' | 'subjects'>,
  data: { readonly batches: readonly (readonly Uint8Array[])[]; readonly count: number },
): Promise<void> {
  for (const { name, rival, open } of list) {
    if (!subjects.includes(name)) continue
    const directory = logDirectory(prepared, name)
    mkdirSync(directory)
    const log = await open(directory)
    const count = batchesHeld(rival, data.count)
    for (let slot = 0; slot < count; slot++) await log.appendBatch(data.batches[slot % data.batches.length]!)
    await log.close()
  }
}

/** Where `writeRivalLogs` has left the log of a subject. */
export function logDirectory(prepared: string, subject: string): string {
  return join(prepared, subject.replaceAll(/[^\w-]/g, '-'))
}

/** Reads everything in a library's log. */
export async function tallyRival(log: RivalLog): Promise<Tally> {
  const tally = new RecordTally()
  await log.scan((value) => tally.add(value))
  return tally.take()
}

function subjectsOf(rival: Rival, level: Level, grouping: Grouping): RivalSubject[] {
  const alone = { name: rival.name, rival, open: (directory: string) => rival.open(directory, { level }) }
  if (rival.isGathering || grouping === 'never') return [alone]
  const open = (directory: string) => rival.open(directory, { level, isGrouped: true })
  if (grouping === 'always') return [{ ...alone, open }]
  return [alone, { name: `${rival.name}, grouped`, rival, open }]
}
