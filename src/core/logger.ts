/** The part of a pino logger that the engine uses; console is one too. */
export interface PinoLike {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

const silence = (): void => {}

/** Says nothing; the default. */
export const silentLogger: PinoLike = { debug: silence, info: silence, warn: silence, error: silence }
