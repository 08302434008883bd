import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const page = readFileSync(new URL('../docs/kafka-differences.md', import.meta.url), 'utf8')
const pathOf = (name: string) => fileURLToPath(new URL(`${name}.test.ts`, import.meta.url))

/** `log/roll` or, with the beginning of a test's name, `log/roll: _never rolls_`. */
const REFERENCE = /(?<= |\()((?:kafka|log|unit\/\w+)\/[a-z-]+)(?:: _(.+?)_)?(?=[ ;|])/g

/** What a file says, without what quotes look like in code. */
const plain = (text: string) => text.replaceAll('\\', '')

it('every test that docs/kafka-differences.md names is there', () => {
  const references = [...page.matchAll(REFERENCE)].map(([, file, name]) => ({ file: file!, name }))
  expect(references.length).toBeGreaterThan(30)
  const missing = references.filter(({ file, name }) => {
    if (!existsSync(pathOf(file))) return true
    return name !== undefined && !plain(readFileSync(pathOf(file), 'utf8')).includes(name)
  })
  expect(missing).toEqual([])
})

it('every page that docs/kafka-differences.md links to is there', () => {
  const links = [...page.matchAll(/\]\(([\w/.-]+)(?:#[\w-]+)?\)/g)].map(([, target]) => target!)
  expect(links.length).toBeGreaterThan(4)
  const directory = new URL('../docs/', import.meta.url)
  expect(links.filter((target) => !existsSync(new URL(target, directory)))).toEqual([])
})
