/*
 * Logs on real disks that are too small: a tmpfs of every size that matters is filled by a process that appends, and is
 * then closed or killed. It needs the right to mount one: root has it, elsewhere a user namespace may give it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { SmallDiskTrial, SmallDiskVerdict } from '../helpers/small-disk-session.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const session = fileURLToPath(new URL('../helpers/small-disk-session.ts', import.meta.url))

/** Sizes in KiB, close together where something else is the first to find no room. */
const SIZES = [
  ...range(4, 128, 8), // the lock, the identity, the index, the first segment
  ...range(144, 400, 32), // the first roll, a checkpoint
  ...range(512, 1024, 128), // many segments, and no room for a ballast
  ...range(1056, 1696, 40), // the ballast, before, while and after it is made
  ...range(1792, 3072, 128), // just room enough for it, and little else
  ...range(3584, 6144, 512), // retention makes room for it
]
const INODES = [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 24]

/** What has to have happened somewhere, or the sizes are badly chosen. */
const PHASES = [
  'opening found no room',
  'no room for a ballast',
  'ballast spent',
  'index memory after opening',
  'index failed at the end',
  'truncateTo found no room',
  'deleteRecordsBefore found no room',
  'clean found no room',
  'clean made room',
  'appends resumed',
  'flush: DISK_FULL',
  'closed on a full disk',
  'not closed in order',
  'ready to be killed',
  'opened on a full disk',
]

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, slot) => from + slot * step)
}

function trials(): SmallDiskTrial[] {
  const all = [
    ...SIZES.map((sizeKib) => ({ sizeKib })),
    ...INODES.map((inodes) => ({ sizeKib: 4096, inodes })),
  ]
  return all.map((trial, slot) => ({
    ...trial,
    ending: slot % 2 === 0 ? 'kill' : 'close',
    isFilled: slot % 4 < 2,
  }))
}

/** How to start a program that may mount; a string when there is no way. */
function findMountRight(): readonly string[] | string {
  const isRoot = process.getuid?.() === 0
  const ways = isRoot ? [['unshare', '-m'], []] : [['unshare', '-Urm']]
  const problems: string[] = []
  const place = mkdtempSync(join(tmpdir(), 'seglog-probe-'))
  const script = 'mount -t tmpfs -o size=64k seglog-probe "$0" && umount "$0"'
  try {
    for (const way of ways) {
      const [name = '', ...args] = [...way, 'sh', '-c', script, place]
      const { status, stderr, error } = spawnSync(name, args, { encoding: 'utf8' })
      if (status === 0) return way
      problems.push(`${[...way, 'mount'].join(' ')}: ${error?.message ?? stderr.trim()}`)
    }
  } finally {
    rmdirSync(place)
  }
  return `a small disk can't be mounted here (${problems.join('; ')})`
}

async function runSession(
  way: readonly string[],
  share: readonly SmallDiskTrial[],
): Promise<SmallDiskVerdict[]> {
  const [name = '', ...args] = [
    ...way,
    process.execPath,
    session,
    temporaryDirectory(),
    JSON.stringify(share),
  ]
  const running = spawn(name, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(running, 'exit')
  const verdicts: SmallDiskVerdict[] = []
  for await (const line of createInterface(running.stdout!))
    verdicts.push(JSON.parse(line) as SmallDiskVerdict)
  expect([await exited, verdicts.length]).toEqual([[0, null], share.length])
  return verdicts
}

const way = process.platform === 'win32' ? 'there is no tmpfs here' : findMountRight()
const mayBeLeftOut = typeof way === 'string' && process.env['CI'] === undefined
if (mayBeLeftOut) console.log(`left out: ${way}`)

describe.runIf(!mayBeLeftOut)('a log on a small disk', () => {
  const all = trials()

  it('can be had: this machine lets us mount one', () => {
    expect(way).not.toBeTypeOf('string')
  })

  it.runIf(typeof way !== 'string')(
    'that is full at every possible time loses nothing acknowledged, brings back nothing refused, and opens again',
    async () => {
      const shares = [0, 1].map((half) => all.filter((_, slot) => slot % 4 < 2 === (half === 0)))
      const sessions = shares.map((share) => runSession(way as readonly string[], share))
      const verdicts = (await Promise.all(sessions)).flat()
      const complaints = verdicts.flatMap(({ trial, complaints: own }) =>
        own.map((complaint) => `${JSON.stringify(trial)}: ${complaint}`),
      )
      expect(complaints.slice(0, 20)).toEqual([])
      const seen = new Set(verdicts.flatMap((verdict) => verdict.seen))
      expect(PHASES.filter((phase) => !seen.has(phase))).toEqual([])
      const kept = verdicts.reduce((sum, verdict) => sum + verdict.kept, 0)
      expect(kept).toBeGreaterThan(10_000)
      console.log(`${verdicts.length} disks, ${kept} acknowledged records found again`)
    },
    300_000,
  )
})
