import { defineConfig } from 'vitest/config'

/** Tests that want real processes, real file systems and the rights to make them: `npm run test:disk`. */
export default defineConfig({
  test: {
    include: ['test/disk/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
