/** A truncation: everything at and above `offset` went, and the log was of this generation from then on. */
export interface Cut {
  readonly generation: number
  readonly offset: number
}

/**
 * The truncations to remember after one more: those that went lower than all that came later.
 *
 * Shape:  offsets and generations rise. Of more than `max`, the two oldest become one, which counts as both: it goes as low
 *         as the first, at the generation of the second.
 */
export function addCut(cuts: readonly Cut[], cut: Cut, { max }: { max: number }): Cut[] {
  const kept = [...cuts.filter(({ offset }) => offset < cut.offset), cut]
  const [oldest, next] = kept
  if (kept.length > max) kept.splice(0, 2, { generation: next!.generation, offset: oldest!.offset })
  return kept
}

/** The lowest offset that was cut to after `generation`; undefined when nothing was cut. */
export function lowestCutSince(cuts: readonly Cut[], generation: number): number | undefined {
  return cuts.find((cut) => cut.generation > generation)?.offset
}
