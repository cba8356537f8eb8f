import { serveStatic } from 'hono/serve-static'
import { type App, createApp } from './app.ts'
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

/** What is needed of the file system, and of `node:fs/promises` on every runtime that has one. */
interface FileSystem {
  realpath(path: string): Promise<string>
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>
}

/** A server that takes connections. */
export interface Listener {
  /** Takes no new connections, from now on; resolves when the last one has ended. */
  close(): Promise<unknown>
}

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
  listen: (fetch: App['fetch'], settings: Settings) => Listener | Promise<Listener>,
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

  const streams = new Streams(settings.maxStreams)
  const app = createApp(settings, await filesIn(fs, folder), streams)
  const { host, port } = settings
  const listener = await Promise.resolve()
    .then(() => listen(app.fetch, settings))
    .catch((error) => fail(whyNot(error, settings)))

  const name = /^(0\.0\.0\.0|::)$/.test(host)
    ? 'localhost'
    : host.includes(':')
      ? `[${host}]`
      : host
  const origin = `http://${name}:${port}`
  console.log(`Ready: ${origin}/client/index.html shows the stream, ${origin}/sse is the stream`)

  let ending = false
  const end = async () => {
    if (ending) process.exit(1)
    ending = true
    const deadline = new Promise((resolve) => setTimeout(resolve, DRAIN))
    const closed = listener.close()
    streams.drain()
    await Promise.race([closed, deadline])
    process.exit(0)
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

/** The static handler for a folder: nothing outside of it is ever read, not even by a link that leads there. */
const filesIn = async (fs: FileSystem, folder: string) => {
  const root = await fs.realpath(folder)
  return serveStatic({
    root,
    getContent: async (path) => {
      try {
        const file = await fs.realpath(path)
        const isInside = file.startsWith(root) && /^[\\/]/.test(file.slice(root.length))
        return isInside ? await fs.readFile(file) : null
      } catch (error) {
        // No such file, for one reason or another: that is a 404, not a failure.
        if (/^(ENOENT|ENOTDIR|EISDIR|ENAMETOOLONG|ELOOP)$/.test(codeOf(error))) return null
        throw error
      }
    },
  })
}

/**
 * An answer as it is, but for one to HEAD, whose missing body Bun and Deno give a Content-Length of 0:
 * GET would send another or, for a stream, none at all (RFC 9110, section 8.6).
 */
export const withoutLength = ({ method }: Request, answer: Response): Response => {
  const { status, headers } = answer
  const hasBody = method === 'HEAD' && status !== 204 && status !== 304
  return hasBody ? new Response(new ReadableStream(), { status, headers }) : answer
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''

const whyNot = (error: unknown, { host, port }: Settings): string => {
  const code = codeOf(error)
  return code === 'EADDRINUSE'
    ? `Port ${port} is in use. Choose another, like PORT=${port + 1}; on Node also --port ${port + 1}.`
    : `Can't listen on HOST ${host}, PORT ${port}: ${code || error}.`
}
