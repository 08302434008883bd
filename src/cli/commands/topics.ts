import type { Command } from 'commander'
import type { Start } from '../context.ts'
import { defineTopicsAlter } from './topics-alter.ts'
import { defineTopicsCreate } from './topics-create.ts'
import { defineTopicsDelete } from './topics-delete.ts'
import { defineTopicsDescribe } from './topics-describe.ts'
import { defineTopicsList } from './topics-list.ts'

const HELP = `
Example:
  $ seglog topics create shop -t orders --partitions 3 --config retention.ms=30d
  created orders: 3 partitions, id 9IFn-8kuRcK9rVoJd-94Ng
  $ seglog topics list shop
  orders

list and describe take no lock: another process, or Kafka, may have the store.`

/** Adds `topics` and what can be done with them: list, describe, create, alter, delete. */
export function defineTopics(program: Command, start: Start): void {
  const topics = program
    .command('topics')
    .summary('list, make and change the topics of a store')
    .description('List, describe, create, alter and delete the topics of a store.')
    .usage('<list|describe|create|alter|delete> <dir> [options]')
    .addHelpText('after', HELP)
  const all = [
    defineTopicsList,
    defineTopicsDescribe,
    defineTopicsCreate,
    defineTopicsAlter,
    defineTopicsDelete,
  ]
  for (const define of all) define(topics, start)
}
