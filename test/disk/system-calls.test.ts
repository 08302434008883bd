import { describe, expect, it } from 'vitest'
import { operationsOf, parseTrace } from './system-calls.ts'

const trace = String.raw`
100 openat(AT_FDCWD</home/me>, "log", O_RDONLY|O_DIRECTORY|O_CLOEXEC) = 17</home/me/log>
100 close(17</home/me/log>) = 0
100 mkdir("/home/me/log/quarantine", 0700) = 0
100 mkdir("/home/me/log/quarantine", 0700) = -1 EEXIST (File exists)
100 openat(AT_FDCWD</home/me>, "log/00.log", O_RDWR|O_CREAT|O_EXCL|O_APPEND|O_CLOEXEC, 0600) = 21</home/me/log/00.log>
101 openat(AT_FDCWD</home/me>, "/home/me/log", O_RDONLY|O_CLOEXEC <unfinished ...>
100 pwrite64(21</home/me/log/00.log>, "a,\"b)\\\0\377\0011", 9, 0) = 9
101 <... openat resumed>)                 = 22</home/me/log>
101 fsync(22</home/me/log> <unfinished ...>
100 pwrite64(21</home/me/log/00.log>, "more"..., 4096, 9 <unfinished ...>
101 <... fsync resumed>) = 0
102 write(1<pipe:[77]>, "A 0\n", 4)       = 4
100 <... pwrite64 resumed>) = 512
103 fdatasync(21</home/me/log/00.log>)    = -1 EIO (Input/output error) (INJECTED)
103 fdatasync(21</home/me/log/00.log>)    = 0
100 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=9} ---
100 ftruncate(21</home/me/log/00.log>, 9) = 0
100 close(21</home/me/log/00.log>) = 0
100 openat(AT_FDCWD</home/me>, "/home/me/log/point.tmp", O_RDWR|O_CREAT|O_TRUNC|O_APPEND, 0600) = 21</home/me/log/point.tmp>
100 writev(21</home/me/log/point.tmp>, [{iov_base="ab", iov_len=2}, {iov_base="c\n", iov_len=2}], 2) = 4
[pid   104] rename("/home/me/log/point.tmp", "/home/me/log/point") = 0
100 renameat2(AT_FDCWD</home/me>, "log/00.log", 9</home/me/log>, "00.log.deleted", RENAME_NOREPLACE) = 0
100 unlink("/home/me/log/00.log.deleted") = 0
100 openat(AT_FDCWD</home/me>, "/home/me/log/index.db-wal", O_RDWR|O_CREAT, 0600) = 30</home/me/log/index.db-wal>
100 pwrite64(30</home/me/log/index.db-wal>, "x", 1, 0) = 1
100 openat(AT_FDCWD</home/me>, "/home/me/log/.lock", O_RDWR|O_CREAT, 0600) = 31</home/me/log/.lock>
100 openat(AT_FDCWD</home/me>, "/home/me/log2/a", O_RDONLY) = 32</home/me/log2/a>
100 openat(AT_FDCWD</home/me>, "/home/me/log/gr\303\274n", O_RDONLY) = 33</home/me/log/gr\303\274n>
101 fsync(22</home/me/log> <unfinished ...>
100 +++ exited with 0 +++
101 <... fsync resumed>)                  = ?
`

describe('a trace of system calls', () => {
  const calls = parseTrace(trace)
  const find = (call: string, slot = 0) => calls.filter((other) => other.call === call)[slot]!

  it('gives what a write was given, byte by byte', () => {
    expect(find('pwrite64').data).toEqual(Buffer.from([...Buffer.from('a,"b)\\\0'), 0xff, 1, 0x31]))
    expect(find('writev').data?.toString()).toBe('abc\n')
    expect(find('write')).toMatchObject({ descriptor: 1, path: 'pipe:[77]', result: 4 })
  })

  it('joins the halves of a call that was interrupted, and knows when it began and ended', () => {
    const sync = find('fsync')
    const write = find('pwrite64', 1)
    expect(sync).toMatchObject({ thread: 101, path: '/home/me/log', result: 0 })
    expect(write).toMatchObject({ thread: 100, result: 512 })
    expect(write.begun).toBeLessThan(sync.ended)
    expect(sync.ended).toBeLessThan(write.ended)
    expect(calls.indexOf(sync)).toBeLessThan(calls.indexOf(write))
  })

  it('tells what failed, and what the end of the process left open', () => {
    expect(find('fdatasync')).toMatchObject({ result: -1, error: 'EIO' })
    expect(find('fdatasync', 1)).toMatchObject({ result: 0, error: undefined })
    expect(find('mkdir', 1)).toMatchObject({ result: -1, error: 'EEXIST' })
    expect(find('fsync', 1).result).toBe(undefined)
  })

  it('knows how a file was opened that is written, also when a descriptor is used again', () => {
    expect(find('pwrite64').flags.has('O_EXCL')).toBe(true)
    expect(find('writev').flags.has('O_EXCL')).toBe(false)
    expect(find('writev').flags.has('O_TRUNC')).toBe(true)
  })

  it('becomes a list of operations on the files of the log, in the order in which they ended', () => {
    expect(operationsOf(trace, '/home/me/log')).toEqual([
      { kind: 'makeDirectory', path: 'quarantine' },
      { kind: 'create', path: '00.log' },
      { kind: 'write', path: '00.log', sizeBytes: 9 },
      { kind: 'syncDirectory', path: '.' },
      { kind: 'write', path: '00.log', sizeBytes: 512 },
      { kind: 'syncData', path: '00.log' },
      { kind: 'truncate', path: '00.log', sizeBytes: 9 },
      { kind: 'create', path: 'point.tmp' },
      { kind: 'write', path: 'point.tmp', sizeBytes: 4 },
      { kind: 'rename', path: 'point.tmp', to: 'point' },
      { kind: 'rename', path: '00.log', to: '00.log.deleted' },
      { kind: 'remove', path: '00.log.deleted' },
      { kind: 'open', path: 'grün' },
    ])
  })

  it('may be empty, or of something else', () => {
    expect(operationsOf('', '/home/me/log')).toEqual([])
    expect(operationsOf(trace, '/home/you/log')).toEqual([])
  })
})
