import { basename } from 'node:path'
import { type LogPaths, parsePartitionDirectoryName } from '../layout/index.ts'
import type { LogIdentity } from './log-identity.ts'

/** Kafka's own topics: what is in them it alone can judge. */
const INTERNAL_PREFIX = '__'

/**
 * Why retention leaves a log alone, in words; undefined when it does not. Of a log that Kafka wrote, or had in between,
 * Kafka may want to keep what defaults here would delete: it takes a configuration stored with the log to say otherwise, and
 * one that is only given at an opening does not.
 */
export function whyNotCleaned(
  { topic, directory }: Pick<LogPaths, 'topic' | 'directory'>,
  identity: Pick<LogIdentity, 'offsets' | 'config'> | undefined,
): string | undefined {
  const named = parsePartitionDirectoryName(basename(directory))?.topic ?? topic // a copy, opened by itself, counts too
  const isMadeHere = identity?.offsets === 'dense' // an internal topic of a store's own, then
  if (named.startsWith(INTERNAL_PREFIX) && !isMadeHere) return `${named} is one of Kafka's own topics`
  const isOurs = identity?.offsets === 'dense' || (identity !== undefined && identity.config.size > 0)
  return isOurs
    ? undefined
    : 'Kafka wrote this log, and it has no configuration here (updateConfig stores one)'
}
