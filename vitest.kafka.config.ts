/* The tests that need Apache Kafka, which `npm run test:kafka` gets before it runs them. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/kafka/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2, // a worker has a broker and a client of 512 MiB each
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
})
