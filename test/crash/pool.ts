import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Piece, PieceResult } from './worker.ts'

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))

/** Gives pieces of work to processes as they come free, until there are none left or `done` says so. */
export async function runPieces(
  pieces: Iterator<Piece>,
  { jobs, finished }: { jobs: number; finished: (result: PieceResult) => 'go on' | 'stop' },
): Promise<void> {
  let isStopped = false
  const serve = async (): Promise<void> => {
    // 'json' would make null of an Infinity, and a limit of nothing of no limit.
    const child = fork(WORKER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' })
    try {
      for (let next = pieces.next(); !isStopped && next.done !== true; next = pieces.next()) {
        if (finished(await ask(child, next.value)) === 'stop') isStopped = true
      }
    } finally {
      if (child.connected) child.disconnect()
      child.kill()
    }
  }
  await Promise.all(Array.from({ length: jobs }, serve))
}

function ask(child: ChildProcess, piece: Piece): Promise<PieceResult> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void =>
      reject(new Error(`a process ended (${code}) over ${JSON.stringify(piece)}`))
    child.once('exit', ended)
    child.once('message', (result) => {
      child.off('exit', ended)
      resolve(result as PieceResult)
    })
    child.send(piece)
  })
}
