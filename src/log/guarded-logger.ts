import { argumentTypeError, type PinoLike, typeName } from '../core/index.ts'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** A logger whose own failures reach nobody: nothing that happens to a message may change what happens to the log. */
export function guardLogger(logger: PinoLike): PinoLike {
  for (const level of LEVELS) {
    const method: unknown = typeof logger === 'object' && logger !== null ? logger[level] : undefined
    if (typeof method !== 'function') {
      throw argumentTypeError(
        `logger must have a method ${level}, as pino and console do; found ${typeName(logger)}`,
      )
    }
  }
  const guard =
    (level: (typeof LEVELS)[number]) =>
    (details: object, message: string): void => {
      try {
        logger[level](details, message)
      } catch {
        // whoever hands in a logger that throws has nobody else to be told
      }
    }
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
}
