import { expect, it } from 'vitest'
import { LogFailures } from '../../../src/cli/log-failures.ts'
import { Notes } from '../../../src/cli/notes.ts'
import { SeglogError } from '../../../src/index.ts'
import { CapturedScreen, FakeMachine } from './fake-machine.ts'

function setUp() {
  const stream = new CapturedScreen()
  const { clock, environment } = new FakeMachine()
  return { stream, failures: new LogFailures(new Notes({ stream, clock, environment, allowsBar: false })) }
}

const corrupt = new SeglogError('LOG_CORRUPT', 'a gap')
const locked = new SeglogError('LOG_LOCKED', 'taken')

it('tells of each log by its name', () => {
  const { stream, failures } = setUp()
  expect(failures.exitCode).toBe(0)
  failures.add({ topic: 'orders', partition: 1 }, corrupt)
  failures.add({ topic: 'users', partition: 0 }, locked)
  expect(stream.text).toBe('seglog: LOG_CORRUPT: orders-1: a gap\nseglog: LOG_LOCKED: users-0: taken\n')
})

it('exits with 1 for damage, whatever else there was, and else with what came first', () => {
  const log = { topic: 'orders', partition: 0 }
  const { failures: damageFirst } = setUp()
  damageFirst.add(log, corrupt)
  damageFirst.add(log, locked)
  const { failures: damageLast } = setUp()
  damageLast.add(log, locked)
  expect(damageLast.exitCode).toBe(3)
  damageLast.raise(2)
  expect(damageLast.exitCode).toBe(3)
  damageLast.add(log, corrupt)
  damageLast.raise(0)
  expect([damageFirst.exitCode, damageLast.exitCode]).toEqual([1, 1])
})
