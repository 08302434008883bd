import { describe, expect, it } from 'vitest'
import { formatPrometheus, type LogStats, type StoreStats } from '../../../src/index.ts'
import { readPrometheus, type ReadMetric, type ReadSample } from '../../helpers/prometheus-reader.ts'

const LOG: LogStats = {
  state: 'open',
  startOffset: 3,
  endOffset: 90,
  readableEndOffset: 80,
  durableOffset: 70,
  segmentCount: 5,
  sizeBytes: 6000,
  bufferedBytes: 700,
  waitingToBeRemoved: 8,
  openFiles: 9,
  appends: 1000,
  index: 'ready',
}

/** What each figure of a log is called. */
const LOG_METRICS: Readonly<Record<string, (log: LogStats) => number>> = {
  seglog_log_writable: ({ state }) => Number(state === 'open'),
  seglog_log_start_offset: ({ startOffset }) => startOffset,
  seglog_log_end_offset: ({ endOffset }) => endOffset,
  seglog_log_readable_end_offset: ({ readableEndOffset }) => readableEndOffset,
  seglog_log_durable_offset: ({ durableOffset }) => durableOffset,
  seglog_log_segments: ({ segmentCount }) => segmentCount,
  seglog_log_size_bytes: ({ sizeBytes }) => sizeBytes,
  seglog_log_buffered_bytes: ({ bufferedBytes }) => bufferedBytes,
  seglog_log_deleted_segments: ({ waitingToBeRemoved }) => waitingToBeRemoved,
  seglog_log_open_files: ({ openFiles }) => openFiles,
  seglog_log_index_failed: ({ index }) => Number(index === 'failed'),
  seglog_log_appends_total: ({ appends }) => appends,
}

function storeOf(parts: Partial<StoreStats> = {}): StoreStats {
  const { logs = [], failedLogs = [] } = parts
  return {
    topics: 2,
    partitions: 4,
    failed: failedLogs.length,
    sizeBytes: 0,
    segmentCount: 0,
    openFiles: 17,
    logs,
    failedLogs,
    groups: [],
    ...parts,
  }
}

const samplesOf = (metrics: readonly ReadMetric[], name: string): readonly ReadSample[] =>
  metrics.find((metric) => metric.name === name)?.samples ?? []

describe('the figures of one log', () => {
  it('are all there, each under its name, with no label', () => {
    const metrics = readPrometheus(formatPrometheus(LOG))
    const found = metrics.flatMap(({ samples }) => samples)
    expect(found).toEqual(
      Object.entries(LOG_METRICS).map(([name, read]) => ({ name, labels: {}, value: read(LOG) })),
    )
  })

  it('say that a log takes no appends, or has lost its index', () => {
    for (const state of ['poisoned', 'readonly'] as const) {
      const metrics = readPrometheus(formatPrometheus({ ...LOG, state, index: 'failed' }))
      expect(samplesOf(metrics, 'seglog_log_writable')[0]!.value).toBe(0)
      expect(samplesOf(metrics, 'seglog_log_index_failed')[0]!.value).toBe(1)
    }
  })

  it('keep the largest offsets to the digit', () => {
    const log = { ...LOG, endOffset: Number.MAX_SAFE_INTEGER, startOffset: 1_000_000_000_000_000 }
    const metrics = readPrometheus(formatPrometheus(log))
    expect(samplesOf(metrics, 'seglog_log_end_offset')[0]!.value).toBe(Number.MAX_SAFE_INTEGER)
    expect(samplesOf(metrics, 'seglog_log_start_offset')[0]!.value).toBe(1_000_000_000_000_000)
  })
})

describe('the figures of a store', () => {
  const logs = [
    { topic: 'a.b', partition: 0, ...LOG },
    { topic: 'a.b', partition: 1, ...LOG, state: 'poisoned' as const, endOffset: 91, appends: 0 },
    { topic: 'orders', partition: 0, ...LOG, sizeBytes: 0, index: 'memory' as const },
  ]
  const failedLogs = [{ topic: 'orders', partition: 1, error: new RangeError('broken') }]

  it('are all there: each log with its topic and partition, and the failed one as not writable', () => {
    const metrics = readPrometheus(formatPrometheus(storeOf({ logs, failedLogs })))
    const store = { topics: 2, partitions: 4, failed_logs: 1, open_files: 17 }
    for (const [name, value] of Object.entries(store))
      expect(samplesOf(metrics, `seglog_store_${name}`)).toEqual([
        { name: `seglog_store_${name}`, labels: {}, value },
      ])
    for (const [name, read] of Object.entries(LOG_METRICS)) {
      const expected = logs.map((log) => ({
        name,
        labels: { topic: log.topic, partition: `${log.partition}` },
        value: read(log),
      }))
      if (name === 'seglog_log_writable')
        expected.push({ name, labels: { topic: 'orders', partition: '1' }, value: 0 })
      expect(samplesOf(metrics, name)).toEqual(expected)
    }
  })

  it('have units in their names, HELP for each, and counters that end in _total', () => {
    const groups = [{ group: 'g', topic: 'orders', partition: 0, committed: 7, lag: 73 }]
    const metrics = readPrometheus(formatPrometheus(storeOf({ logs, groups })))
    expect(metrics).toHaveLength(4 + Object.keys(LOG_METRICS).length + 2)
    for (const { name, type, help } of metrics) {
      expect(name).toMatch(/^seglog_(?:store|log|group)_[a-z_]+$/)
      expect([name, type]).toEqual([name, name.endsWith('_total') ? 'counter' : 'gauge'])
      expect(help).toMatch(/^\w.*\.$/)
      if (/[Bb]ytes/.test(help) && type === 'gauge') expect(name).toMatch(/_bytes$/)
    }
  })

  it('escape what a group may be called and a topic may not', () => {
    const names = ['back\\slash', '"quoted"', 'two\nlines', '\\n', 'ünïcödé {a="b"} 1', ' ']
    const groups = names.map((group, slot) => ({
      group,
      topic: 'orders',
      partition: 0,
      committed: slot,
      lag: 9,
    }))
    const text = formatPrometheus(storeOf({ logs, groups }))
    const metrics = readPrometheus(text)
    for (const [metric, read] of [
      ['seglog_group_committed_offset', (slot: number) => slot],
      ['seglog_group_lag_records', () => 9],
    ] as const)
      expect(samplesOf(metrics, metric)).toEqual(
        names.map((group, slot) => ({
          name: metric,
          labels: { group, topic: 'orders', partition: '0' },
          value: read(slot),
        })),
      )
    expect(text).toContain('{group="two\\nlines",topic="orders",partition="0"}')
  })

  it('of an empty store are those of the store alone', () => {
    const empty = storeOf({ topics: 0, partitions: 0, openFiles: 0 })
    const metrics = readPrometheus(formatPrometheus(empty))
    expect(metrics.map(({ name, samples }) => [name, samples.map(({ value }) => value)])).toEqual([
      ['seglog_store_topics', [0]],
      ['seglog_store_partitions', [0]],
      ['seglog_store_failed_logs', [0]],
      ['seglog_store_open_files', [0]],
    ])
  })

  it('are the same text for the same figures', () => {
    const text = formatPrometheus(storeOf({ logs, failedLogs }))
    expect(formatPrometheus(structuredClone(storeOf({ logs, failedLogs })))).toBe(text)
  })
})

describe('the figures of several', () => {
  it('are one page, each with the labels it was given', () => {
    const logs = [{ topic: 'orders', partition: 0, ...LOG }]
    const metrics = readPrometheus(
      formatPrometheus([
        { stats: LOG, labels: { log: 'audit "1"' } },
        { stats: { ...LOG, endOffset: 5 }, labels: { log: 'jobs' } },
        { stats: storeOf({ logs }), labels: { store: 'main' } },
      ]),
    )
    expect(samplesOf(metrics, 'seglog_log_end_offset').map(({ labels, value }) => [labels, value])).toEqual([
      [{ log: 'audit "1"' }, 90],
      [{ log: 'jobs' }, 5],
      [{ store: 'main', topic: 'orders', partition: '0' }, 90],
    ])
    expect(samplesOf(metrics, 'seglog_store_topics')[0]!.labels).toEqual({ store: 'main' })
  })

  it('of none are an empty page', () => {
    expect(formatPrometheus([])).toBe('')
  })

  it.each([
    [{ topic: 'x' }, /other than topic/],
    [{ partition: 'x' }, /other than topic/],
    [{ group: 'x' }, /other than topic/],
    [{ '': 'x' }, /found ""/],
    [{ '1st': 'x' }, /found "1st"/],
    [{ 'a-b': 'x' }, /found "a-b"/],
    [{ __name__: 'x' }, /found "__name__"/],
    [{ log: 1 as unknown as string }, /label log must be a string, found number/],
  ])('refuse the label %o', (labels, message) => {
    expect(() => formatPrometheus([{ stats: LOG, labels }])).toThrow(message)
    expect(() => formatPrometheus([{ stats: LOG, labels }])).toThrow(TypeError)
  })
})
