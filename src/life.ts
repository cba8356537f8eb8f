import { createApp } from './app.ts'
import { type FileSystem, filesIn } from './files.ts'
import { readSettings, type Settings, SettingsError } from './settings.ts'
import { Streams } from './streams.ts'

/** How long a process that was told to end waits for its clients, in ms. */
const DRAIN = 3_000

/** What is needed of the process, and of `node:process` on every runtime that has one. */
interface Process {
  env: { readonly [name: string]: string | undefined }
  exit(code: number): never
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown
}

/** A server that takes connections. */
export interface Listener {
  /** Takes no new connections, from now on; resolves when the last one has ended. */
  close(): Promise<unknown>
}

/** Answers a request; without one, or with a URL that makes no sense, that it was malformed. */
export type Answer = (request?: Request) => Response | Promise<Response>

/**
 * The life of a server process: reads the settings, listens, says where, and ends on a signal.
 * What keeps it from starting is said in one line each on standard error, with exit code 1.
 * @param folder where the folder `static` is, whatever the working directory
 * @param listen rejects with an error that has a `code`, like `EADDRINUSE`, when it can't
 */
export const run = async (
  process: Process,
  fs: FileSystem,
  folder: string,
  listen: (answer: Answer, settings: Settings) => Listener | Promise<Listener>,
): Promise<void> => {
  const fail = (message: string): never => {
    console.error(message)
    process.exit(1)
  }

  let settings: Settings
  try {
    settings = readSettings(process.env)
  } catch (error) {
    if (error instanceof SettingsError) return fail(error.message)
    throw error
  }

  const log = (entry: object) =>
    console.log(JSON.stringify({ time: new Date().toISOString(), ...entry }))
  const streams = new Streams(settings.maxStreams, settings.log ? log : undefined)
  const app = createApp(settings, {
    files: await filesIn(fs, folder).catch(() => fail(`There is no folder ${folder} to read.`)),
    streams,
    // Loaded only where it is wanted, because that takes time.
    metrics: settings.metrics ? (await import('./metrics.ts')).createMetrics(streams) : undefined,
  })
  const answer: Answer = (request) =>
    request && URL.canParse(request.url)
      ? app.fetch(request)
      : app.fetch(new Request('http://localhost/'), { isMalformed: true })

  let listener: Listener | undefined
  let isEnding = false
  const end = async () => {
    if (isEnding) process.exit(1)
    isEnding = true
    const deadline = new Promise((resolve) => setTimeout(resolve, DRAIN))
    const closed = listener?.close()
    streams.drain()
    await Promise.race([closed, deadline])
    process.exit(0)
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)

  const { host, port } = settings
  try {
    listener = await listen(answer, settings)
  } catch (error) {
    return fail(whyNot(error, settings))
  }
  const isEverywhere = host === '0.0.0.0' || host === '::'
  const name = isEverywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host
  const origin = `http://${name}:${port}`
  console.log(`Ready: ${origin}/client/index.html shows the stream, ${origin}/sse is the stream`)
}

const whyNot = (error: unknown, { host, port }: Settings): string => {
  const code = error instanceof Error && 'code' in error ? error.code : error
  const other = port < 65_535 ? port + 1 : port - 1
  return code === 'EADDRINUSE'
    ? `Port ${port} is in use. Choose another, like PORT=${other}; on Node also --port ${other}.`
    : `Can't listen on HOST ${host}, PORT ${port}: ${code}.`
}
