import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/disk/**'], // they need a disk of their own: vitest.disk.config.ts
    pool: 'forks',
    testTimeout: 20_000,
    restoreMocks: true,
  },
})
