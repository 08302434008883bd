import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runProcess } from './command-line.ts'

/*
 * data/samples holds partitions that Kafka wrote, and what Kafka's own tool prints of them.
 */
const samples = (directory: string) =>
  readdirSync(directory)
    .filter((name) => name.startsWith('0'))
    .sort()
    .map((name) => `${directory}/${name}`)

describe('dump beside kafka-dump-log', () => {
  it('prints every file of a partition as Kafka does, byte for byte', async () => {
    const files = samples('data/samples/orders-0')
    const { exitCode, output } = await runProcess(['dump', '--print-data-log', '--files', files.join(',')])
    expect(exitCode).toBe(0)
    expect(output).toEqual(readFileSync('data/samples/orders-0.dump.txt'))
  })

  it('prints batches of every codec as Kafka does', async () => {
    const { exitCode, output } = await runProcess(['dump', 'data/samples/codecs-0'])
    expect(exitCode).toBe(0)
    expect(output).toEqual(readFileSync('data/samples/codecs-0.dump.txt'))
  })

  it('finds the index files that Kafka wrote in agreement with their segments', async () => {
    const files = samples('data/samples/orders-0').filter((path) => path.endsWith('index'))
    expect(await runProcess(['dump', '--verify-index-only', ...files])).toMatchObject({
      exitCode: 0,
      errors: '',
    })
    expect(await runProcess(['dump', '--index-sanity-check', ...files])).toMatchObject({
      exitCode: 0,
      errors: '',
    })
  })
})
