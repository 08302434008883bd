/** The seed of this file's property tests: `SEED=123 npx vitest run …` replays a run; printed so that it can be. */
export const seed = readSeed()

console.info(`seed ${seed}`)

function readSeed(): number {
  const given = process.env['SEED']
  if (given === undefined) return Math.floor(Math.random() * 0x7fff_ffff)
  const value = Number(given)
  if (!Number.isSafeInteger(value))
    throw new TypeError(`SEED must be a whole number, found ${JSON.stringify(given)}`)
  return value
}
