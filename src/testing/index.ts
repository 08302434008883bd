export { ManualClock, type ManualTimer } from './manual-clock.ts'
export { SeededRandom } from './seeded-random.ts'
