import { expect, it } from 'vitest'
import { describeConfigKeys, resolveConfig } from '../../src/config/index.ts'
import { askStorage } from './kafka-storage.ts'

/** Of versions before and after the one that is asked. */
const NOT_IN_THIS_VERSION = [
  'errors.deadletterqueue.group.enable',
  'max.decompressed.message.bytes',
  'message.downconversion.enable',
  'remote.copy.lag.bytes',
  'remote.copy.lag.ms',
]

it("the topic-level keys are Kafka's, with Kafka's defaults, but for five that this version does not know", async () => {
  const [kafka] = await askStorage([{ do: 'defaults' }])
  const { config } = resolveConfig([])
  const names = describeConfigKeys()
    .filter(({ scope }) => scope === 'topic')
    .map(({ name }) => name)
  expect(names.filter((name) => !Object.hasOwn(kafka!, name)).sort()).toEqual(NOT_IN_THIS_VERSION)
  const known = names.filter((name) => Object.hasOwn(kafka!, name))
  expect(known.sort()).toEqual(Object.keys(kafka!).sort())
  for (const name of known) {
    const ours = config[name as keyof typeof config]
    // What Kafka calls no limit is Infinity here.
    expect([name, ours === Infinity ? Number(2n ** 63n - 1n) : ours]).toEqual([name, kafka![name]])
  }
})
