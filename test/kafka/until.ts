import { setTimeout as delay } from 'node:timers/promises'

const LOOK_MS = 20
const WAIT_MS_MAX = 60_000

/** Looks again and again until `isSo`. Errors: when that takes a minute. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + WAIT_MS_MAX
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`)
    await delay(LOOK_MS)
  }
}
