/*
 * `npm run test:kafka [-- FILTER…]`: gets Apache Kafka and runs the tests that need it. Without Java or Maven there is
 * nothing to run, which is said; where CI is set it is a failure, because a test that never runs proves nothing.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KAFKA_VERSION, prepareKafka, whyNoKafka } from './kafka-home.ts'

const CONFIG = fileURLToPath(new URL('../../vitest.kafka.config.ts', import.meta.url))

function runTests(filters: readonly string[]): number {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
  const result = spawnSync(process.execPath, [vitest, 'run', '--config', CONFIG, ...filters], {
    stdio: 'inherit',
  })
  return result.status ?? 1
}

const reason = whyNoKafka()
if (reason === undefined) {
  prepareKafka()
  process.exitCode = runTests(process.argv.slice(2))
} else if ((process.env['CI'] ?? '') === '') {
  console.info(`The tests against Apache Kafka ${KAFKA_VERSION} are left out: ${reason}.`)
} else {
  console.error(
    `The tests against Apache Kafka ${KAFKA_VERSION} must run where CI is set, and can't: ${reason}.`,
  )
  process.exitCode = 1
}
