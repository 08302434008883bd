import { argumentTypeError } from './errors.ts'
import { typeName } from './numbers.ts'

/** The known name nearest to `name` by edit distance, if it is near enough to be what was meant. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue // each character too many costs one
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/**
 * Copies the own enumerable properties of an options object, each read once, into one without a prototype.
 *
 * Errors: TypeError when `options` is no plain object, or has a name that is not in `known` (the nearest one is named).
 */
export function readOptions<T extends object>(
  options: unknown,
  spec: { what: string; known: readonly (keyof T & string)[] },
): Partial<T> {
  const result = Object.create(null) as Record<string, unknown>
  if (options === undefined) return result as Partial<T>
  if (!isPlainObject(options)) {
    throw argumentTypeError(`${spec.what} options must be an object, found ${typeName(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (!(spec.known as readonly string[]).includes(name)) {
      const nearest = nearestName(name, spec.known)
      throw argumentTypeError(
        `unknown ${spec.what} option '${name}'${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`,
      )
    }
    result[name] = (options as Record<string, unknown>)[name]
  }
  return result as Partial<T>
}

/** Checks an option that is yes or no. Errors: TypeError: what only counts as one may have been meant as the other. */
export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw argumentTypeError(`${name} must be a boolean, found ${typeName(value)}`)
}

/** Checks an option that is called, if it is given. Errors: TypeError. */
export function checkFunction<T>(name: string, value: T): T {
  if (value === undefined || typeof value === 'function') return value
  throw argumentTypeError(`${name} must be a function, found ${typeName(value)}`)
}

/** A Map or a Date has no own properties, so taking one for options would silently mean the defaults. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null // the Object.prototype of any realm
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const substitution = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(substitution, previous[column]! + 1, current[column - 1]! + 1))
    }
    previous = current
  }
  return previous[b.length]!
}
