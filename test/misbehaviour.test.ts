import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Listening, listen } from './listen.ts'
import { bun, deno, node, openStreams, type Runtime, type Server, start } from './servers.ts'
import { until } from './until.ts'

const GET = 'GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n'
const NEIGHBOURS = 20

/** Node with so little memory that a leak shows soon. */
const smallNode: Runtime = (port, settings) => {
  const { command, env = {} } = node(port, settings)
  const [file = '', ...rest] = command
  return { command: [file, '--max-old-space-size=96', ...rest], env }
}

const descriptors = async (server: Server) =>
  (await readdir(`/proc/${server.process.pid}/fd`)).length

describe.each([
  ['Node', smallNode],
  ['Bun', bun],
  ['Deno', deno],
])('clients that misbehave towards %s', (_name, runtime) => {
  let server: Server
  let neighbours: Listening[]
  let before: number
  const sockets = new Set<Socket>()

  /** A connection that has sent some bytes. */
  const send = async (bytes: string) => {
    const socket = connect(server.port, '127.0.0.1')
    sockets.add(socket)
    socket.on('error', () => {
      // What becomes of this connection is the server's affair: it may cut it off.
    })
    socket.on('close', () => sockets.delete(socket))
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
    socket.write(bytes)
    return socket
  }
  const many = async (times: number, act: (i: number) => Promise<unknown>, width = 100) => {
    for (let i = 0; i < times; i += width) {
      await Promise.all(Array.from({ length: Math.min(width, times - i) }, (_, k) => act(i + k)))
    }
  }

  beforeEach(async () => {
    server = await start(runtime, { LOG: 'off' })
    neighbours = await Promise.all(
      Array.from({ length: NEIGHBOURS }, async () =>
        listen(await fetch(`${server.origin}/sse?interval=500`)),
      ),
    )
    await until('each neighbour has a message', 5000, () =>
      neighbours.every(({ messages }) => messages.length > 0),
    )
    before = await descriptors(server)
  })

  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    for (const { leave } of neighbours) leave()
    await server.stop()
  })

  /** All is as if nothing had happened. */
  const expectSound = async () => {
    const { messages, leave } = listen(await fetch(`${server.origin}/sse`))
    await until('a newcomer has a message', 1000, () => messages.length > 0)
    leave()
    await until('only the neighbours are open', 20_000, async () => {
      return (await openStreams(server)) === NEIGHBOURS
    })
    // Some for the requests of this test itself, which keep their connections.
    await until('descriptors are given back', 20_000, async () => {
      return (await descriptors(server)) <= before + 10
    })
    expect(server.process.exitCode).toBeNull()
    const had = neighbours.map(({ messages }) => messages.length)
    await until('each neighbour has two more', 5000, () =>
      neighbours.every(({ messages }, i) => messages.length >= (had[i] ?? 0) + 2),
    )
    for (const { messages, received } of neighbours) {
      const numbers = messages.map(({ id }) => Number(id.split('-')[1]))
      expect(numbers).toEqual(numbers.map((_, i) => i))
      // The load of the test itself is on the same two cores.
      for (const { at, data } of messages) expect(at - Date.parse(data)).toBeLessThan(1000)
      expect(received.length).toBe(messages.length + 1)
    }
  }

  test('thousands connect and drop, before and after the first byte, by FIN and RST', async () => {
    await many(4000, async (i) => {
      const socket = await send(i % 2 ? GET : '')
      if (i % 4 === 3) await once(socket, 'data')
      if (i % 8 < 4) socket.destroy()
      else socket.resetAndDestroy()
    })
    await expectSound()
  })

  test('requests wait in line behind streams, and their clients leave', async () => {
    // Node opens them all: 2000 at a time fit into its little memory.
    await many(
      200,
      async (i) => {
        const socket = await send(GET.repeat(100))
        await once(socket, 'data')
        if (i % 2) socket.destroy()
        else socket.resetAndDestroy()
      },
      20,
    )
    await expectSound()
  })

  test('requests are sent by half', async () => {
    const halves = ['GET', 'GET /sse HTTP/1.1\r\n', GET.slice(0, -2), `${GET.slice(0, -2)}X-Y: `]
    await many(1000, async (i) => {
      const socket = await send(halves[i % halves.length] ?? '')
      if (i % 2) socket.destroy()
    })
    const { messages, leave } = listen(await fetch(`${server.origin}/sse`))
    await until('a newcomer has a message', 1000, () => messages.length > 0)
    leave()
    for (const socket of sockets) socket.destroy()
    await expectSound()
  })

  test('hundreds never read', async () => {
    await many(400, async () => {
      const socket = await send('GET /sse?interval=100 HTTP/1.1\r\nHost: localhost\r\n\r\n')
      socket.pause()
    })
    await new Promise((resolve) => setTimeout(resolve, 3000))
    const { messages, leave } = listen(await fetch(`${server.origin}/sse`))
    await until('a newcomer has a message', 1000, () => messages.length > 0)
    leave()
    for (const socket of sockets) socket.destroy()
    await expectSound()
  })

  test('HEAD comes in thousands, and garbage', async () => {
    const agent = 'Host: localhost\r\nConnection: close\r\n\r\n'
    await many(3000, async (i) => {
      const socket = await send(
        i % 3
          ? `HEAD /sse HTTP/1.1\r\n${agent}`
          : `\0\x16\x03\x01${'\xff'.repeat(i % 200)}\r\n\r\n`,
      )
      socket.resume()
      await new Promise((resolve) => {
        socket.once('close', resolve)
        setTimeout(resolve, 200)
      })
      socket.destroy()
    })
    await expectSound()
  })

  test('ten times as many come as there are places', async () => {
    const narrow = await start(runtime, { MAX_STREAMS: '50', LOG: 'off' })
    try {
      const inside = await Promise.all(
        Array.from({ length: 50 }, async () =>
          listen(await fetch(`${narrow.origin}/sse?interval=500`)),
        ),
      )
      await until('all places are taken', 5000, async () => (await openStreams(narrow)) === 50)
      await many(500, async () => {
        const { status } = await fetch(`${narrow.origin}/sse`)
        expect(status).toBe(503)
      })
      expect(await openStreams(narrow)).toBe(50)
      for (const { messages } of inside) expect(messages.length).toBeGreaterThan(0)
      for (const { leave } of inside) leave()
      await until('all places are free', 20_000, async () => (await openStreams(narrow)) === 0)
      const { messages, leave } = listen(await fetch(`${narrow.origin}/sse`))
      await until('a newcomer has a message', 1000, () => messages.length > 0)
      leave()
    } finally {
      await narrow.stop()
    }
  })
})
