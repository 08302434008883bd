const BAR_CELLS = 24

/** Says on stderr how far the soak is: a bar on a terminal, a line now and then elsewhere. */
export class SoakScreen {
  readonly #isTerminal = process.stderr.isTTY === true
  #nextShare = 0

  /** `share` of the time is over. */
  progress(share: number, facts: string): void {
    const percent = `${Math.min(100, Math.floor(share * 100))} %`
    if (this.#isTerminal) {
      const full = Math.round(Math.min(1, share) * BAR_CELLS)
      process.stderr.write(
        `\r\u001B[K${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)} ${percent}  ${facts}`,
      )
    } else if (share >= this.#nextShare) {
      this.#nextShare = share + 0.1
      process.stderr.write(`${percent} ${facts}\n`)
    }
  }

  note(line: string): void {
    process.stderr.write(this.#isTerminal ? `\r\u001B[K${line}\n` : `${line}\n`)
  }

  clear(): void {
    if (this.#isTerminal) process.stderr.write('\r\u001B[K')
  }
}
