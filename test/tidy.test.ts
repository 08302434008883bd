/*
 * The house rules that a machine can hold. Each test is one rule, and what it lists is what breaks it, one place a
 * line. Rules of layout hold for formatted code: run `npm run format` first.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ERROR_TABLE } from '../src/core/index.ts'
import {
  exportsOf,
  functionsOf,
  importsOf,
  lineAt,
  type SourceFile,
  sourceFile,
} from './helpers/source-file.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What each folder of src may import from, besides itself. `root` stands for the files of src itself. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ['core'],
  fs: ['core'],
  codec: ['core'],
  record: ['core', 'codec'],
  'offset-index': ['core', 'fs'],
  layout: ['core', 'fs'],
  segment: ['core', 'fs', 'record', 'offset-index', 'layout'],
  log: ['core', 'config', 'fs', 'record', 'offset-index', 'layout', 'segment'],
  cleanup: ['core', 'config', 'fs', 'record', 'offset-index', 'layout', 'segment', 'log'],
  store: ['core', 'config', 'fs', 'record', 'offset-index', 'layout', 'segment', 'log', 'cleanup'],
  inspect: ['core', 'fs', 'record', 'offset-index', 'layout', 'segment'],
  root: 'core config fs codec record offset-index layout segment log cleanup store inspect'.split(' '),
  testing: 'root core config fs codec record offset-index layout segment log cleanup store inspect'.split(
    ' ',
  ),
  cli: 'root core config fs codec record offset-index layout segment log cleanup store inspect testing'.split(
    ' ',
  ),
}

/** Where each package and each guarded module of Node may be imported; other packages are imported nowhere. */
const MODULES: Readonly<Record<string, readonly string[]>> = {
  'better-sqlite3': ['fs', 'offset-index'],
  'fs-extra': ['fs'],
  'node:fs': ['fs'],
  'node:fs/promises': ['fs'],
  'crc-32': ['codec'],
  '@node-rs/crc32': ['codec'],
  '@platformatic/wasm-utils': ['codec'],
  'node:zlib': ['codec'],
  'node:diagnostics_channel': ['core'],
  commander: ['cli'],
}

const ENTRY_POINTS = new Set([
  'src/index.ts',
  'src/testing/index.ts',
  'src/cli/seglog.js',
  'src/cli/demo/main.ts',
])

const PURE_LAYERS = new Set(['codec', 'record'])

const SKIPPED_DIRECTORIES = new Set([
  '.git',
  'node_modules',
  'dist',
  'coverage',
  'data/store',
  'test/kafka/.kafka',
  'bench/rivals/node_modules',
])

function listFiles(directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(directory, entry.name)
    if (entry.isDirectory()) return SKIPPED_DIRECTORIES.has(path) ? [] : listFiles(path)
    return entry.isFile() ? [path] : []
  })
}

const paths = listFiles('.').sort()
const isSource = (path: string) => /\.(?:ts|js)$/.test(path)
const load = (path: string) => sourceFile(path, readFileSync(join(root, path), 'utf8'))
const sources = paths.filter((path) => path.startsWith('src/') && isSource(path)).map(load)
const tests = paths.filter((path) => path.startsWith('test/') && isSource(path)).map(load)

/** The folder of src that a file lies in, `root` for src itself. */
function layerOf(path: string): string {
  const parts = path.split('/')
  return parts.length > 2 ? (parts[1] ?? '') : 'root'
}

/** Every place in the code of `files` that `pattern` matches; comments and strings are no code. */
function places(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    Array.from(file.code.matchAll(new RegExp(pattern, 'gm'))).map(
      (match) => `${file.path}:${lineAt(file.code, match.index)} ${match[0].trim()}`,
    ),
  )
}

/** The relative imports of a file, as paths from the repository's root. */
function localImports(file: SourceFile): { target: string; line: number }[] {
  return importsOf(file)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, line }) => ({ target: posix.join(dirname(file.path), specifier), line }))
}

/** True where a file may name `target`: anything of its own folder, and the doors of others. */
const isDoor = (file: SourceFile, target: string) =>
  layerOf(file.path) === layerOf(target) || /^src\/(?:[\w-]+\/)?index\.ts$/.test(target)

const word = (flag: boolean) => (flag ? 'yes' : 'no')

const outside = (...allowed: string[]) =>
  sources.filter((file) => !allowed.some((path) => file.path.startsWith(path)))

describe('layers', () => {
  it('every folder of src is in the table', () => {
    const folders = new Set(sources.map((file) => layerOf(file.path)))
    expect([...folders].filter((folder) => !Object.hasOwn(LAYERS, folder))).toEqual([])
  })

  it('the table lets nothing import in a circle', () => {
    const rank = new Map(Object.keys(LAYERS).map((layer, index) => [layer, index]))
    for (const [layer, below] of Object.entries(LAYERS)) {
      for (const other of below) expect(rank.get(other)).toBeLessThan(rank.get(layer) ?? -1)
    }
  })

  it('imports go down only', () => {
    const upward = sources.flatMap((file) =>
      localImports(file)
        .filter(({ target }) => {
          const [from, to] = [layerOf(file.path), layerOf(target)]
          return from !== to && !(LAYERS[from] ?? []).includes(to)
        })
        .map(({ target, line }) => `${file.path}:${line} imports ${target}`),
    )
    expect(upward).toEqual([])
  })

  it("a folder is entered through its index.ts, and every import ends in a file's name", () => {
    const sideways = sources.flatMap((file) =>
      localImports(file)
        .filter(({ target }) => !isSource(target) || !target.startsWith('src/') || !isDoor(file, target))
        .map(({ target, line }) => `${file.path}:${line} imports ${target}`),
    )
    expect(sideways).toEqual([])
  })

  it('packages and guarded modules are imported where the table says, and no other packages anywhere', () => {
    const misplaced = sources.flatMap((file) =>
      importsOf(file)
        .filter(({ specifier }) => !specifier.startsWith('.'))
        .filter(({ specifier }) => {
          const name = moduleName(specifier)
          return Object.hasOwn(MODULES, name)
            ? !MODULES[name]?.includes(layerOf(file.path))
            : !name.startsWith('node:')
        })
        .map(({ specifier, line }) => `${file.path}:${line} imports ${specifier}`),
    )
    expect(misplaced).toEqual([])
  })

  it("Node's own modules are named node:", () => {
    const bare = sources.flatMap((file) =>
      importsOf(file)
        .filter(({ specifier }) =>
          /^(?:fs|path|os|crypto|zlib|util|events|stream|child_process|worker_threads)\b/.test(specifier),
        )
        .filter(({ specifier }) => moduleName(specifier) !== 'fs-extra')
        .map(({ specifier, line }) => `${file.path}:${line} imports ${specifier}`),
    )
    expect(bare).toEqual([])
  })

  it('codec and record are pure: no file, no clock, no timer, no environment', () => {
    const pure = sources.filter((file) => PURE_LAYERS.has(layerOf(file.path)))
    expect(places(pure, /\b(?:process|performance|fetch|set(?:Timeout|Interval|Immediate))\b/)).toEqual([])
  })

  it('every file of src is imported by another one or is an entry point', () => {
    const imported = new Set(sources.flatMap((file) => localImports(file).map(({ target }) => target)))
    const loose = sources.filter((file) => !imported.has(file.path) && !ENTRY_POINTS.has(file.path))
    expect(loose.map((file) => file.path)).toEqual([])
  })

  it('every file that an import of src or test names exists', () => {
    const known = new Set(paths)
    const broken = [...sources, ...tests].flatMap((file) =>
      localImports(file)
        .filter(({ target }) => !known.has(target.replace(/[?#].*$/, '')) && isSource(target))
        .map(({ target, line }) => `${file.path}:${line} names ${target}`),
    )
    expect(broken).toEqual([])
  })
})

describe('files and functions', () => {
  it('no file of src is over 400 lines', () => {
    expect(longerThan(sources, 400)).toEqual([])
  })

  it('no file of test is over 600 lines', () => {
    expect(longerThan(tests, 600)).toEqual([])
  })

  it('no function of src is over 60 lines', () => {
    const long = sources.flatMap((file) =>
      functionsOf(file)
        .filter(({ lineCount }) => lineCount > 60)
        .map(({ header, line, lineCount }) => `${file.path}:${line} has ${lineCount} lines: ${header}`),
    )
    expect(long).toEqual([])
  })

  it('every export of src has a docstring directly above it', () => {
    const bare = sources.flatMap((file) =>
      exportsOf(file)
        .filter(({ isDocumented }) => !isDocumented)
        .map(({ kind, name, line }) => `${file.path}:${line} ${kind} ${name}`),
    )
    expect(bare).toEqual([])
  })

  it('names of files are lower case words joined by dashes', () => {
    const named = [...sources, ...tests].map((file) => file.path)
    expect(
      named.filter((path) => !/\/[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9-]+)*\.(?:ts|js)$/.test(path)),
    ).toEqual([])
  })
})

describe('code', () => {
  it('has no any', () => {
    expect(places([...sources, ...tests], /(?<![.\w])any\b(?!\s*[:(])/)).toEqual([])
  })

  it('prints nothing outside the command line', () => {
    expect(places(outside('src/cli/'), /\bconsole\.\w+|\bprocess\.std(?:out|err)\b/)).toEqual([])
  })

  it('is handed the clock: nothing else asks the machine for the time', () => {
    const asks = /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\.now\b|\bprocess\.hrtime\b/
    expect(places(outside('src/core/clock.ts', 'src/cli/'), asks)).toEqual([])
  })

  it('is handed the timers: nothing else starts one', () => {
    expect(places(outside('src/core/clock.ts', 'src/cli/'), /\bset(?:Timeout|Interval)\b/)).toEqual([])
  })

  it('is handed chance: nothing else draws it', () => {
    const draws = /\bMath\.random\b|\brandom(?:Bytes|Int|UUID|FillSync)\b|\bgetRandomValues\b/
    expect(places(outside('src/core/random.ts', 'src/cli/'), draws)).toEqual([])
  })

  it('throws SeglogError, or what says that an argument or we are wrong, and never a bare Error', () => {
    expect(places(outside('src/core/', 'src/cli/', 'src/testing/'), /\bthrow new Error\b/)).toEqual([])
  })

  it('runs unbuilt: no enum, no namespace, no parameter properties', () => {
    const erasable =
      /^\s*(?:export )?(?:const )?enum \w|^\s*(?:export )?namespace \w|constructor\([^)]*\b(?:private|public|protected) /m
    expect(places(sources, erasable)).toEqual([])
  })

  it('leaves nothing for later', () => {
    const later = new RegExp(
      ['TO', 'FIX'].map((start, slot) => `\\b${start}${['DO', 'ME'][slot]}\\b`).join('|'),
    )
    const found = textFiles().flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, slot) => (later.test(line) ? [`${path}:${slot + 1}`] : [])),
    )
    expect(found).toEqual([])
  })
})

describe('tests', () => {
  it('lie where their file lies: src/a/b.ts is tested by test/unit/a/b.test.ts', () => {
    const known = new Set(paths)
    const astray = tests
      .map((file) => file.path)
      .filter((path) => path.startsWith('test/unit/') && path.endsWith('.test.ts'))
      .filter((path) => {
        const subject = path.slice('test/unit/'.length).replace(/(?:\.[\w-]+)?\.test\.ts$/, '') // b.fuzz.test.ts tests b
        return !['src', 'test/helpers'].some((folder) =>
          ['ts', 'js'].some((extension) => known.has(`${folder}/${subject}.${extension}`)),
        )
      })
    expect(astray).toEqual([])
  })

  it('run all of themselves: none is left alone or left out', () => {
    expect(places(tests, /\b(?:it|test|describe)\.(?:only|skip|todo)\b/)).toEqual([])
  })

  it('wait for what happens, not for time to pass', () => {
    expect(places(tests, /setTimeout\(resolve|\bsetTimeout\((?:\w+), \d/)).toEqual([])
  })
})

describe('documents', () => {
  const errors = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  const codes = Object.keys(ERROR_TABLE).sort()

  it('docs/errors.md has a paragraph for every code and for nothing else', () => {
    const headings = Array.from(errors.matchAll(/^### (.+)$/gm), (match) => match[1]).sort()
    expect(headings).toEqual(codes)
    const bodies = Array.from(errors.matchAll(/^### (.+)\n\n(.+)/gm), (match) => match[1]).sort()
    expect(bodies).toEqual(codes)
  })

  it('docs/errors.md has the table that the code has', () => {
    const rows = Object.entries(ERROR_TABLE).map(
      ([code, { kind, retriable, poisons, exitCode }]) =>
        `| \`${code}\` | ${kind} | ${word(retriable)} | ${word(poisons)} | ${exitCode} |`,
    )
    const found = errors.split('\n').filter((line) => line.startsWith('| `'))
    expect(found.map((line) => line.replace(/ +/g, ' '))).toEqual(rows) // the formatter aligns the columns
  })

  it('links between documents lead to files', () => {
    const known = new Set(paths)
    const broken = textFiles()
      .filter(({ path }) => path.endsWith('.md'))
      .flatMap(({ path, text }) =>
        Array.from(text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g))
          .map((match) => posix.join(dirname(path), match[1] ?? ''))
          .filter(
            (target) =>
              !known.has(target) && !paths.some((other) => other.startsWith(`${target.replace(/\/$/, '')}/`)),
          )
          .map((target) => `${path} links to ${target}`),
      )
    expect(broken).toEqual([])
  })

  it('nothing but the lock file names a package registry', () => {
    const registry = ['registry', 'npmjs'].join('.')
    const naming = textFiles().filter(
      ({ path, text }) => path !== 'package-lock.json' && text.includes(registry),
    )
    expect(naming.map(({ path }) => path)).toEqual([])
  })

  it('no text file has a line that ends in blanks, or a carriage return', () => {
    const ragged = textFiles()
      .filter(({ path }) => !path.startsWith('data/'))
      .flatMap(({ path, text }) =>
        text.split('\n').flatMap((line, slot) => (/[ \t\r]$/.test(line) ? [`${path}:${slot + 1}`] : [])),
      )
    expect(ragged).toEqual([])
  })
})

function moduleName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

function longerThan(files: readonly SourceFile[], lines: number): string[] {
  return files
    .map((file) => ({ path: file.path, count: file.raw.trimEnd().split('\n').length }))
    .filter(({ count }) => count > lines)
    .map(({ path, count }) => `${path} has ${count} lines`)
}

/** The files of the repository that are text, up to 1 MiB. */
function textFiles(): { path: string; text: string }[] {
  return paths
    .filter((path) => /\.(?:ts|js|json|md|yml|yaml|sh)$|(?:^|\/)[^.]+$|(?:^|\/)\.\w+$/.test(path))
    .map((path) => ({ path, bytes: readFileSync(join(root, path)) }))
    .filter(({ bytes }) => bytes.length <= 1024 * 1024 && !bytes.includes(0))
    .map(({ path, bytes }) => ({ path, text: bytes.toString() }))
}
