/*
 * data/samples/kafka holds partitions that Kafka wrote, and what Kafka's own tool prints of them.
 */
import { describe, expect, it } from 'vitest'
import { dumpedFiles, expectDump, expectSums, openSamples } from '../helpers/kafka-samples.ts'
import { runProcess } from './command-line.ts'

const samples = openSamples()
const { partitions } = samples.manifest

describe('dump beside kafka-dump-log', () => {
  it('has the samples that the manifest tells of', () => {
    expectSums(samples)
  })

  it.each(partitions)('prints every file of $store/$name as Kafka does, byte for byte', async (partition) => {
    await expectDump(samples, partition)
  })

  it('finds the index files that Kafka wrote in agreement with their segments, and sane', async () => {
    const files = partitions
      .filter(({ store }) => store === 'stopped')
      .flatMap((partition) => dumpedFiles(samples.directory, partition))
      .filter((path) => /\.(?:time)?index$/.test(path))
      .map((path) => `${samples.directory}/${path}`)
    expect(files.length).toBeGreaterThan(20)
    for (const flag of ['--verify-index-only', '--index-sanity-check'])
      expect(await runProcess(['dump', flag, ...files])).toMatchObject({ exitCode: 0, errors: '' })
  })
})
