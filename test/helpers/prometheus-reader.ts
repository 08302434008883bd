/*
 * Reads Prometheus' text format, version 0.0.4, character by character, and refuses whatever the format does not allow:
 * written from its description, and knowing nothing of how seglog writes it.
 */

/** One sample, as a scraper would store it. */
export interface ReadSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric with what is said of it. */
export interface ReadMetric {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly ReadSample[]
}

/** Reads a whole page. Errors: Error with the line that breaks the format. */
export function readPrometheus(text: string): ReadMetric[] {
  if (text === '') return []
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const metrics: (Omit<ReadMetric, 'samples'> & { samples: ReadSample[] })[] = []
  const seen = new Set<string>()
  const lines = text.slice(0, -1).split('\n')
  for (let at = 0; at < lines.length; ) {
    const help = /^# HELP (\S+) (.+)$/.exec(lines[at++]!)
    const type = /^# TYPE (\S+) (counter|gauge)$/.exec(lines[at++] ?? '')
    if (help === null || type === null || help[1] !== type[1])
      throw new Error(`no HELP and TYPE before line ${at}`)
    const name = help[1]!
    if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new Error(`bad name ${name}`)
    if (metrics.some((other) => other.name === name)) throw new Error(`${name} comes twice`)
    const samples: ReadSample[] = []
    while (at < lines.length && !lines[at]!.startsWith('#')) {
      const sample = readSample(lines[at++]!)
      if (sample.name !== name) throw new Error(`${sample.name} among the samples of ${name}`)
      const identity = JSON.stringify([name, Object.entries(sample.labels).sort()])
      if (seen.has(identity)) throw new Error(`${identity} comes twice`)
      seen.add(identity)
      samples.push(sample)
    }
    metrics.push({ name, type: type[2]!, help: help[2]!, samples })
  }
  return metrics
}

function readSample(line: string): ReadSample {
  const name = /^[^\s{]+/.exec(line)?.[0] ?? ''
  let at = name.length
  const labels: Record<string, string> = {}
  if (line[at] === '{') {
    at++
    while (line[at] !== '}') {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="/.exec(line.slice(at))
      if (label === null) throw new Error(`no label at ${at} of ${line}`)
      at += label[0].length
      let value = ''
      for (; line[at] !== '"'; at++) {
        if (line[at] === undefined) throw new Error(`a label value does not end: ${line}`)
        if (line[at] !== '\\') value += line[at]
        else value += unescape(line[++at], line)
      }
      at++
      if (Object.hasOwn(labels, label[1]!)) throw new Error(`${label[1]} comes twice in ${line}`)
      labels[label[1]!] = value
      if (line[at] === ',') at++
      else if (line[at] !== '}') throw new Error(`neither , nor } at ${at} of ${line}`)
    }
    at++
  }
  const value = /^ (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line.slice(at))
  if (value === null) throw new Error(`no value in ${line}`)
  return { name, labels, value: Number(value[1]) }
}

function unescape(character: string | undefined, line: string): string {
  if (character === 'n') return '\n'
  if (character === '"' || character === '\\') return character
  throw new Error(`\\${character} is no escape: ${line}`)
}
