import { type ResolvedConfig, type ResolvedKey, specOf } from './config-keys.ts'
import type { ConfigProblems } from './config-problems.ts'
import { MIB } from './config-row.ts'
import { formatValue } from './config-value.ts'

/** What two or more keys have to agree on. */
interface ConfigRule {
  /** The key that a problem is reported under, and those it has to agree with. */
  readonly keys: readonly [ResolvedKey, ...ResolvedKey[]]
  /** What is wrong, or `undefined`. */
  readonly check: (config: ResolvedConfig) => string | undefined
}

const RULES: readonly ConfigRule[] = [
  {
    keys: ['max.compaction.lag.ms', 'min.compaction.lag.ms'],
    check: (config) => {
      const min = config['min.compaction.lag.ms']
      const max = config['max.compaction.lag.ms']
      if (max >= min) return undefined
      return `found ${formatValue(max)}, expected at least min.compaction.lag.ms, which is ${formatValue(min)}`
    },
  },
  {
    keys: ['log.cleaner.dedupe.buffer.size', 'log.cleaner.threads'],
    check: (config) => {
      const size = config['log.cleaner.dedupe.buffer.size']
      const threads = config['log.cleaner.threads']
      if (size > threads * MIB) return undefined
      return `found ${formatValue(size)}, expected over 1 MiB for each of log.cleaner.threads, which is ${threads}`
    },
  },
  {
    keys: ['remote.storage.enable', 'cleanup.policy'],
    check: (config) => {
      if (!config['remote.storage.enable'] || !config['cleanup.policy'].includes('compact')) return undefined
      return 'found true, expected false where cleanup.policy has compact'
    },
  },
  localRetentionRule('local.retention.ms', 'retention.ms'),
  localRetentionRule('local.retention.bytes', 'retention.bytes'),
]

/** Notes every disagreement between keys; a key that is wrong by itself is not held against the others. */
export function checkRules(config: ResolvedConfig, problems: ConfigProblems): void {
  for (const rule of RULES) {
    if (rule.keys.some((key) => problems.has(key))) continue
    const found = rule.check(config)
    if (found !== undefined) problems.add(specOf(rule.keys[0]), () => found)
  }
}

/** What stays on the local disk is part of what is kept at all; -2 means all of it, negative otherwise no limit. */
function localRetentionRule(
  local: 'local.retention.ms' | 'local.retention.bytes',
  total: 'retention.ms' | 'retention.bytes',
): ConfigRule {
  return {
    keys: [local, total, 'remote.storage.enable'],
    check: (config) => {
      if (!config['remote.storage.enable'] || config[local] === -2 || config[total] < 0) return undefined
      if (config[local] !== -1 && config[local] <= config[total]) return undefined
      return `found ${formatValue(config[local])}, expected -2 or at most ${total}, which is ${formatValue(config[total])}`
    },
  }
}
