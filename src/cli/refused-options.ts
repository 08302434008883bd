import { type Command, Option } from 'commander'
import { UsageError } from './failures.ts'

/** Knows options of Kafka's or kcat's that are not there, and says why, instead of calling them unknown. */
export function refuseOptions(command: Command, reasons: Readonly<Record<string, string>>): void {
  for (const [flags, reason] of Object.entries(reasons)) {
    const option = new Option(flags).hideHelp()
    const shown = option.short ?? option.long
    command.addOption(option).on(`option:${option.name()}`, () => {
      throw new UsageError(`${shown} is not supported: ${reason}`)
    })
  }
}
