import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/disk/**', 'test/kafka/**', 'test/scale/**'], // npm run test:disk, test:kafka, test:scale
    pool: 'forks',
    maxWorkers: '100%', // Vitest would leave a processor free, which of two is half
    testTimeout: 20_000,
    restoreMocks: true,
  },
})
