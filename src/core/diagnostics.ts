import { channel } from 'node:diagnostics_channel'

/** A named place where something is told to whoever listens, in this process. */
export interface EventChannel<Message extends object> {
  /** Asked before a message is made, so that one that nobody hears costs nothing. */
  readonly hasSubscribers: boolean
  /** Hands a message to every subscriber, at once; what one of them throws is an `uncaughtException`, and nobody else's. */
  publish(message: Message): void
}

/**
 * The channel of that name; `subscribe` of `node:diagnostics_channel` listens to it.
 *
 * Shape:  messages are of the engine's making and never changed afterwards; no record's contents are in them.
 * Cost:   one look at `hasSubscribers` while there are none.
 */
export function openChannel<Message extends object>(name: `seglog:${string}`): EventChannel<Message> {
  return channel(name)
}
