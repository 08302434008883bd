/* The programs of docs/observability.md run as they are printed there, on the sources instead of the package. */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import type { LogStats, SeglogEvents, StoreStats } from '../src/index.ts'
import { programsIn, readPage, runProgram, startProgram } from './helpers/doc-programs.ts'
import { readPrometheus } from './helpers/prometheus-reader.ts'

const page = readPage('observability.md')
const programs = programsIn(page)
const [server = '', twoLogs = '', events = '', logger = ''] = programs

/** The first words of a table's rows. */
const named = (pattern: RegExp): string[] => Array.from(page.matchAll(pattern), (match) => match[1] ?? '')

describe('docs/observability.md', () => {
  it('has four programs, each whole', () => {
    expect(programs).toHaveLength(4)
    for (const program of programs) expect(program).toMatch(/^import .* from 'seglog'$/m)
  })

  it('serves a page that Prometheus can read, and ends in order', async () => {
    const child = startProgram(server, 'data', '0')
    const [line = ''] = (await once(createInterface(child.stdout!), 'line')) as string[]
    const port = /port: (\d+)/.exec(line)?.[1]
    const response = await fetch(`http://127.0.0.1:${port}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const metrics = readPrometheus(await response.text())
    const ends = metrics.find(({ name }) => name === 'seglog_log_end_offset')!.samples
    expect(ends.map(({ labels }) => labels['topic'])).toEqual(['orders', 'orders', 'orders'])
    expect(ends.map(({ value }) => value).sort()).toEqual([0, 0, 1])
    const described = page.slice(page.indexOf('| metric '), page.indexOf('`rate('))
    for (const { name } of metrics)
      expect(described).toContain(
        described.includes(`\`${name}\``) ? name : `\`_${name.replace(/^seglog_log_/, '')}\``,
      )
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404)
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it('tells two logs apart by labels, as its comment says', async () => {
    const comment = twoLogs.split('\n').find((line) => line.startsWith('// ')) ?? ''
    const said = (await runProgram(twoLogs)).join(' ').replaceAll(/\s+/g, ' ')
    expect(said).toBe(comment.slice(3))
  })

  it('hears of a run, and of a sync that took some time', async () => {
    const said = (await runProgram(events)).join('\n')
    for (const part of ['baseOffset: 0', 'lastOffset: 1', 'records: 2', "durability: 'disk'"])
      expect(said).toContain(part)
    expect(said).toMatch(/true$/)
  })

  it('has a logger that is told of a topic and a segment', async () => {
    const said = await runProgram(logger)
    expect(said).toHaveLength(2)
    expect(said[0]).toBe('info a topic was made {"topic":"orders","partitions":1}')
    expect(said[1]).toMatch(/^info segment rolled \{"topic":"orders","partition":0,/)
  })

  it('has a row for every channel and every figure', () => {
    const channels: Record<keyof SeglogEvents, true> = {
      'seglog:append': true,
      'seglog:flush': true,
      'seglog:roll': true,
      'seglog:recover': true,
      'seglog:clean': true,
      'seglog:delete': true,
      'seglog:poison': true,
    }
    expect(named(/^\| `(seglog:\w+)`/gm)).toEqual(Object.keys(channels))
    const figures: Record<keyof LogStats, true> = {
      state: true,
      startOffset: true,
      endOffset: true,
      readableEndOffset: true,
      durableOffset: true,
      segmentCount: true,
      sizeBytes: true,
      bufferedBytes: true,
      waitingToBeRemoved: true,
      openFiles: true,
      appends: true,
      index: true,
    }
    expect(named(/^\| `([a-z]\w+)` /gm).filter((name) => Object.hasOwn(figures, name))).toEqual(
      Object.keys(figures),
    )
    const ofStore: Record<keyof StoreStats, true> = {
      topics: true,
      partitions: true,
      failed: true,
      sizeBytes: true,
      segmentCount: true,
      openFiles: true,
      logs: true,
      failedLogs: true,
      groups: true,
    }
    const paragraph = page.slice(page.indexOf("A store's figures"), page.indexOf('## Prometheus'))
    for (const name of Object.keys(ofStore)) expect(paragraph).toContain(`\`${name}\``)
  })
})
