import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

/** The folder of the project. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

export type Env = Record<string, string>

/** A real server process, with all that it has printed so far. */
export interface Server {
  origin: string
  port: number
  process: ChildProcess
  output: () => string
  /** Resolves with the exit code, or with the signal that ended the process. */
  exited: Promise<number | string>
  /** Ends the process and what it has started, if it still runs. */
  stop: () => Promise<void>
}

/** How a runtime is started: the command for a port and settings. */
export type Runtime = (port: number, settings: Env) => { command: string[]; env?: Env }

const bin = (path: string) => `${ROOT}node_modules/${path}`

export const node: Runtime = (port, settings) => ({
  command: [process.execPath, `${ROOT}src/node.ts`],
  env: { PORT: String(port), ...settings },
})

export const bun: Runtime = (port, settings) => ({
  command: [bin('bun/bin/bun.exe'), `${ROOT}src/bun.ts`],
  env: { PORT: String(port), ...settings },
})

export const deno: Runtime = (port, settings) => ({
  command: [
    bin('deno/deno'),
    'run',
    '--allow-net',
    '--allow-env',
    '--allow-read',
    `${ROOT}src/deno.ts`,
  ],
  env: { PORT: String(port), ...settings },
})

export const worker: Runtime = (port, settings) => ({
  command: [
    process.execPath,
    bin('wrangler/bin/wrangler.js'),
    'dev',
    ...['--cwd', ROOT, '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0'],
    ...Object.entries(settings).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
  ],
  env: { CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false', CI: 'true' },
})

/** Starts a process without waiting for it to listen. */
export const launch = async (
  runtime: Runtime,
  settings: Env = {},
  { port, cwd = ROOT }: { port?: number; cwd?: string } = {},
): Promise<Server> => {
  const chosen = port ?? (await freePort())
  const { command, env } = runtime(chosen, settings)
  const [file = '', ...args] = command
  // A group of its own, so that the processes that wrangler starts end with it.
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, detached: true })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    output += chunk
  })
  const exited = once(child, 'close').then(([code, signal]) => code ?? signal)
  return {
    origin: `http://127.0.0.1:${chosen}`,
    port: chosen,
    process: child,
    output: () => output,
    exited,
    stop: async () => {
      const isRunning = child.exitCode === null && child.signalCode === null
      if (isRunning && child.pid) process.kill(-child.pid, 'SIGKILL')
      await exited
    },
  }
}

/** Starts a server and waits until it answers. */
export const start = async (...args: Parameters<typeof launch>): Promise<Server> => {
  const server = await launch(...args)
  try {
    await until('the server answers', 60_000, async () => {
      if (server.process.exitCode !== null) throw new Error(`It ended: ${server.output()}`)
      // Not listening yet is what this waits for.
      const answer = await fetch(`${server.origin}/health`).catch(() => undefined)
      await answer?.arrayBuffer()
      return answer?.ok
    })
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

/** A copy of the project that a test may change, in a folder of its own, which the test removes. */
export const copyProject = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'sse-'))
  for (const name of ['src', 'static', 'package.json']) {
    await cp(join(ROOT, name), join(folder, name), { recursive: true })
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** The same runtime, that runs the sources of a copy. */
export const inCopy =
  (folder: string, runtime: Runtime): Runtime =>
  (port, settings) => {
    const { command, env = {} } = runtime(port, settings)
    return { command: command.map((word) => word.replace(`${ROOT}src`, `${folder}/src`)), env }
  }

/** A port that nothing listens on. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No port')
  return address.port
}

/** How many streams the server says are open. */
export const openStreams = async ({ origin }: { origin: string }): Promise<number | undefined> => {
  const answer = await fetch(`${origin}/health`)
  return ((await answer.json()) as { streams?: number }).streams
}
