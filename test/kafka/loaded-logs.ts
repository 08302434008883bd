/** Start and end of a log as a broker found them when it started. */
export interface LoadedLog {
  readonly start: number
  readonly end: number
}

const LOADED = /Completed load of Log\(dir=\S+\/([^/,\s]+), .*?logStartOffset=(\d+), logEndOffset=(\d+)\)/g

/** What a broker says in what it logs of the logs that it loaded, by the names of their directories. */
export function loadedLogs(brokerLog: string): Map<string, LoadedLog> {
  return new Map(
    Array.from(brokerLog.matchAll(LOADED), ([, name, start, end]) => [
      name!,
      { start: Number(start), end: Number(end) },
    ]),
  )
}
