import { SeglogError } from '../core/index.ts'
import { INTERNAL_PREFIX, isInternalTopic, type TopicPartition, topicNameProblem } from '../layout/index.ts'

/**
 * Says why no topic called `name` can be made beside the `existing` ones; undefined when it can.
 *
 * Beyond Kafka's own rules: no name that differs from another only in case, since the two would share a directory on a
 * file system that ignores it; and none that begins with `__`.
 */
export function newTopicProblem(name: unknown, existing: Iterable<string>): string | undefined {
  const problem = topicNameProblem(name)
  if (problem !== undefined) return problem
  const wanted = name as string
  if (isInternalTopic(wanted)) return `topics whose names begin with ${INTERNAL_PREFIX} are internal`
  for (const other of existing) {
    if (other === wanted) continue
    if (metricName(other) === metricName(wanted))
      return `'${wanted}' and '${other}' are one name to metrics, which write '.' as '_'`
    if (other.toLowerCase() === wanted.toLowerCase())
      return `'${wanted}' and '${other}' differ only in case, and are one directory where that is ignored`
  }
  return undefined
}

/** Throws POLICY_VIOLATION for a change of what the store, or Kafka, keeps for itself; `doing` says which. */
export function refuseInternal(name: string, doing: 'appended to' | 'changed' | 'deleted'): void {
  if (isInternalTopic(name))
    throw new SeglogError('POLICY_VIOLATION', `'${name}' is an internal topic, which is not ${doing}`)
}

/** What to tell whoever makes a topic called `name`, although it can be made. */
export function newTopicWarnings(name: string): string[] {
  if (!name.includes('.') && !name.includes('_')) return []
  return [
    `'${name}' has a '.' or a '_': metrics write both as '_', so no other topic may differ from it in that alone`,
  ]
}

/** The numbers below `partitionCount` that none of `found` has. */
export function missingPartitions(found: readonly TopicPartition[], partitionCount: number): number[] {
  const present = new Set(found.map(({ partition }) => partition))
  return Array.from({ length: partitionCount }, (_, partition) => partition).filter(
    (partition) => !present.has(partition),
  )
}

function metricName(name: string): string {
  return name.replaceAll('.', '_')
}
