import { resolveConfig } from '../config/index.ts'
import type { LogIdentity } from './log-identity.ts'
import type { CheckedLogOptions } from './log-options.ts'

/** Keys that a log was given, or that are stored with it, and that change nothing here; what a store was given, the store tells. */
export function findInertConfig(
  { config, configRank }: Pick<CheckedLogOptions, 'config' | 'configRank'>,
  stored: LogIdentity['config'] | undefined,
): readonly string[] {
  return resolveConfig([configRank === 'above-stored' ? config : undefined, stored]).inert
}
