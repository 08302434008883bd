import { argumentTypeError, checkOffset, nearestName, typeName } from '../core/index.ts'
import { checkDurability, type Durability } from './durability.ts'

/** How one append is done. */
export interface AppendOptions {
  /** Default: the log's. */
  readonly durability?: Durability
  /** Append only if the first record gets this offset; else EXPECTED_OFFSET_MISMATCH. */
  readonly expectedOffset?: number
  /** Matters only before the append is accepted. */
  readonly signal?: AbortSignal
}

interface CheckedAppendOptions {
  readonly durability: Durability
  readonly expectedOffset: number | undefined
}

const KNOWN = ['durability', 'expectedOffset', 'signal']

/** Checks the options of an append; on the path of every call, so it makes one small object. Errors: TypeError, RangeError, the signal's. */
export function checkAppendOptions(
  options: AppendOptions | undefined,
  fallback: Durability,
): CheckedAppendOptions {
  let durability = fallback
  let expectedOffset: number | undefined
  if (options === undefined) return { durability, expectedOffset }
  if (typeof options !== 'object' || options === null || !isPlain(options)) {
    throw argumentTypeError(`append options must be an object, found ${typeName(options)}`)
  }
  for (const name in options) {
    if (!Object.hasOwn(options, name)) continue
    const value = (options as Record<string, unknown>)[name]
    if (value === undefined && KNOWN.includes(name)) continue
    if (name === 'durability') durability = checkDurability(value)
    else if (name === 'expectedOffset') expectedOffset = checkOffset(value, 'expectedOffset')
    else if (name === 'signal') checkSignal(value)
    else {
      const nearest = nearestName(name, KNOWN)
      throw argumentTypeError(
        `unknown append option '${name.slice(0, 80)}'${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`,
      )
    }
  }
  return { durability, expectedOffset }
}

/** A Map or a list has no such properties, so taking one for options would silently mean the defaults. */
function isPlain(options: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(options)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}

function checkSignal(signal: unknown): void {
  if (!(signal instanceof AbortSignal))
    throw argumentTypeError(`signal must be an AbortSignal, found ${typeName(signal)}`)
  signal.throwIfAborted()
}
