import { argumentTypeError, checkBoolean, checkInteger, isOffset, readOptions } from '../core/index.ts'
import type { CleanOptions } from './log-api.ts'

/** Checks what `clean` was told. Errors: TypeError, RangeError. */
export function checkCleanOptions(input: number | CleanOptions | undefined): CleanOptions {
  if (typeof input === 'number') return { now: checkTime(input) }
  const options = readOptions<CleanOptions>(input, { what: 'clean', known: ['now', 'plan', 'force'] })
  if (options.now !== undefined) checkTime(options.now)
  if (options.plan !== undefined) checkPlan(options.plan)
  if (options.force !== undefined) checkBoolean('force', options.force)
  return options
}

/** That it is a plan at all; what it may do is decided against the log as it is. */
function checkPlan(plan: unknown): void {
  const at: unknown = typeof plan === 'object' && plan !== null && 'at' in plan ? plan.at : undefined
  if (!isOffset(at)) throw argumentTypeError('plan must be one that plan() gave')
}

/** Checks a moment in wall ms. Errors: TypeError, RangeError. */
export function checkTime(now: unknown): number {
  return checkInteger(now, { name: 'now', min: 0, max: Number.MAX_SAFE_INTEGER })
}
