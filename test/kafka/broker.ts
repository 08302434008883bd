import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type JavaOptions, runJava, startJava } from './java-process.ts'

const CLUSTER_ID = 'c2VnbG9nLXRlc3RzLTAwMQ'
const ATTEMPTS = 3
const START_MS_MAX = 60_000
const STOP_MS_MAX = 30_000
const STARTED = 'Kafka Server started'

/** Settings of a broker beside those that make it one, by Kafka's names. */
export type BrokerProperties = Readonly<Record<string, string | number>>

/** A Kafka broker (and its controller) in a process of its own, on ports of the loopback interface that were free. */
export interface Broker {
  /** `host:port` for clients. */
  readonly bootstrap: string
  /** Kafka's `log.dirs`: the store. */
  readonly dataDirectory: string
  /** All that it has logged. */
  log(): string
  /** Ends it in order: everything is closed, the clean marker is written. */
  stop(): Promise<void>
  /** Ends it at once. */
  kill(): Promise<void>
}

/**
 * Starts a broker whose files are in `directory`, where it keeps them in `data`; formats that if it is new. It is killed,
 * if it still runs, when the test ends (`keep` hands that to the caller: outside of a test there is none to wait for).
 * Errors: what it logged, when it does not start.
 */
export async function startBroker(
  directory: string,
  {
    properties = {},
    keep = false,
    machine,
  }: { properties?: BrokerProperties; keep?: boolean; machine?: readonly string[] } = {},
): Promise<Broker> {
  const java = { logs: 'log4j2.xml', directory, ...(machine === undefined ? {} : { machine }) }
  for (let attempt = 1; ; attempt++) {
    const broker = await tryBroker(directory, properties, java)
    if (broker instanceof RunningBroker) {
      if (!keep) onTestFinished(() => broker.kill())
      return broker
    }
    const isPortTaken = broker.includes('Address already in use') && attempt < ATTEMPTS
    if (!isPortTaken) throw new Error(`the broker did not start:\n${broker.slice(-8000)}`)
  }
}

/** Gives back what it logged when it ended before it had started. */
async function tryBroker(
  directory: string,
  properties: BrokerProperties,
  java: JavaOptions,
): Promise<RunningBroker | string> {
  const dataDirectory = join(directory, 'data')
  const [port, controllerPort] = await freePorts()
  const settings = join(directory, 'server.properties')
  mkdirSync(directory, { recursive: true })
  const all = { ...baseProperties(dataDirectory, port, controllerPort), ...properties }
  writeFileSync(
    settings,
    Object.entries(all)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  if (!existsSync(join(dataDirectory, 'meta.properties'))) {
    const format = await runJava('kafka.tools.StorageTool', ['format', '-t', CLUSTER_ID, '-c', settings])
    if (format.exitCode !== 0) throw new Error(`can't be formatted: ${format.output}${format.errors}`)
  }
  const child = startJava('kafka.Kafka', [settings], java)
  const broker = new RunningBroker(child, { bootstrap: `127.0.0.1:${port}`, dataDirectory })
  return (await broker.started()) ? broker : broker.log()
}

class RunningBroker implements Broker {
  readonly bootstrap: string
  readonly dataDirectory: string
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  #log = ''
  #heard = (_log: string): unknown => undefined

  constructor(child: ChildProcess, place: { bootstrap: string; dataDirectory: string }) {
    this.bootstrap = place.bootstrap
    this.dataDirectory = place.dataDirectory
    this.#child = child
    this.#ended = once(child, 'close')
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString()
        this.#heard(this.#log)
      })
  }

  log(): string {
    return this.#log
  }

  /** False when it ended instead. Errors: when it does neither. */
  async started(): Promise<boolean> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), START_MS_MAX)
    const heard = new Promise<boolean>((resolve) => {
      this.#heard = (log) => log.includes(STARTED) && resolve(true)
    })
    const hasStarted = await Promise.race([heard, this.#ended.then(() => false)])
    clearTimeout(timer)
    return hasStarted
  }

  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS_MAX)
    this.#child.kill('SIGTERM')
    await this.#ended
    clearTimeout(timer)
    if (this.#child.signalCode === 'SIGKILL') throw new Error(`had to be killed:\n${this.#log.slice(-8000)}`)
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL')
    await this.#ended
  }
}

function baseProperties(dataDirectory: string, port: number, controllerPort: number): BrokerProperties {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': dataDirectory,
    'auto.create.topics.enable': 'false',
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'log.initial.task.delay.ms': 500,
    'log.retention.check.interval.ms': 1000,
  }
}

/** Two ports that were free a moment ago. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()]
  for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening')
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  for (const server of servers) await once(server.close(), 'close')
  return [ports[0]!, ports[1]!]
}
