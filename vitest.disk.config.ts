import { defineConfig } from 'vitest/config'

/** Tests that need a disk of their own: `npm run test:disk`. */
export default defineConfig({
  test: {
    include: ['test/disk/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 20_000,
    restoreMocks: true,
  },
})
