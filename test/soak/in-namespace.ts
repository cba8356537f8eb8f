/** One scene in a network of its own; `network.test.ts` sets that up. Prints what happened as JSON. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { listen } from '../listen.ts'
import { bun, deno, node, openStreams, type Server, start } from '../servers.ts'
import { until } from '../until.ts'

const READERS = 20
const RUNTIMES = { node, bun, deno }
const [, , scene = '', name = ''] = process.argv
const runtime = RUNTIMES[name as keyof typeof RUNTIMES]

/** Clients that ask for as much as they can, and read nothing of it. */
const stall = async ({ port }: Server) => {
  const id = `${Date.now() - 3_600_000}-0`
  for (let i = 0; i < READERS; i++) {
    const socket = connect(port, '127.0.0.1')
    socket.pause()
    socket.on('error', () => {
      // The server cuts it off, which is what this waits for.
    })
    await once(socket, 'connect')
    socket.write(
      `GET /sse?interval=100 HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: ${id}\r\n\r\n`,
    )
  }
}

const scenes: Record<string, () => Promise<object>> = {
  stalled: async () => {
    const server = await start(runtime, { LOG: 'off' })
    const descriptors = () => readdirSync(`/proc/${server.process.pid}/fd`).length
    const neighbour = listen(await fetch(`${server.origin}/sse?interval=500`))
    const before = descriptors()
    await stall(server)
    await until('all are open', 5000, async () => (await openStreams(server)) === READERS + 1)
    const began = Date.now()
    await until('their places are free', 90_000, async () => (await openStreams(server)) === 1)
    const freed = Date.now() - began
    // Some for the requests that have just asked.
    await until('descriptors are given back', 30_000, () => descriptors() < before + 10)
    const late = neighbour.messages.map(({ at, data }) => at - Date.parse(data))
    await server.stop()
    return { freed, neighbourLate: Math.max(...late) }
  },

  drain: async () => {
    const server = await start(runtime, { LOG: 'off' })
    await stall(server)
    await new Promise((resolve) => setTimeout(resolve, 5000))
    const began = Date.now()
    server.process.kill('SIGTERM')
    const exit = await server.exited
    return { exit, duration: Date.now() - began }
  },

  vanished: async () => {
    const server = await start(runtime, { MAX_STREAM_AGE: '20000' })
    for (let i = 0; i < 3; i++) {
      const { messages } = listen(await fetch(`${server.origin}/sse`))
      await until('a message has come', 5000, () => messages.length > 0)
    }
    execFileSync('ip', ['link', 'set', 'lo', 'down'])
    const ended = () =>
      server
        .output()
        .split('\n')
        .filter((line) => line.includes('stream ended'))
        .map((line) => JSON.parse(line))
    await until('three streams have ended', 30_000, () => ended().length === 3)
    await server.stop()
    return { ended: ended() }
  },
}

const result = await scenes[scene]?.()
console.log(JSON.stringify(result))
process.exit()
