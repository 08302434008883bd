import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/disk/**'], // npm run test:disk
    pool: 'forks',
    testTimeout: 20_000,
    restoreMocks: true,
  },
})
