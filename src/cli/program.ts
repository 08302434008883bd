import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { nearestName } from '../core/index.ts'
import { defineAppend } from './commands/append.ts'
import { defineClean } from './commands/clean.ts'
import { defineDump } from './commands/dump.ts'
import { defineRead } from './commands/read.ts'
import { defineSegments } from './commands/segments.ts'
import { defineTopics } from './commands/topics.ts'
import { runInContext, type Start } from './context.ts'
import { UsageError } from './failures.ts'
import { type Machine, quietErrors } from './machine.ts'
import { quote } from './option-values.ts'

const EXIT_CODES = `
Exit codes:
  0  all was well        1  something is damaged
  2  usage               3  it could not be done

Set SEGLOG_DEBUG=1 to see where an error comes from, NO_COLOR=1 to have no colours.`

/**
 * Runs the command line once and gives what the process is to exit with.
 *
 * Shape:  data goes to standard output, everything else to standard error; it never rejects.
 */
export async function runCommandLine(args: readonly string[], machine: Machine): Promise<number> {
  let exitCode = 0
  quietErrors(machine.stdout) // help may be cut short by its reader, too
  const program = buildProgram(machine, async (run) => {
    exitCode = await runInContext(machine, run)
  })
  try {
    if (args.length === 0) throw new UsageError(`a command is needed:\n\n${program.helpInformation()}`)
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0 // --help and --version
    return runInContext(machine, () => Promise.reject(toUsageError(error, { program, args })))
  }
}

function buildProgram(machine: Machine, start: Start): Command {
  const program = new Command('seglog')
    .description(
      "Kafka's log without the cluster: look into segments, append to them, read them, clean them.",
    )
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureOutput({ writeOut: (text) => void machine.stdout.write(text), writeErr: () => {} })
    .configureHelp({ helpWidth: 100 })
    .showSuggestionAfterError(false)
    .exitOverride()
    .addHelpText('after', EXIT_CODES)
  for (const define of [defineAppend, defineRead, defineTopics, defineDump, defineSegments, defineClean]) {
    define(program, start)
  }
  return program
}

/** What commander found wrong, in one line, with the nearest thing that would have been right. */
function toUsageError(
  error: unknown,
  { program, args }: { program: Command; args: readonly string[] },
): unknown {
  if (!(error instanceof CommanderError)) return error
  const { command, words } = findCommand(program, args)
  const message = error.message.replace(/^error: /, '').replace(/\.$/, '')
  const [, found = ''] = /'(.*)'/s.exec(message) ?? []
  const help = `see ${words.join(' ')} --help`
  if (error.code === 'commander.unknownOption') {
    const options = command.options.filter(({ hidden }) => !hidden)
    const flags = ['--help', ...options.flatMap(({ long }) => long ?? [])]
    return new UsageError(`unknown option ${quote(found)}${suggestion(found, flags)}; ${help}`)
  }
  const names = command.commands.map((candidate) => candidate.name())
  if (error.code === 'commander.unknownCommand') {
    return new UsageError(`unknown command ${quote(found)}${suggestion(found, names)}; ${help}`)
  }
  if (error.code === 'commander.help') {
    return new UsageError(`${words.join(' ')} takes one of ${names.join(', ')}; ${help}`)
  }
  return new UsageError(`${message}; ${help}`)
}

/** The command that the arguments lead to, however deep it lies, and what was typed to get there. */
function findCommand(program: Command, args: readonly string[]): { command: Command; words: string[] } {
  let command = program
  const words = [program.name()]
  for (const word of args) {
    const next = command.commands.find((candidate) => candidate.name() === word)
    if (next === undefined) break
    command = next
    words.push(word)
  }
  return { command, words }
}

function suggestion(found: string, known: readonly string[]): string {
  const nearest = nearestName(found, known)
  return nearest === undefined ? '' : `, did you mean ${nearest}?`
}

function readVersion(): string {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
  return version
}
