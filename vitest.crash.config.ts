/* `npm run test:crash:store`: every crash point of a store, which takes longer than `npm test` has. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/crash/store-crash.test.ts'],
    env: { EXHAUSTIVE: '1' },
    pool: 'forks',
    testTimeout: 300_000,
  },
})
