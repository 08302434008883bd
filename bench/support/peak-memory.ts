import { readFileSync } from 'node:fs'

/**
 * The most resident memory this process has had so far, in bytes.
 *
 * `process.resourceUsage().maxRSS` is only second best: on Linux a process that was just started has inherited the
 * figure of the one that started it, and the runner may be larger than what is measured.
 */
export function peakResidentBytes(): number {
  return ofThisProgram() ?? process.resourceUsage().maxRSS * 1024
}

/** From Linux, which begins to count anew when a program is loaded; undefined on other systems. */
function ofThisProgram(): number | undefined {
  if (process.platform !== 'linux') return undefined
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  return found === null ? undefined : Number(found[1]) * 1024
}
