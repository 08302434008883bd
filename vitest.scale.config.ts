/* `npm run test:scale`: a store of a thousand partitions for real, under the limits of a process; half a minute. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/scale/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 300_000,
    hookTimeout: 120_000, // removing ten thousand files
  },
})
