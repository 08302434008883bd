/*
 * Keys that have no row: accepted because real `server.properties` files hold them, or refused with better advice than
 * the nearest name.
 */

/**
 * What Kafka's own `server.properties` and its usual variants say about the network, the controller quorum and Kafka's
 * internal topics. Accepted so that such a file can be used as it is; their values are not looked at. All inert.
 */
export const UNREAD_KEYS = [
  'advertised.listeners',
  'auto.leader.rebalance.enable',
  'background.threads',
  'broker.id',
  'broker.rack',
  'controller.listener.names',
  'controller.quorum.bootstrap.servers',
  'controller.quorum.voters',
  'default.replication.factor',
  'delete.topic.enable',
  'group.initial.rebalance.delay.ms',
  'inter.broker.listener.name',
  'listener.security.protocol.map',
  'listeners',
  'metadata.log.dir',
  'node.id',
  'num.io.threads',
  'num.network.threads',
  'num.replica.fetchers',
  'offsets.topic.num.partitions',
  'offsets.topic.replication.factor',
  'process.roles',
  'share.coordinator.state.topic.min.isr',
  'share.coordinator.state.topic.replication.factor',
  'socket.receive.buffer.bytes',
  'socket.request.max.bytes',
  'socket.send.buffer.bytes',
  'transaction.state.log.min.isr',
  'transaction.state.log.num.partitions',
  'transaction.state.log.replication.factor',
] as const

const TIMESTAMP_ADVICE =
  "Kafka 4.0 removed it; use 'message.timestamp.before.max.ms' and 'message.timestamp.after.max.ms'"
const FORMAT_ADVICE = 'Kafka 4.0 removed it; batches are always of format 2'

/** Keys that Kafka had once, and what to do instead. */
export const REMOVED_KEYS: ReadonlyMap<string, string> = new Map([
  ['message.format.version', FORMAT_ADVICE],
  ['log.message.format.version', FORMAT_ADVICE],
  ['message.timestamp.difference.max.ms', TIMESTAMP_ADVICE],
  ['log.message.timestamp.difference.max.ms', TIMESTAMP_ADVICE],
])
