/*
 * What the house rules need to know about a source file, found by a scanner instead of a parser: the rules hold for
 * formatted code, where the line that closes a block is indented as the line that opened it.
 */

/** A file of the repository; `path` is relative to its root. */
export interface SourceFile {
  readonly path: string
  readonly raw: string
  /** As long as `raw`, with blanks for comments. */
  readonly text: string
  /** As long as `raw`, with blanks for comments and for what strings, templates and regular expressions hold. */
  readonly code: string
}

export interface Import {
  readonly specifier: string
  readonly line: number
}

export interface FoundFunction {
  readonly header: string
  readonly line: number
  readonly lineCount: number
}

export interface Export {
  readonly kind: string
  readonly name: string
  readonly line: number
  readonly isDocumented: boolean
}

interface Span {
  readonly kind: 'comment' | 'literal'
  readonly start: number
  readonly end: number
}

export function sourceFile(path: string, raw: string): SourceFile {
  const spans = scan(raw)
  const comments = spans.filter((span) => span.kind === 'comment')
  return { path, raw, text: blank(raw, comments), code: blank(raw, spans) }
}

/** Every module a file names: imported, re-exported, imported when needed, or the start of a worker. */
export function importsOf(file: SourceFile): Import[] {
  const statement = new RegExp(
    [
      /^\s*import\s+(?:[\w*{][^'"`;()=]*?\bfrom\s+)?['"]([^'"\n]+)['"]/,
      /^\s*export\s+(?:type\s+)?[*{][^'"`;()=]*?\bfrom\s+['"]([^'"\n]+)['"]/,
      /\bimport\(\s*['"]([^'"\n]+)['"]/,
      /\bnew URL\(\s*['"]([^'"\n]+)['"]/,
    ]
      .map((form) => form.source)
      .join('|'),
    'gm',
  )
  return Array.from(file.text.matchAll(statement))
    .filter((match) =>
      /import|export|new URL/.test(file.code.slice(match.index, match.index + match[0].length)),
    )
    .map((match) => ({
      specifier: match.slice(1).find((group) => group !== undefined) ?? '',
      line: lineAt(file.raw, match.index + match[0].length),
    }))
}

/** Every function, method, accessor and arrow function with a body in braces, from its first line to its last. */
export function functionsOf(file: SourceFile): FoundFunction[] {
  const lines = file.code.split('\n')
  const found: FoundFunction[] = []
  for (const [slot, line] of lines.entries()) {
    if (!line.trimEnd().endsWith('{')) continue
    const first = headerStart(lines, slot)
    if (!opensFunction(line, lines[first] ?? '')) continue
    const last = blockEnd(lines, slot)
    found.push({ header: (lines[first] ?? '').trim(), line: first + 1, lineCount: last - first + 1 })
  }
  return found
}

/** Every function, class, interface and type that a file exports where it declares it, and whether a docstring stands directly above it. */
export function exportsOf(file: SourceFile): Export[] {
  const lines = file.raw.split('\n')
  const declaration =
    /^export (?:default )?(?:declare )?(?:abstract )?(?:async )?(function|class|interface|type)\*? ([\w$]+)/
  const found: Export[] = []
  for (const [slot, line] of file.code.split('\n').entries()) {
    const match = declaration.exec(line)
    if (match === null) continue
    const [, kind = '', name = ''] = match
    const isOverload = found.some((other) => other.name === name && other.kind === 'function')
    found.push({ kind, name, line: slot + 1, isDocumented: isOverload || hasDocstring(lines, slot) })
  }
  return found
}

export function lineAt(raw: string, position: number): number {
  return raw.slice(0, position).split('\n').length
}

function hasDocstring(lines: readonly string[], slot: number): boolean {
  if (!(lines[slot - 1] ?? '').trimEnd().endsWith('*/')) return false
  let first = slot - 1
  while (first > 0 && !(lines[first] ?? '').includes('/*')) first--
  return (lines[first] ?? '').trimStart().startsWith('/**')
}

/** A header broken over lines ends in a line that starts with `)`; it began at the last line indented as that one. */
function headerStart(lines: readonly string[], slot: number): number {
  const line = lines[slot] ?? ''
  if (!/^\s*[)\]}>]/.test(line) || /^\s*\}/.test(line)) return slot
  for (let first = slot - 1; first >= 0; first--) {
    if ((lines[first] ?? '').trim() !== '' && indent(lines[first]) <= indent(line)) return first
  }
  return slot
}

function opensFunction(line: string, first: string): boolean {
  if (/=>\s*\{\s*$/.test(line)) return true
  const start = first.trimStart()
  if (
    /^(?:\} )?(?:if|else|for|while|switch|catch|do|try|finally|with|return|throw|await|new|class|interface)\b/.test(
      start,
    )
  ) {
    return false
  }
  if (/^(?:export |default |async )*function\b/.test(start)) return true
  const isMethod =
    /^(?:(?:static|async|override|get|set) |\*)*[#\w$]+(?:<.*>)?\(|^(?:(?:static|async) |\*)*\[[\w.$]+\]\(/
  return isMethod.test(start) && /\)(?:: .+)?\s*\{\s*$/.test(line)
}

/** The line that closes the block opened at `slot`; one that opens again at once, `} {`, closed only a type. */
function blockEnd(lines: readonly string[], slot: number): number {
  const depth = indent(lines[slot])
  for (let last = slot + 1; last < lines.length; last++) {
    const line = lines[last] ?? ''
    if (line.trim() === '' || indent(line) > depth) continue
    if (!line.trimEnd().endsWith('{')) return last
  }
  return lines.length - 1
}

function indent(line: string | undefined): number {
  return /^\s*/.exec(line ?? '')?.[0].length ?? 0
}

function blank(raw: string, spans: readonly Span[]): string {
  let result = ''
  let position = 0
  for (const { start, end } of spans) {
    result += raw.slice(position, start) + raw.slice(start, end).replace(/[^\n]/g, ' ')
    position = end
  }
  return result + raw.slice(position)
}

/** Finds comments and the insides of literals; a template's `${…}` is code again. */
function scan(raw: string): Span[] {
  const spans: Span[] = []
  const templates: number[] = [] // depth of braces at which a template goes on
  let depth = 0
  let position = 0
  const add = (kind: Span['kind'], end: number) => {
    spans.push({ kind, start: position, end })
    position = end
  }
  const addTemplate = () => {
    const end = templateEnd(raw, position)
    const opens = raw[end] === '$'
    add('literal', end)
    position += opens ? 2 : 1
    if (opens) templates.push(depth)
  }
  while (position < raw.length) {
    const here = raw[position]
    if (raw.startsWith('//', position)) add('comment', indexOrEnd(raw, '\n', position))
    else if (raw.startsWith('/*', position)) add('comment', indexOrEnd(raw, '*/', position + 2) + 2)
    else if (here === "'" || here === '"' || (here === '/' && startsRegExp(raw, position, spans))) {
      position++
      add('literal', literalEnd(raw, position, here))
      position++
    } else if (here === '`' || (here === '}' && templates.at(-1) === depth)) {
      if (here === '}') templates.pop()
      position++
      addTemplate()
    } else {
      if (here === '{') depth++
      if (here === '}') depth--
      position++
    }
  }
  return spans
}

function indexOrEnd(raw: string, what: string, from: number): number {
  const index = raw.indexOf(what, from)
  return index < 0 ? raw.length : index
}

function templateEnd(raw: string, from: number): number {
  for (let position = from; position < raw.length; position++) {
    if (raw[position] === '\\') position++
    else if (raw[position] === '`' || raw.startsWith('${', position)) return position
  }
  return raw.length
}

/** Where a string or a regular expression ends; inside `[…]` a slash does not end one. */
function literalEnd(raw: string, from: number, quote: string): number {
  let isInClass = false
  for (let position = from; position < raw.length; position++) {
    const here = raw[position]
    if (here === '\n') return position
    if (here === '\\') position++
    else if (quote === '/' && (here === '[' || here === ']')) isInClass = here === '['
    else if (here === quote && !isInClass) return position
  }
  return raw.length
}

/** A slash divides after a value, and begins a regular expression after anything else. */
function startsRegExp(raw: string, position: number, spans: readonly Span[]): boolean {
  const last = spans.at(-1)
  const isAfterComment = last?.kind === 'comment' && raw.slice(last.end, position).trim() === ''
  const before = raw.slice(Math.max(0, position - 100), isAfterComment ? last.start : position).trimEnd()
  if (/\b(?:return|typeof|case|in|of|delete|void|throw|new|await|yield|else|do)$/.test(before)) return true
  return !/[\w$)\]}'"`]$/.test(before)
}
