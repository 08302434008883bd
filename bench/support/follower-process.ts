/*
 * The other process of the benchmark `follow`: follows what its parent writes, says when the first records have come, and
 * what it has seen once all have.
 */
import { Arrivals } from './arrivals.ts'
import type { FollowerJob, FollowerMessage } from './follower-messages.ts'
import { followDirectory, followFile } from './followers.ts'

const { kind, path, plan } = JSON.parse(process.argv[2] ?? 'null') as FollowerJob
const arrivals = new Arrivals(plan)
let isWarm = false

process.once('disconnect', () => process.exit(1)) // the parent has died
await (kind === 'log' ? followDirectory : followFile)(path, arrivals, () => {
  if (isWarm || !arrivals.isWarm) return
  isWarm = true
  tell({ kind: 'warm' })
})
tell({ kind: 'complete', report: arrivals.report() })
process.removeAllListeners('disconnect')
process.disconnect()

function tell(message: FollowerMessage): void {
  process.send!(message)
}
