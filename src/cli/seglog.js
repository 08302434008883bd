#!/usr/bin/env node
/*
 * Where the command line starts: looks at the version of Node before anything else is loaded, because an older one
 * would fail on the syntax of the rest, or inside native code. Any Node since 12.17 can read this file.
 */
const NEEDED = [22, 19]

const found = process.versions.node
const [major, minor] = found.split('.').map(Number)

if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) {
  import('./main.ts').then(({ runProcess }) => runProcess())
} else {
  process.stderr.write(
    `seglog: NODE_TOO_OLD: Node ${NEEDED.join('.')} or newer is needed, this is ${found}\n`,
  )
  process.exitCode = 3
}
