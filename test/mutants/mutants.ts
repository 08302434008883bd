/*
 * Faults put into the engine on purpose, each with the test that has to notice. A test that notices none of them proves
 * nothing; a fault that nobody notices is a promise nobody checks. `npm run test:mutants` runs them.
 *
 * A patch names text that occurs exactly once in its file, so that it can't miss silently when the code moves on;
 * `mutants.test.ts` holds that in every `npm test`.
 */

/** A change of one file. */
export interface Patch {
  readonly file: string
  /** Occurs exactly once. */
  readonly find: string
  readonly replace: string
}

/** Tests of one file, those whose full name, as in `group > test`, contains `name`: at least one of them has to fail. */
export interface TestKiller {
  readonly file: string
  readonly name: string
}

/** An npm script that has to exit with an error and to say something that contains `says`. */
export interface ScriptKiller {
  readonly script: string
  readonly args: readonly string[]
  readonly says: string
}

export type Killer = TestKiller | ScriptKiller

/** One fault; every one of its killers has to notice it. */
export interface Mutant {
  readonly id: string
  /** What it breaks, in a sentence. */
  readonly breaks: string
  readonly patches: readonly Patch[]
  readonly killers: readonly Killer[]
}

/** Crash points of one workload, from one seed. */
const crash = (workload: string, states = 400): ScriptKiller => ({
  script: 'test:crash',
  args: ['--seed', '1', '--jobs', '1', '--workload', workload, '--states', String(states)],
  says: 'BROKEN',
})

/** One workload with each of its syncs failing in turn, and a crash afterwards. */
const failingSyncs = (workload: string): ScriptKiller => ({
  script: 'test:crash',
  args: ['--seed', '1', '--jobs', '1', '--workload', workload, '--sweep', 'sync-eio-once'],
  says: 'BROKEN',
})

const durability = (name: string): TestKiller => ({ file: 'test/log/durability.test.ts', name })
const recovery = (name: string): TestKiller => ({ file: 'test/log/recovery.test.ts', name })

export const MUTANTS: readonly Mutant[] = [
  {
    id: 'M1',
    breaks: 'appends at `disk` are acknowledged before their fdatasync has returned',
    patches: [
      {
        file: 'src/log/writer.ts',
        find: '        await this.sync()\n      } catch {',
        replace: '        this.sync().catch(() => {})\n      } catch {',
      },
    ],
    killers: [
      durability('is told after an fdatasync that began after the last byte was written'),
      crash('small-durable-appends'),
    ],
  },
  {
    id: 'M2',
    breaks: 'the directory is not synced after a segment was made in it',
    patches: [
      {
        file: 'src/log/writer-hooks.ts',
        find: "'create-fill' : 'create'),\n  )\n  try {\n    await syncNames(fileSystem, paths.directory)",
        replace: "'create-fill' : 'create'),\n  )\n  try {\n    await Promise.resolve()",
      },
    ],
    killers: [
      durability('of a roll: the old segment synced, the new one made, its name durable'),
      crash('tiny-segments'),
    ],
  },
  {
    id: 'M3',
    breaks: 'the directory is not synced after a checkpoint was renamed into place',
    patches: [
      {
        file: 'src/fs/atomic-file.ts',
        find: '  await renameTemporary(fileSystem, temporary, path)\n  await syncNames(fileSystem, dirname(path))\n',
        replace: '  await renameTemporary(fileSystem, temporary, path)\n',
      },
    ],
    killers: [
      {
        file: 'test/unit/fs/atomic-file.test.ts',
        name: 'writes aside, syncs, renames and syncs the directory',
      },
      crash('delete-records'),
    ],
  },
  {
    id: 'M4',
    breaks: 'a segment is not synced before the next one is made',
    patches: [
      {
        file: 'src/log/writer.ts',
        find: '    await this.beforeWriting()\n    await this.syncAsEnd()\n',
        replace: '    await this.beforeWriting()\n',
      },
    ],
    killers: [
      durability('of a roll: the old segment synced, the new one made, its name durable'),
      crash('tiny-segments'),
    ],
  },
  {
    id: 'M5',
    breaks: "a batch's CRC is not checked",
    patches: [
      {
        file: 'src/record/batch-check.ts',
        find: 'if (actualCrc !== storedCrc) {',
        replace: 'if (false) {',
      },
    ],
    killers: [
      { file: 'test/log/damage.test.ts', name: 'is BATCH_CORRUPT with the place for every way to read' },
      { file: 'test/log/bit-flips.test.ts', name: 'a small log left by a killed process' },
    ],
  },
  {
    id: 'M6',
    breaks: "a batch's CRC is checked, and its place in the order of offsets is not",
    patches: [
      {
        file: 'src/segment/batch-scan.ts',
        find: 'if (baseOffset === expectedOffset || (!dense && baseOffset > expectedOffset)) return undefined',
        replace: 'if (true) return undefined',
      },
    ],
    killers: [
      { file: 'test/log/bit-flips.test.ts', name: 'a small log left by a killed process' },
      { file: 'test/log/torn-tails.test.ts', name: 'a batch of a later time behind, > of a small log' },
    ],
  },
  {
    id: 'M8',
    breaks: 'what the index says is believed without a look at the batch it leads to',
    patches: [
      {
        file: 'src/segment/locate.ts',
        find: 'let isRight = yield* isBatchAt(segment, entry)',
        replace: 'let isRight = true',
      },
      {
        file: 'src/segment/locate.ts',
        find: 'const order = offsetProblem(baseOffset, expectedOffset, options.dense)',
        replace:
          'const order = position === options.from.position ? undefined : offsetProblem(baseOffset, expectedOffset, options.dense)',
      },
    ],
    killers: [{ file: 'test/log/damage.test.ts', name: 'an index that lies > never changes an answer' }],
  },
  {
    id: 'M9',
    breaks: 'the log is cut at the first bad batch even below the recovery point',
    patches: [
      {
        file: 'src/log/tail-scan.ts',
        find: 'if (problem === undefined || reached < options.recoveryPoint || isUnreadable(problem, dense)) {',
        replace: 'if (problem === undefined || isUnreadable(problem, dense)) {',
      },
    ],
    killers: [
      recovery('a batch that fails its checksum is damage: nothing is cut'),
      { file: 'test/log/torn-tails.test.ts', name: 'cut off, > is never cut below a recovery point' },
    ],
  },
  {
    id: 'M10',
    breaks: 'segments behind damage are deleted, as Kafka does',
    patches: [
      {
        file: 'src/log/recover-segments.ts',
        find: '  refuse(damage, options)\n  const checkpoints = ',
        replace:
          '  const bad = segments.findIndex(({ path }) => path === damage[0]?.path)\n' +
          '  if (bad >= 0) for (const { path } of segments.splice(bad + 1)) await fileSystem.remove(path)\n' +
          '  refuse(damage, options)\n  const checkpoints = ',
      },
    ],
    killers: [
      {
        file: 'test/log/corruption.test.ts',
        name: 'a sealed segment cut in a batch > keeps the log from opening',
      },
    ],
  },
  {
    id: 'M11',
    breaks: 'a write that took less than it was given is taken for a whole one',
    patches: [{ file: 'src/fs/node-file.ts', find: 'written += count', replace: 'written = bytes.length' }],
    killers: [
      { file: 'test/unit/fs/node-file.fences.test.ts', name: 'is followed by others until all is there' },
    ],
  },
  {
    id: 'M12',
    breaks: 'what a full disk has taken of a group of batches is not cut off again',
    patches: [
      {
        file: 'src/log/writer.ts',
        find: 'this.#active.cutBack()',
        replace: 'this.#active.handle.sizeSync()',
      },
    ],
    killers: [{ file: 'test/log/disk-faults.test.ts', name: 'at a write (ENOSPC, after some bytes)' }],
  },
  {
    id: 'M13',
    breaks: 'an fdatasync that failed is tried once more, and believed',
    patches: [
      {
        file: 'src/fs/reopening-file.ts',
        find: 'await this.#syncing\n      this.#syncedChanges',
        replace: 'await this.#syncing.catch(() => handle.syncData())\n      this.#syncedChanges',
      },
    ],
    killers: [
      {
        file: 'test/log/disk-faults.test.ts',
        name: 'poisons: everyone who waited learns in order that the outcome is unknown',
      },
      failingSyncs('small-durable-appends'),
    ],
  },
  {
    id: 'M14',
    breaks: 'after a failed fdatasync the tail is written again in place, over pages the kernel calls clean',
    patches: [
      {
        file: 'src/log/recover-tail.ts',
        find: 'await rewriteSegment(fileSystem, path, { copyPath, sizeBytes, tail: Buffer.alloc(0) })',
        replace:
          "const whole = Buffer.alloc(sizeBytes)\n      handle.readSync(whole, 0)\n      const again = fileSystem.openSync(path, 'overwrite')\n" +
          '      again.overwriteSync(whole, 0)\n      await again.syncData()\n      again.close()\n      void [rewriteSegment, copyPath]',
      },
    ],
    killers: [
      recovery('the segment is saved in a new file, and the marker of the failure goes'),
      failingSyncs('small-durable-appends'),
    ],
  },
  {
    id: 'M18',
    breaks: 'the clean marker goes without the directory being synced, so that a power loss brings it back',
    patches: [
      {
        file: 'src/log/clean-marker-file.ts',
        find: 'await removeFile(this.#fileSystem, this.#paths.cleanMarker)',
        replace: 'await this.#fileSystem.remove(this.#paths.cleanMarker)',
      },
    ],
    killers: [
      durability('of the first write: the clean marker is gone, durably, before it'),
      crash('close-and-reopen'),
    ],
  },
  {
    id: 'M19',
    breaks: 'the clean marker stays while the log is written to',
    patches: [
      {
        file: 'src/log/clean-marker-file.ts',
        find: 'await removeFile(this.#fileSystem, this.#paths.cleanMarker)',
        replace: 'await Promise.resolve()',
      },
    ],
    killers: [
      recovery('keeps its marker until the first write, and loses it durably before that'),
      crash('close-and-reopen'),
    ],
  },
  {
    id: 'M20',
    breaks: 'segments are deleted before the new start offset is durable',
    patches: [
      {
        file: 'src/log/delete-segments.ts',
        find: '    if (next.baseOffset > state.startOffset) await storeStart(parts, next.baseOffset)\n',
        replace: '',
      },
      {
        file: 'src/log/delete-segments.ts',
        find: '    await removeSidecars(parts, { before: next.baseOffset })\n',
        replace:
          '    if (next.baseOffset > state.startOffset) await storeStart(parts, next.baseOffset)\n' +
          '    await removeSidecars(parts, { before: next.baseOffset })\n',
      },
    ],
    killers: [
      { file: 'test/log/deletion.test.ts', name: 'comes after the start offset is durable' },
      crash('retention', 2000),
    ],
  },
  {
    id: 'M21',
    breaks: 'the recovery point is stored for bytes that no sync has covered: at every acknowledgement',
    patches: [
      {
        file: 'src/log/writer-hooks.ts',
        find: '    readable(offset) {\n',
        replace: '    readable(offset) {\n      parts().recoveryPoint.rolled(offset)\n',
      },
    ],
    killers: [
      durability('of closing: the bytes, the recovery point, and last the marker'),
      crash('mixed-levels'),
    ],
  },
  {
    id: 'M21b',
    breaks: 'the recovery point is stored for bytes that no sync has covered: at the close',
    patches: [
      {
        file: 'src/log/close-log.ts',
        find: '  await writer.run(() => writer.syncAsEnd())\n',
        replace:
          '  await parts.recoveryPoint.store(writer.writtenEnd)\n  await writer.run(() => writer.syncAsEnd())\n',
      },
    ],
    killers: [durability('of closing: the bytes, the recovery point, and last the marker')],
  },
  {
    id: 'M22',
    breaks: 'two fdatasyncs of one file are under way at the same time',
    patches: [
      {
        file: 'src/log/sync-gate.ts',
        find: '    while (this.#underWay !== undefined) await this.#underWay\n    if (writtenOffset <= this.#durableOffset) return\n',
        replace: '    if (writtenOffset <= this.#durableOffset) return\n',
      },
    ],
    killers: [{ file: 'test/unit/log/sync-gate.test.ts', name: 'has one sync under way at a time' }],
  },
  {
    id: 'M22b',
    breaks: 'what a blocking sync was to save counts as durable before it has been synced',
    patches: [
      {
        file: 'src/log/sync-gate.ts',
        find: '    handle.syncDataSync()\n    this.#durableOffset = Math.max(this.#durableOffset, writtenOffset)\n',
        replace:
          '    this.#durableOffset = Math.max(this.#durableOffset, writtenOffset)\n    handle.syncDataSync()\n',
      },
    ],
    killers: [
      { file: 'test/unit/log/sync-gate.test.ts', name: 'rejects with what a blocking sync failed with' },
    ],
  },
  {
    id: 'M22c',
    breaks: 'a plain record is taken wherever its fields end',
    patches: [
      {
        file: 'src/record/plain-decode.ts',
        find: '  if (valueEnd + 1 !== end || bytes[valueEnd] !== 0) return undefined\n',
        replace: '',
      },
    ],
    killers: [{ file: 'test/unit/record/plain-decode.test.ts', name: 'takes no record that is cut' }],
  },
  {
    id: 'M23',
    breaks: 'a position is passed on to the system whatever it is: NaN, a fraction, a BigInt',
    patches: [
      {
        file: 'src/fs/node-file.ts',
        find: '    if (!Number.isSafeInteger(position) || position < 0) assert(false, `position ${position} in ${this.path}`)\n',
        replace: '',
      },
    ],
    killers: [
      { file: 'test/unit/fs/node-file.test.ts', name: 'a position that is no whole number from 0 up' },
    ],
  },
  {
    id: 'M23b',
    breaks: 'the active segment is opened without O_APPEND, so that a wrong position reaches history',
    patches: [
      {
        file: 'src/fs/node-file.ts',
        find: '  append: O_RDWR | O_APPEND | HARDENED,',
        replace: '  append: O_RDWR | HARDENED,',
      },
    ],
    killers: [
      { file: 'test/unit/fs/node-file.fences.test.ts', name: 'lands at the end: history is not overwritten' },
    ],
  },
  {
    id: 'M24',
    breaks: 'what appends wait for does not keep the process: it ends, and they are neither written nor told',
    patches: [
      {
        file: 'src/core/event-loop.ts',
        find: '    setImmediate(resolve)\n',
        replace: '    setImmediate(resolve).unref()\n',
      },
      {
        file: 'src/core/event-loop.ts',
        find: '        this.#turnStartMs = undefined\n      })\n',
        replace: '        this.#turnStartMs = undefined\n      }).unref()\n',
      },
    ],
    killers: [
      {
        file: 'test/log/lifecycle.test.ts',
        name: 'has nothing else to do than thousands of appends ends only when all are acknowledged',
      },
    ],
  },
  {
    id: 'M25',
    breaks: 'nothing refers to the lock, and the garbage collector gives it back',
    patches: [
      {
        file: 'src/fs/node-lock.ts',
        find: '  registry().set(key, database)\n',
        replace: '  registry().set(key, true)\n',
      },
    ],
    killers: [{ file: 'test/unit/fs/node-lock.test.ts', name: 'is not released by the garbage collector' }],
  },
  {
    id: 'M26',
    breaks: "an append's bytes are copied after the call has returned",
    patches: [
      {
        file: 'src/log/partition-log.ts',
        find: '        writer.accepted(writer.queue.append(list, call))\n',
        replace: '        queueMicrotask(() => writer.accepted(writer.queue.append(list, call)))\n',
      },
    ],
    killers: [{ file: 'test/log/append.test.ts', name: 'stores bytes as they were when it returned' }],
  },
  {
    id: 'M26b',
    breaks: 'appends go into the buffer that is being written, instead of a second one',
    patches: [
      {
        file: 'src/log/append-queue.ts',
        find: '    this.#buffer = this.#spare ?? new WriteBuffer(BUFFER_BYTES)\n',
        replace: '',
      },
    ],
    killers: [
      {
        file: 'test/unit/log/append-queue.test.ts',
        name: 'fills a second buffer while the writer has the first',
      },
    ],
  },
  {
    id: 'M27',
    breaks: 'zeros at the end are taken for part of the log, and written behind',
    patches: [
      {
        file: 'src/segment/batch-scan.ts',
        find: "    if (typeof size !== 'number') return { end: position, nextOffset: expectedOffset, problem: size }\n",
        replace:
          "    if (typeof size !== 'number' && size.reason === 'zeros')\n" +
          '      return { end: range.end, nextOffset: expectedOffset, problem: undefined }\n' +
          "    if (typeof size !== 'number') return { end: position, nextOffset: expectedOffset, problem: size }\n",
      },
    ],
    killers: [
      recovery('a torn tail > of sixteen zeros is cut'),
      { file: 'test/log/torn-tails.test.ts', name: 'zeros up to the next 512, > of a small log' },
    ],
  },
  {
    id: 'M28',
    breaks: 'a reader takes a read that failed for the end of the log',
    patches: [
      {
        file: 'src/segment/segment-files.ts',
        find: '          return await this.#read(segment, into, position)\n        } catch (error) {\n',
        replace:
          '          return await this.#read(segment, into, position)\n        } catch (error) {\n' +
          "          if (codeOf(error) === 'EIO') return 0\n",
      },
    ],
    killers: [{ file: 'test/log/damage.test.ts', name: 'rejects with its cause, is not taken for the end' }],
  },
  {
    id: 'M28b',
    breaks: 'recovery takes a read that failed for the end of the log, and cuts there',
    patches: [
      {
        file: 'src/segment/window.ts',
        find: 'await this.#source.read(chunk, position)',
        replace: 'await this.#source.read(chunk, position).catch(() => 0)',
      },
    ],
    killers: [recovery('is not opened if it can not be read')],
  },
  {
    id: 'M29',
    breaks: 'zeros ahead are written where the end of the file was, and not where it is',
    patches: [
      { file: 'src/fs/append-zeros.ts', find: 'O_WRONLY | O_APPEND |', replace: 'O_WRONLY |' },
      { file: 'src/fs/append-zeros.ts', find: 'const { dev, ino } =', replace: 'const { dev, ino, size } =' },
      {
        file: 'src/fs/append-zeros.ts',
        find: 'ZEROS.subarray(0, Math.min(PIECE_BYTES, sizeBytes - written)))',
        replace: 'ZEROS.subarray(0, Math.min(PIECE_BYTES, sizeBytes - written)), size + written)',
      },
      {
        file: 'src/fs/append-zeros.ts',
        find: 'function writeOnce(descriptor: number, bytes: Uint8Array)',
        replace: 'function writeOnce(descriptor: number, bytes: Uint8Array, position: number)',
      },
      {
        file: 'src/fs/append-zeros.ts',
        find: 'write(descriptor, bytes, 0, bytes.length, null,',
        replace: 'write(descriptor, bytes, 0, bytes.length, position,',
      },
    ],
    killers: [
      { file: 'test/unit/fs/append-zeros.test.ts', name: 'never lies on top of what is written meanwhile' },
    ],
  },
  {
    id: 'M30',
    breaks: 'a segment that is left for the next one keeps the zeros ahead of its records',
    patches: [
      {
        file: 'src/log/preallocation.ts',
        find: '    return active.cutBack()\n',
        replace: '    return false\n',
      },
    ],
    killers: [
      {
        file: 'test/log/preallocate.test.ts',
        name: 'takes the zeros off a segment before the next one is made',
      },
      crash('tiny-segments'),
    ],
  },
  {
    id: 'M30b',
    breaks: 'the cut that takes the zeros off a segment is not synced before the next one is made',
    patches: [
      {
        file: 'src/log/writer.ts',
        find: "      await this.#sync(isCut ? 'cut' : 'written', !isCut)\n",
        replace: "      await this.#sync(isCut ? 'written' : 'written')\n",
      },
    ],
    killers: [
      {
        file: 'test/log/preallocate.test.ts',
        name: 'takes the zeros off a segment before the next one is made',
      },
      crash('small-durable-appends', 2000),
    ],
  },
]
