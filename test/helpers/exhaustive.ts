/** True in `npm run test:damage`, where nothing is left out; otherwise tests of damage try some of it. */
export const isExhaustive = process.env['EXHAUSTIVE'] !== undefined
