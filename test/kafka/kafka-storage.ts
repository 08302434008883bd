import { runJava } from './java-process.ts'

/** What Kafka's storage classes can be asked; see `java/Storage.java`. They may change the directory. */
export type StorageRequest = LookUpRequest | RetentionRequest | DefaultsRequest

interface LookUpRequest {
  readonly do: 'lookUp'
  readonly directory: string
  /** Base offset of the segment to look into. */
  readonly base: number
  readonly offsets: readonly number[]
  readonly times: readonly number[]
  /** Start offset of the log. */
  readonly start: number
}

interface RetentionRequest {
  readonly do: 'retention'
  readonly directory: string
  readonly now: number
  readonly start: number
  readonly config: Readonly<Record<string, string | number>>
}

interface DefaultsRequest {
  readonly do: 'defaults'
}

/** Where a segment has an offset, and which record of it a time finds. */
export interface LookUpAnswer {
  /** Base offset, position and size of the batch that holds the offset, or else of the next one. */
  readonly places: readonly ({ offset: number; position: number; size: number } | null)[]
  readonly times: readonly ({ offset: number; timestamp: number } | null)[]
  /** Its largest timestamp, as far as Kafka's searches go by it: where no record has one, when its file was written to. */
  readonly largest: number
}

/** What retention left of a log. */
export interface RetentionAnswer {
  readonly startOffset: number
  readonly endOffset: number
  /** Base offsets. */
  readonly segments: readonly number[]
}

/** Asks Kafka's storage classes, all in one process. Errors: what that said when it failed. */
export async function askStorage(requests: readonly LookUpRequest[]): Promise<LookUpAnswer[]>
export async function askStorage(requests: readonly RetentionRequest[]): Promise<RetentionAnswer[]>
export async function askStorage(requests: readonly DefaultsRequest[]): Promise<Record<string, unknown>[]>
export async function askStorage(requests: readonly StorageRequest[]): Promise<unknown[]> {
  const input = requests.map((request) => `${JSON.stringify(request)}\n`).join('')
  const { exitCode, output, errors } = await runJava('Storage', [], { input })
  const answers = output.split('\n').filter((line) => line !== '')
  if (exitCode !== 0 || answers.length !== requests.length)
    throw new Error(`exit code ${exitCode}, ${answers.length} answers to ${requests.length}:\n${errors}`)
  return answers.map((line): unknown => JSON.parse(line))
}
