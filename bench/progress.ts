import type { Scenario } from './scenario.ts'

/** One line on stderr: rewritten on a terminal, and a new one for each scenario elsewhere. */
export class Progress {
  readonly #total: number
  #done = 0
  #scenario = ''

  constructor(scenarios: readonly Scenario[], rounds: number) {
    this.#total = scenarios.reduce((sum, { subjects }) => sum + Object.keys(subjects).length * rounds, 0)
  }

  show(scenario: string, what: string): void {
    const line = `[${this.#done}/${this.#total}] ${scenario}`
    if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${line}: ${what}`)
    else if (scenario !== this.#scenario) process.stderr.write(`${line}\n`)
    this.#scenario = scenario
  }

  step(): void {
    this.#done++
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[K')
  }
}
