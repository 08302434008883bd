import { argumentTypeError, typeName } from '../core/index.ts'

/**
 * How safe an append is when its promise resolves.
 * `memory`: accepted · `os`: written, survives the process · `disk`: synced, survives power loss.
 */
export type Durability = 'memory' | 'os' | 'disk'

const RANK: Record<Durability, number> = { memory: 0, os: 1, disk: 2 }

/** Gives `value` back if it is a level. Errors: TypeError. */
export function checkDurability(value: unknown): Durability {
  if (typeof value === 'string' && Object.hasOwn(RANK, value)) return value as Durability
  const found = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : typeName(value)
  throw argumentTypeError(`durability must be 'memory', 'os' or 'disk', found ${found}`)
}
