import type { Scenario } from '../scenario.ts'

/** Where each benchmark is: a process that has one to do loads no other, and no library's adapter for others. */
const FILES: Readonly<Record<string, string>> = {
  'append-100b': 'append-batches.ts',
  'append-1kib': 'append-batches.ts',
  'durable-alone': 'durable.ts',
  'durable-64': 'durable.ts',
  'scan-100b': 'scan.ts',
  'scan-1kib': 'scan.ts',
  'reopen-clean': 'reopen.ts',
  'reopen-killed': 'reopen.ts',
  'scale-open-log': 'scale-open.ts',
  'scale-open-store': 'scale-open.ts',
}

/** Loads one benchmark; most are in a file of their name. Errors: what `import` throws, or Error when it is not in there. */
export async function loadScenario(name: string): Promise<Scenario> {
  const file = FILES[name] ?? `${name}.ts`
  const exports = (await import(new URL(file, import.meta.url).href)) as Readonly<
    Record<string, Partial<Scenario> | undefined>
  >
  const found = Object.values(exports).find((one) => one?.name === name && one.subjects !== undefined)
  if (found === undefined) throw new Error(`there is no benchmark ${name} in ${file}`)
  return found as Scenario
}
