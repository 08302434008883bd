import { openLog, type ReadOptions } from '../../src/index.ts'

/** A record as it is compared with what Kafka's consumer gave, and as data/samples/kafka keeps it; bytes are in base64. */
export interface PlainRecord {
  readonly offset: number
  readonly timestamp: number
  readonly timestampType: string
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
}

type Isolation = NonNullable<ReadOptions['isolation']>

/** Reads the log in `directory` without changing it, record by record and batch by batch, which must agree. */
export async function readPlain(
  directory: string,
  isolation: Isolation,
): Promise<{ end: number; records: PlainRecord[] }> {
  const log = await openLog(directory, { readOnly: true })
  try {
    const records: PlainRecord[] = []
    const end = log.readableEndOffset // Kafka may be writing on
    for await (const batch of log.readBatches({ isolation, until: end })) {
      if (batch.isControl) continue
      for (const record of batch) records.push(plainRecord({ ...record, timestampType: batch.timestampType }))
    }
    let slot = 0
    for await (const record of log.read({ isolation, until: end })) {
      const { timestampType = '' } = records[slot] ?? {}
      const one = plainRecord({ ...record, timestampType })
      if (JSON.stringify(one) !== JSON.stringify(records[slot++]))
        throw new Error(`read and readBatches disagree at offset ${record.offset}`)
    }
    if (slot !== records.length) throw new Error(`read gives ${slot} of ${records.length} records`)
    return { end, records }
  } finally {
    await log.close()
  }
}

/** Brings a record into the form in which it is compared. */
export function plainRecord(record: {
  readonly offset: number
  readonly timestamp: number
  readonly timestampType: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [string, Buffer | null])[]
}): PlainRecord {
  const { offset, timestamp, timestampType, key, value, headers } = record
  return {
    offset,
    timestamp,
    timestampType,
    key: base64(key),
    value: base64(value),
    headers: headers.map(([name, bytes]) => [name, base64(bytes)]),
  }
}

function base64(bytes: Buffer | null): string | null {
  return bytes?.toString('base64') ?? null
}
