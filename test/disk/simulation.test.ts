/*
 * Whether the simulated disk can be believed: a workload runs twice from one seed, on a simulated disk and on the
 * machine's under strace, and what was asked of each must be the same, operation for operation. A call of the engine
 * that went past its file system, or one that the simulation forgot, would show here.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, it } from 'vitest'
import type { DiskOperation } from '../../src/testing/index.ts'
import { DIRECTORY, WORKLOADS, workloadNamed } from '../crash/workloads.ts'
import { seed as fileSeed } from '../helpers/seed.ts'
import { QuietStage } from './quiet-stage.ts'
import { leaveOutIf, toolEnvironment, whyNoTraces } from './requirements.ts'
import { type Operation, operationsOf, TRACED_CALLS } from './system-calls.ts'

const program = fileURLToPath(new URL('workload-child.ts', import.meta.url))
const reason = whyNoTraces()
/** An even one, without zeros ahead: those come when they come, so that they have no place in an order. */
const seed = (fileSeed % 500_000) * 2

/** What one file, or the names of the directory, went through, in order. */
type Story = Readonly<Record<string, readonly string[]>>

/** What the kernel was asked for. */
function realOperations(workload: string): Operation[] {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-'))
  const traceFile = join(root, 'trace')
  const options = ['-f', '-y', '-qq', '-s', '1000000', '-e', `trace=${TRACED_CALLS.replaceAll(' ', ',')}`]
  const command = [process.execPath, program, root, workload, String(seed)]
  execFileSync('strace', [...options, '-o', traceFile, ...command], { env: toolEnvironment, stdio: 'pipe' })
  return withoutOpens(operationsOf(readFileSync(traceFile, 'utf8'), join(root, 'log')))
}

/** Opening what is there is no operation of a simulated disk, however it is opened. */
function withoutOpens(operations: readonly Operation[]): Operation[] {
  const there = new Set<string>()
  return operations.filter(({ kind, path, to }) => {
    const isNew = !there.has(path)
    if (kind === 'create') there.add(path)
    if (kind === 'rename' || kind === 'remove') there.delete(path)
    if (kind === 'rename' && to !== undefined) there.add(to)
    return kind !== 'open' && (kind !== 'create' || isNew)
  })
}

/** What the simulated disk was asked for, in the same words; syncs count when they end. */
async function simulatedOperations(name: string): Promise<Operation[]> {
  const workload = workloadNamed(name)
  const stage = new QuietStage({ seed, config: workload.config })
  await workload.run(stage)
  return stage.fileSystem.operations.filter((operation) => !isOutside(operation)).map(toOperation)
}

function isOutside(operation: DiskOperation): boolean {
  const isBelow = operation.path === DIRECTORY || operation.path.startsWith(`${DIRECTORY}/`)
  return !isBelow || ('phase' in operation && operation.phase === 'begin')
}

function relative(path: string): string {
  return posix.relative(DIRECTORY, path) || '.'
}

function toOperation(operation: DiskOperation): Operation {
  const { kind } = operation
  const path = relative(operation.path)
  switch (operation.kind) {
    case 'write':
      return { kind: 'write', path, sizeBytes: operation.bytes.length }
    case 'truncate':
      return { kind: 'truncate', path, sizeBytes: operation.sizeBytes }
    case 'rename':
      return { kind: 'rename', path, to: relative(operation.to) }
    default:
      return { kind, path }
  }
}

function describeOne({ kind, path, to, sizeBytes }: Operation): string {
  return [kind, path, to, sizeBytes].filter((part) => part !== undefined).join(' ')
}

/** By file: what goes on behind the acknowledgement has no place of its own between what others do. */
function storyOf(operations: readonly Operation[]): Story {
  const story: Record<string, string[]> = {}
  for (const operation of operations) {
    const names = operation.to === undefined ? [operation.path] : [operation.path, operation.to]
    for (const name of names) (story[name] ??= []).push(describeOne(operation))
  }
  return story
}

describe('the simulated disk and the real one', () => {
  beforeEach((context) => leaveOutIf(reason, context))

  // What goes on behind a call, storing the recovery point above all, has no fixed place between what the call does.
  it.each(WORKLOADS.map(({ name }) => name))(
    'are asked for the same, file by file in the same order, by %s',
    async (workload) => {
      const simulated = await simulatedOperations(workload)
      expect(simulated.length).toBeGreaterThan(50)
      expect(storyOf(realOperations(workload))).toEqual(storyOf(simulated))
    },
  )
})
