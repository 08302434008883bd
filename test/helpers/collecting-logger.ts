import type { PinoLike } from '../../src/index.ts'

/** A message that a logger was handed. */
export interface Said {
  readonly level: keyof PinoLike
  readonly details: Readonly<Record<string, unknown>>
  readonly message: string
}

/** A logger that keeps all it is told. */
export class CollectingLogger implements PinoLike {
  readonly said: Said[] = []
  readonly debug = this.#at('debug')
  readonly info = this.#at('info')
  readonly warn = this.#at('warn')
  readonly error = this.#at('error')

  /** What was said at a level, or above debug, as `level: message`. */
  get lines(): string[] {
    return this.loud.map(({ level, message }) => `${level}: ${message}`)
  }

  /** Everything above debug. */
  get loud(): Said[] {
    return this.said.filter(({ level }) => level !== 'debug')
  }

  #at(level: keyof PinoLike): (details: object, message: string) => void {
    return (details, message) => void this.said.push({ level, details: { ...details }, message })
  }
}
