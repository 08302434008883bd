import { describe, expect, it } from 'vitest'
import { exportsOf, functionsOf, importsOf, sourceFile } from '../helpers/source-file.ts'

const of = (...lines: string[]) => sourceFile('x.ts', lines.join('\n'))

describe('a source file without its comments and literals', () => {
  it('is as long as with them', () => {
    const file = of('const a = "x" // y', '/* z */ b(`t${c}u`, /r/)')
    expect(file.text).toBe('const a = "x"     \n        b(`t${c}u`, /r/)')
    expect(file.code).toBe('const a = " "     \n        b(` ${c} `, / /)')
  })

  it.each([
    [String.raw`a('it\'s', "\"")`, String.raw`a('     ', "  ")`],
    ["a('// no comment') + b", "a('             ') + b"],
    ["a('/* none */') // one", "a('          ')       "],
    ['`a ${b(`c ${d} e`)} f` + g', '`  ${b(`  ${d}  `)}  ` + g'],
    ['`a ${{ b: { c } }} d` + e', '`  ${{ b: { c } }}  ` + e'],
    ['a / b / c // d', 'a / b / c     '],
    ['x.replace(/[\'"/]/g, y)', 'x.replace(/     /g, y)'],
    ["return /'/.test(x)", 'return / /.test(x)'],
    ["a[0] / 2 + ')' / 3", "a[0] / 2 + ' ' / 3"],
    [String.raw`/[\]/'"]/.test(a)`, '/       /.test(a)'],
    ['(a) / b + (c) / d', '(a) / b + (c) / d'],
    ['a = b /* c */ / d', 'a = b         / d'],
  ])('of %s is %s', (raw, code) => {
    expect(of(raw).code).toBe(code)
  })
})

describe('importsOf', () => {
  it('finds every way to name a module, with its line', () => {
    const file = of(
      "import a from 'a'",
      "import 'b'",
      'import {',
      '  c,',
      "} from 'c'",
      "export { d } from 'd'",
      "export * from 'e'",
      "import type { F } from 'f'",
      "const g = await import('g')",
      "type H = import('h').H",
      "new Worker(new URL('./i.ts', import.meta.url))",
    )
    expect(importsOf(file).map(({ specifier, line }) => `${line} ${specifier}`)).toEqual([
      '1 a',
      '2 b',
      '5 c',
      '6 d',
      '7 e',
      '8 f',
      '9 g',
      '10 h',
      '11 ./i.ts',
    ])
  })

  it('finds none in comments, strings and other statements', () => {
    const file = of(
      "// import a from 'a'",
      "/* import('b') */",
      'const c = "import d from \'d\'"',
      "export const e = 'e'",
      "export type F = 'f'",
      "export function h(i: 'j' | 'k'): void {}",
      'export { l }',
      "m('n')",
      "important('g')",
    )
    expect(importsOf(file)).toEqual([])
  })
})

describe('functionsOf', () => {
  it('counts the lines of each from its header to its last brace', () => {
    const file = of(
      'export async function a(): Promise<void> {', // 1
      '  b()',
      '}',
      'class C {',
      '  constructor(d: string) {', // 5
      '    this.d = d',
      '  }',
      '  get #e(): { f: number } {', // 8
      '    return g',
      '  }',
      '  async *[Symbol.asyncIterator]() {', // 11
      '    yield 1',
      '  }',
      '}',
      'function h(', // 15
      '  i: number,',
      '): {',
      '  j: number',
      '} {',
      '  if (i) {',
      '    k()',
      '  } else {',
      '    for (const l of m) {',
      '    }',
      '  }',
      '}', // 26
      'const n = async (o: number) => {', // 27
      '',
      '}',
      'const p = {',
      '  q(r: number) {', // 31
      '  },',
      '}',
      'export function* s<T extends { u: 1 }>(t: T): Iterable<T> {', // 34
      '}',
    )
    expect(functionsOf(file).map(({ line, lineCount }) => `${line}+${lineCount}`)).toEqual([
      '1+3',
      '5+3',
      '8+3',
      '11+3',
      '15+12',
      '27+3',
      '31+2',
      '34+2',
    ])
  })

  it('takes no block, class or literal for one', () => {
    const file = of(
      'if (a) {',
      '} else if (b) {',
      '}',
      'for (const c of d(e)) {',
      '}',
      'if (',
      '  f &&',
      '  g()',
      ') {',
      '}',
      'try {',
      '} catch (error) {',
      '}',
      'switch (h(i)) {',
      '  case 1: {',
      '  }',
      '}',
      'export class J extends K(L) {',
      '}',
      'export interface M {',
      '}',
      'const n = o({',
      '})',
      'const p = {',
      '}',
      "const q = 'function r() {'",
      '// function s() {',
      'do {',
      '} while (t)',
    )
    expect(functionsOf(file)).toEqual([])
  })
})

describe('exportsOf', () => {
  it('says which declarations have a docstring directly above', () => {
    const file = of(
      '/** A. */',
      'export function a(): void {}',
      'export async function b(): Promise<void> {}',
      '/**',
      ' * C.',
      ' */',
      'export class C {}',
      '/** D. */',
      '',
      'export interface D {}',
      '/* F. */',
      'export type F = 1',
      '/** G. */',
      'export function g(x: string): void',
      'export function g(x: number): void',
      'function hidden() {}',
      "const text = 'export function x() {}'",
    )
    const documented = exportsOf(file).map(
      ({ kind, name, isDocumented }) => `${kind} ${name} ${isDocumented}`,
    )
    expect(documented).toEqual([
      'function a true',
      'function b false',
      'class C true',
      'interface D false',
      'type F false',
      'function g true',
      'function g true',
    ])
  })
})
