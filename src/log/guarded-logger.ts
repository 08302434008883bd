import type { PinoLike } from '../core/index.ts'

/**
 * A logger whose own failures reach nobody: nothing that happens to a message may change what happens to the log. Errors
 * are handed to it as `err`, the name under which pino writes message and stack.
 */
export function guardLogger(logger: PinoLike): PinoLike {
  return mapDetails(
    (level, details, message) => {
      try {
        logger[level](details, message)
      } catch {
        // whoever hands in a logger that throws has nobody else to be told
      }
    },
    (details) => ('error' in details ? renameError(details) : details),
  )
}

/** A logger that says with every message whose it is. */
export function labelLogger(logger: PinoLike, labels: object): PinoLike {
  return mapDetails(
    (level, details, message) => logger[level](details, message),
    (details) => ({ ...labels, ...details }),
  )
}

function mapDetails(
  say: (level: keyof PinoLike, details: object, message: string) => void,
  map: (details: object) => object,
): PinoLike {
  const at =
    (level: keyof PinoLike) =>
    (details: object, message: string): void =>
      say(level, map(details), message)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function renameError({ error: err, ...details }: { error?: unknown }): object {
  return { ...details, err }
}
