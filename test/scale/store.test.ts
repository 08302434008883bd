import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { seed } from '../helpers/seed.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import type { ScaleReport } from './store-child.ts'

const DESCRIPTORS = 256
/** 128 of the store, those the process has anyway, and what is open for a moment only: directories, small files. */
const DESCRIPTORS_USED = 200
const PARTITIONS = 1000

it('a store of a thousand partitions does everything at once under ulimit -n 256', async () => {
  const program = fileURLToPath(new URL('store-child.ts', import.meta.url))
  const command = `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`
  const words = [process.execPath, program, temporaryDirectory(), `${PARTITIONS}`, `${seed}`]
  const { stdout } = await promisify(execFile)('sh', ['-c', command, ...words])
  const report = JSON.parse(stdout) as ScaleReport
  expect(report).toEqual({
    complaints: [],
    appended: PARTITIONS * 4,
    readBack: PARTITIONS * 4,
    clean: PARTITIONS,
    pointReads: PARTITIONS * 2,
    followed: PARTITIONS * 5,
    segmentsDeleted: PARTITIONS,
    descriptorsMax: expect.any(Number) as number,
    looks: expect.any(Number) as number,
  })
  expect(report.looks).toBeGreaterThan(PARTITIONS * 4)
  expect(report.descriptorsMax).toBeGreaterThan(100) // it was seen at work
  expect(report.descriptorsMax).toBeLessThan(DESCRIPTORS_USED)
})
