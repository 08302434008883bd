import type { PinoLike } from '../core/index.ts'

/** A logger whose own failures reach nobody: nothing that happens to a message may change what happens to the log. */
export function guardLogger(logger: PinoLike): PinoLike {
  const guard =
    (level: keyof PinoLike) =>
    (details: object, message: string): void => {
      try {
        logger[level](details, message)
      } catch {
        // whoever hands in a logger that throws has nobody else to be told
      }
    }
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
}
