/*
 * data/samples/kafka holds what Kafka wrote, and what Kafka's consumers read of it.
 */
import { describe, it } from 'vitest'
import { expectReads, expectRecovery, expectRefusal, openSamples } from '../helpers/kafka-samples.ts'

const samples = openSamples()
const consumed = samples.manifest.partitions.filter(({ end }) => end !== undefined)

describe('a log that Kafka closed in order', () => {
  const stopped = consumed.filter(({ store }) => store === 'stopped')

  it.each(stopped.filter(({ unreadable }) => unreadable === undefined))(
    'is read as its consumers read it, committed and not, and not changed: $name',
    (partition) => expectReads(samples, partition),
  )

  it.each(stopped.filter(({ unreadable }) => unreadable !== undefined))(
    'in $unreadable is refused by that name: $name',
    (partition) => expectRefusal(samples, partition),
  )
})

describe('a log whose broker was killed', () => {
  it.each(consumed.filter(({ store }) => store === 'killed'))(
    'is recovered to the end, and the records, to which Kafka recovered it: $name',
    (partition) => expectRecovery(samples, partition),
  )
})
