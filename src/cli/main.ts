import { processMachine } from './machine.ts'
import { runCommandLine } from './program.ts'

/** Runs the command line that this process was started with; the process ends by itself once all is written. */
export async function runProcess(): Promise<void> {
  process.exitCode = await runCommandLine(process.argv.slice(2), processMachine())
}
