import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { onTestFinished } from 'vitest'

/** What is told on these channels from now on, in order, until the test ends. */
export function listen<Message>(...names: string[]): Message[] {
  const heard: Message[] = []
  const hear = (message: unknown): void => void heard.push(message as Message)
  for (const name of names) subscribe(name, hear)
  onTestFinished(() => names.forEach((name) => unsubscribe(name, hear)))
  return heard
}
