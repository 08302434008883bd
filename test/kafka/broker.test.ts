import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { startBroker } from './broker.ts'
import { KafkaClient } from './kafka-client.ts'

const place = { topic: 'orders' }

it('a broker takes records, gives them back, stops in order, and has them when it starts again', async () => {
  const broker = await startBroker(temporaryDirectory())
  const client = new KafkaClient(broker.bootstrap)
  await client.createTopic('orders', { config: { 'retention.ms': -1 } })
  await client.produce(place, [
    { key: 'k', value: 'a', timestamp: 1 },
    { value: null, headers: [['h', null]] },
  ])
  const before = await client.consume(place)
  expect(before.records.map(({ offset, key }) => [offset, key?.toString()])).toEqual([
    [0, 'k'],
    [1, undefined],
  ])
  await broker.stop()
  expect(existsSync(join(broker.dataDirectory, '.kafka_cleanshutdown'))).toBe(true)
  const again = await startBroker(dirname(broker.dataDirectory))
  expect(await new KafkaClient(again.bootstrap).consume(place)).toEqual(before)
})

it('a broker that is killed leaves no marker, and says why it does not start where it can not', async () => {
  const directory = temporaryDirectory()
  const broker = await startBroker(directory)
  await broker.kill()
  expect(existsSync(join(broker.dataDirectory, '.kafka_cleanshutdown'))).toBe(false)
  expect(readFileSync(join(broker.dataDirectory, 'meta.properties'), 'utf8')).toContain('version=1')
  await expect(startBroker(directory, { properties: { 'node.id': 2 } })).rejects.toThrow(
    /node id 2 must be included/,
  )
})
