import { closeSync, fstatSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isSizeBetween } from '../../../src/fs/end-probe.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

describe('whether a file has one of some sizes, found by reading at its end', () => {
  it.each([0, 1, 2, 3, 4097])(
    'agrees with its real size, %i bytes, for every range about it',
    (sizeBytes) => {
      const path = join(temporaryDirectory(), 'file')
      writeFileSync(path, Buffer.alloc(sizeBytes, 1))
      const descriptor = openSync(path, 'r')
      expect(fstatSync(descriptor).size).toBe(sizeBytes)
      const near = [0, 1, 2, 3, 4, 4095, 4096, 4097, 4098, 9999]
      for (const least of near) {
        for (const most of near) {
          const isBetween = least <= sizeBytes && sizeBytes <= most
          expect(isSizeBetween(descriptor, least, most), `${least} to ${most}`).toBe(isBetween)
        }
      }
      closeSync(descriptor)
    },
  )
})
