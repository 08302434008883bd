/* `npm run test:damage`: the tests of damage with nothing left out, which takes a minute more than `npm test` has. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'test/log/bit-flips.test.ts',
      'test/log/recovery.test.ts',
      'test/log/torn-tails.test.ts',
      'test/unit/offset-index/sqlite-index.damage.test.ts',
    ],
    env: { EXHAUSTIVE: '1' },
    pool: 'forks',
    testTimeout: 300_000,
  },
})
