/*
 * `npm run samples:kafka` works, and what it makes stands the tests that data/samples/kafka stands in `npm test`.
 */
import { expect, it } from 'vitest'
import {
  expectDump,
  expectReads,
  expectRecovery,
  expectRefusal,
  expectSums,
  openSamples,
} from '../helpers/kafka-samples.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { KAFKA_VERSION } from './kafka-home.ts'
import { makeSamples } from './make-samples.ts'

const nameOf = ({ store, name }: { store: string; name: string }) => `${store}/${name}`

it('samples are made anew with one command, of the same partitions, and all that is promised of them holds', {
  timeout: 300_000, // two brokers, and Kafka's dump tool once a partition
}, async () => {
  const directory = temporaryDirectory()
  await makeSamples(directory)
  const samples = openSamples(directory)
  expectSums(samples)
  const { kafka, partitions } = samples.manifest
  const checkedIn = openSamples().manifest
  expect([kafka, checkedIn.kafka]).toEqual([KAFKA_VERSION, KAFKA_VERSION])
  expect(partitions.map(nameOf)).toEqual(checkedIn.partitions.map(nameOf))
  for (const partition of partitions) {
    await expectDump(samples, partition)
    if (partition.end === undefined) continue
    if (partition.store === 'killed') await expectRecovery(samples, partition)
    else if (partition.unreadable === undefined) await expectReads(samples, partition)
    else await expectRefusal(samples, partition)
  }
})
