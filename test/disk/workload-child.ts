/*
 * A process that is traced: runs a workload of test/crash on the machine's own file system, as `workload-child.ts ROOT
 * WORKLOAD SEED`, with the log in `<ROOT>/log`.
 */
import { workloadNamed } from '../crash/workloads.ts'
import { movedFileSystem } from './moved-file-system.ts'
import { QuietStage } from './quiet-stage.ts'

const [root, name, seed] = process.argv.slice(2) as [string, string, string]
const workload = workloadNamed(name)
await workload.run(new QuietStage({ seed: Number(seed), config: workload.config }, movedFileSystem(root)))
