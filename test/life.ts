import { once } from 'node:events'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { listen } from './listen.ts'
import { type Env, launch, ROOT, type Runtime, type Server, start } from './servers.ts'
import { until } from './until.ts'

/** The life of a process, for the runtimes that have one. */
export const life = (name: string, runtime: Runtime) => {
  const running: (Server | Socket)[] = []

  const started = async (settings: Env = {}, options?: { port: number }) => {
    const server = await start(runtime, settings, options)
    running.push(server)
    return server
  }
  const launched = async (settings: Env, options?: { port: number }) => {
    const server = await launch(runtime, settings, options)
    running.push(server)
    return server
  }
  /** A connection that sends some bytes and then waits. */
  const send = async (port: number, text: string) => {
    const socket = connect(port, '127.0.0.1')
    running.push(socket)
    socket.on('error', () => {
      // The server may end this connection in any way.
    })
    await once(socket, 'connect')
    socket.write(text)
    return socket
  }
  const lines = (server: Server) => server.output().trim().split('\n')

  describe(`life of a process on ${name}`, () => {
    afterEach(async () => {
      for (const it of running.splice(0)) await ('stop' in it ? it.stop() : it.destroy())
    })

    test('it says where it listens, in one line', async () => {
      const server = await started()
      await until('it has said so', 5000, () => server.output().includes('\n'))
      expect(lines(server)).toEqual([
        `Ready: ${server.origin}/client/index.html shows the stream, ${server.origin}/sse is the stream`,
      ])
    })

    test('bad settings stop the start with a line for each', async () => {
      const server = await launched({ INTERVAL: '5', MAX_STREAMS: 'many' })
      expect(await server.exited).toBe(1)
      expect(lines(server)).toEqual([
        'INTERVAL: given "5", accepted is a whole number from 100 to 300000',
        'MAX_STREAMS: given "many", accepted is a whole number, 1 or more',
      ])
    })

    test('an address that is not of this machine stops the start with one line', async () => {
      const server = await launched({ HOST: '192.0.2.1' })
      expect(await server.exited).toBe(1)
      expect(lines(server)).toEqual([expect.stringContaining('192.0.2.1')])
    })

    test('a port in use stops the start with a line that says how to choose another', async () => {
      const other = createServer().listen(0, '127.0.0.1')
      await once(other, 'listening')
      const { port } = other.address() as { port: number }
      const server = await launched({}, { port })
      expect(await server.exited).toBe(1)
      expect(lines(server)).toEqual([
        `Port ${port} is in use. Choose another, like PORT=${port + 1}; on Node also --port ${port + 1}.`,
      ])
      other.close()
    })

    test.each(['SIGTERM', 'SIGINT'] as const)(
      '%s ends it within 5 s, whoever is connected',
      async (signal) => {
        const server = await started()
        const { port } = server
        const readers = await Promise.all(
          Array.from({ length: 20 }, async () => listen(await fetch(`${server.origin}/sse`))),
        )
        await until('each has a message', 5000, () => readers.every((r) => r.messages.length > 0))
        const stalled = await send(
          port,
          'GET /sse?interval=100 HTTP/1.1\r\nHost: localhost\r\n\r\n',
        )
        stalled.pause()
        const idle = await send(port, 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
        await once(idle, 'data')
        await send(port, 'GET /sse HTTP/1.1\r\nHost: loc')

        const asked = Date.now()
        server.process.kill(signal)
        await Promise.all(readers.map(({ ended }) => ended))
        const next = await started({}, { port })
        expect(Date.now() - asked).toBeLessThan(5000)
        expect(await server.exited).toBe(0)
        expect(Date.now() - asked).toBeLessThan(6000)

        const retries = readers.map(({ received }) => received.at(-1) as { retry: number })
        for (const { retry } of retries) {
          expect(retry).toBeGreaterThanOrEqual(1000)
          expect(retry).toBeLessThanOrEqual(5000)
        }
        expect(new Set(retries.map(({ retry }) => retry)).size).toBeGreaterThan(5)

        const last = readers[0]?.messages.at(-1)?.id ?? ''
        const [begun, n] = last.split('-')
        const resumed = listen(
          await fetch(`${next.origin}/sse`, { headers: { 'Last-Event-ID': last } }),
        )
        await until('the next process goes on', 10_000, () => resumed.messages.length > 0)
        resumed.leave()
        expect(resumed.messages[0]?.id).toBe(`${begun}-${Number(n) + 1}`)
      },
    )

    test('with nothing but streams it ends without waiting', async () => {
      const server = await started()
      const { messages, ended } = listen(await fetch(`${server.origin}/sse`))
      await until('a message has come', 5000, () => messages.length > 0)
      const asked = Date.now()
      server.process.kill('SIGTERM')
      await ended
      expect(await server.exited).toBe(0)
      expect(Date.now() - asked).toBeLessThan(2000)
    })

    test('a second signal ends it at once', async () => {
      const server = await started()
      await send(server.port, 'GET /sse HTTP/1.1\r\nHost: loc')
      const asked = Date.now()
      server.process.kill('SIGTERM')
      await until('the port is closed', 2000, () =>
        fetch(`${server.origin}/health`).then(
          () => false,
          () => true,
        ),
      )
      server.process.kill('SIGTERM')
      await server.exited
      // Alone, the half of a request would have held it for 3 s (on Deno, not even that).
      expect(Date.now() - asked).toBeLessThan(2500)
    })

    test('the page is found from any folder, and when started through a link', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'sse-'))
      try {
        await symlink(ROOT, join(folder, 'link'))
        const linked: Runtime = (port, settings) => {
          const { command, env = {} } = runtime(port, settings)
          const path = command.map((word) => word.replace(`${ROOT}src`, `${folder}/link/src`))
          return { command: path, env }
        }
        const server = await start(linked, {}, { cwd: folder })
        running.push(server)
        const answer = await fetch(`${server.origin}/client/index.html`)
        expect(answer.status).toBe(200)
        expect(await answer.text()).toContain('<title>')
      } finally {
        await rm(folder, { recursive: true })
      }
    })
  })
}
