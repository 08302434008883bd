import type { ConfigStatus, ConfigUnit } from './config-row.ts'
import { type ConfigKeyDescription, describeConfigKeys } from './describe-config.ts'
import { UNREAD_KEYS } from './other-keys.ts'

const HEAD = `# Configuration

**Kafka's defaults hold: records older than 7 days are deleted, and whether there are any is checked every 5 minutes.
\`'retention.ms': -1\` keeps everything.**

<!-- Written by formatConfigDocs() from the table in src/config. After a change there: npx vitest run test/unit/config -u -->

A log and a store are configured with Kafka's own keys, and these have Kafka's names, types, defaults, ranges and precedence.

\`\`\`js
await openLog('orders', { config: { 'segment.bytes': '64MiB', 'retention.ms': '30d', 'log.retention.check.interval.ms': '1m' } })
\`\`\`

## Values

- **Numbers** as numbers or as text. Where the unit is ms, durations too: \`'7d'\`, \`'12h'\`, \`'30m'\`, \`'45s'\`, \`'250ms'\`,
  \`'1.5h'\`. Where it is bytes, sizes too: \`'512B'\`, \`'10kB'\` (1000 each), \`'64KiB'\` (1024 each), up to \`TB\` and \`TiB\`.
  Units may be in any case; a value that is no whole number of ms or bytes is refused.
- \`9223372036854775807\`, Kafka's notation for "no limit", is \`Infinity\` in a resolved configuration, as is any number of type
  long over 2^53 - 1, which a JavaScript number can't hold exactly.
- **Booleans** as such or as \`'true'\` and \`'false'\`. **Lists** as arrays or as text with commas; an empty one is valid unless
  the table says otherwise.
- \`null\` resets a key in \`updateConfig\`; elsewhere it is the same as leaving the key out.

Every problem is reported at once, in one error with the code \`CONFIG_INVALID\`; an unknown key is a problem, and the nearest
known one is named.

## Precedence

For a single log, options at open come before what is stored with it, and that before the defaults. In a store, what is stored
with a topic comes first, then the options of the store, then its \`server.properties\`, then the defaults: as in Kafka, a topic's own
configuration goes before its broker's. What \`updateConfig\` sets is stored,
and comes before the options too until the log is closed. Among the keys given in one place, a topic-level key comes before
its broker-level synonyms, and these one before another as the table lists them:
\`retention.ms\`, then \`log.retention.ms\`, \`log.retention.minutes\`, \`log.retention.hours\`. For these last three any negative
value means -1, and 0 is refused where it would take effect.

A log stores topic-level keys, and those broker-level ones that it goes by itself. What is marked *inert* is accepted and
checked, so that a configuration made for Kafka can be used as it is, but changes nothing: keys of a cluster, and those of compaction
and compression, which are not there yet. What opening was given of these is in \`recovery.inertConfig\` of a log and in
\`report.inertConfig\` of a store. What is marked *store* a store goes by, and a single log has no use for.
`

const RULES = `## Keys that have to agree

- \`max.compaction.lag.ms\` is at least \`min.compaction.lag.ms\`.
- \`log.cleaner.dedupe.buffer.size\` is over 1 MiB for each of \`log.cleaner.threads\`.
- With \`remote.storage.enable\`, \`cleanup.policy\` is without \`compact\`, and \`local.retention.ms\` and \`local.retention.bytes\` are
  -2 or at most \`retention.ms\` and \`retention.bytes\`.
`

/** The text of docs/configuration.md, made from the table of keys. */
export function formatConfigDocs(): string {
  const keys = describeConfigKeys()
  return [
    HEAD,
    '## Topic-level keys\n',
    formatTable(keys.filter((key) => key.scope === 'topic')),
    '## Broker-level keys\n',
    formatTable(keys.filter((key) => key.scope === 'broker')),
    RULES,
    '## Keys that are not read\n',
    "Kafka's own `server.properties` holds keys about the network, the controller quorum and Kafka's internal topics. They are\naccepted, inert, and their values are not looked at:\n",
    `${UNREAD_KEYS.map((key) => `\`${key}\``).join(', ')}.\n`,
  ].join('\n')
}

function formatTable(keys: readonly ConfigKeyDescription[]): string {
  const lines = [
    '| key | type | default | valid | meaning |',
    '|---|---|---|---|---|',
    ...keys.map(formatRow),
  ]
  return `${lines.join('\n')}\n`
}

function formatRow(key: ConfigKeyDescription): string {
  const names = [`\`${key.name}\``, ...key.synonyms.map((synonym) => formatSynonym(synonym, key.unit))]
  const kind = key.unit === undefined ? key.kind : `${key.kind}, ${key.unit}`
  const cells = [
    names.join('<br>'),
    kind,
    formatDefault(key),
    key.valid,
    STATUS_WORDS[key.status] + key.meaning,
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

const STATUS_WORDS: Record<ConfigStatus, string> = { active: '', store: '*Store.* ', inert: '*Inert.* ' }

function formatSynonym(
  synonym: { name: string; unit: ConfigUnit | undefined },
  keyUnit: ConfigUnit | undefined,
): string {
  return `or \`${synonym.name}\`${synonym.unit === keyUnit ? '' : ` in ${synonym.unit}`}`
}

function formatDefault(key: ConfigKeyDescription): string {
  if (key.default === undefined) return 'none'
  if (key.default === '') return 'empty'
  return `\`${key.default}\`${key.defaultReadable === undefined ? '' : ` (${key.defaultReadable})`}`
}
