import { describe, expect, it } from 'vitest'
import { configKeyNames } from '../../../src/config/config-keys.ts'
import { formatConfigDocs } from '../../../src/config/index.ts'

describe('docs/configuration.md', () => {
  // After a change of the table: npx vitest run test/unit/config -u
  it('is what the table of keys says', async () => {
    await expect(formatConfigDocs()).toMatchFileSnapshot('../../../docs/configuration.md')
  })

  it('says first, and in bold, that Kafka’s defaults delete old records, and how to keep them', () => {
    expect(formatConfigDocs()).toMatch(
      /^# Configuration\n\n\*\*Kafka's defaults hold: [^*]*7 days[^*]*5 minutes[^*]*`'retention\.ms': -1`[^*]*\*\*/,
    )
  })

  it('names every key that is accepted, and every row has its five columns', () => {
    const docs = formatConfigDocs()
    for (const name of configKeyNames()) expect(docs).toContain(`\`${name}\``)
    const rows = docs.split('\n').filter((line) => line.startsWith('|'))
    for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(7)
  })
})
