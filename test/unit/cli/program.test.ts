import { describe, expect, it } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { run } from './fake-machine.ts'

const VERBS = ['append', 'read', 'topics', 'dump', 'segments', 'clean']

describe('the command line', () => {
  it('prints its version, and its help, on standard output', async () => {
    for (const flag of ['--version', '-V']) {
      expect(await run([flag])).toMatchObject({ exitCode: 0, output: `${packageJson.version}\n`, errors: '' })
    }
    for (const args of [['--help'], ['-h'], ['help']]) {
      const { exitCode, output, errors } = await run(args)
      expect([exitCode, errors]).toEqual([0, ''])
      for (const word of [...VERBS, 'Exit codes', 'SEGLOG_DEBUG', 'NO_COLOR']) expect(output).toContain(word)
    }
  })

  it.each(VERBS)('has help with an example for %s', async (verb) => {
    const { exitCode, output, errors } = await run([verb, '--help'])
    expect([exitCode, errors]).toEqual([0, ''])
    expect(output).toContain(`$ `)
    expect(output).toContain(`seglog ${verb} `)
    expect(output).toContain('Example')
    expect((await run(['help', verb])).output).toBe(output)
  })

  it('asks for a command when there is none', async () => {
    const { exitCode, output, errors } = await run([])
    expect([exitCode, output]).toEqual([2, ''])
    expect(errors).toContain('seglog: USAGE: a command is needed')
    expect(errors).toContain('Usage: seglog')
  })

  it.each([
    [['raed', 'x'], 'unknown command "raed", did you mean read?; see seglog --help'],
    [['xyzzy'], 'unknown command "xyzzy"; see seglog --help'],
    [['--versoin'], 'unknown option "--versoin", did you mean --version?; see seglog --help'],
    [['read', 'x', '--folow'], 'unknown option "--folow", did you mean --follow?; see seglog read --help'],
    [['read', 'x', '-y'], 'unknown option "-y"; see seglog read --help'],
    [['dump', 'x', '--print-datalog'], 'did you mean --print-data-log?'],
    [['append', 'x', '--durabilty', 'os'], 'did you mean --durability?'],
    [['segments', 'x', '--jason'], 'did you mean --json?'],
    [['clean', 'x', '--dryrun'], 'did you mean --dry-run?'],
    [
      ['topics', 'list', 'x', '--excludeinternal'],
      'did you mean --exclude-internal?; see seglog topics list --help',
    ],
    [['clean', 'x', '--hepl'], 'did you mean --help?'],
    [['read'], "missing required argument 'dir'; see seglog read --help"],
    [['read', 'x', 'y'], 'too many arguments'],
    [['read', 'x', '-c'], 'argument missing'],
    [['read', 'x', '-c', 'many'], '-c takes a whole number'],
    [['dump'], 'dump takes at least one path'],
  ])('refuses %j in one line, with exit code 2', async (args, message) => {
    const { exitCode, output, errors } = await run(args)
    expect([exitCode, output]).toEqual([2, ''])
    expect(errors).toMatch(/^seglog: USAGE: [^\n]*\n$/)
    expect(errors).toContain(message)
  })

  it.each([
    [['append', 'x', '-z', 'gzip'], '-z is not supported: batches are written uncompressed'],
    [['append', 'x', '-z'], '-z is not supported'],
    [['append', 'x', '--compression=gzip'], '-z is not supported'],
    [['append', 'x', '-l'], '-l is not supported'],
    [['read', 'x', '-b', 'host:9092'], '-b is not supported'],
    [['dump', 'x', '--offsets-decoder'], '--offsets-decoder is not supported'],
    [['dump', 'x', '--key-decoder-class', 'a.B'], '--key-decoder-class is not supported'],
  ])("says why kcat's and Kafka's %j is not there", async (args, message) => {
    const { exitCode, errors } = await run(args)
    expect(exitCode).toBe(2)
    expect(errors).toContain(message)
  })

  it('escapes what was typed', async () => {
    const { errors } = await run(['\u001b[2J\u202e'])
    expect(errors).toContain('\\u001b[2J\\u202e')
  })
})
