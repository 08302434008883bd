import { configDefaults, defineConfig } from 'vitest/config'

/** What can't share a process: two put something else in the place of a module, one hears whatever any log there does. */
const ALONE = [
  'test/unit/fs/node-file.fences.test.ts',
  'test/log/slow-index.test.ts',
  'test/log/events.test.ts',
]
const OTHER_SUITES = ['test/disk/**', 'test/kafka/**', 'test/scale/**'] // npm run test:disk, test:kafka, test:scale

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: '100%', // Vitest would leave a processor free, which of two is half
    testTimeout: 20_000,
    restoreMocks: true,
    projects: [
      {
        extends: true,
        // Starting a process and loading the engine takes longer than most of these files do.
        test: {
          name: 'shared',
          include: ['test/{unit,log,store}/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...ALONE],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ['test/*.test.ts', 'test/!(unit|log|store)/**/*.test.ts', ...ALONE],
          exclude: [...configDefaults.exclude, ...OTHER_SUITES],
        },
      },
    ],
  },
})
