import { once } from 'node:events'
import fs from 'node:fs/promises'
import { createServer } from 'node:http'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { getRequestListener } from '@hono/node-server'
import { run } from './life.ts'

try {
  const { values } = parseArgs({ options: { port: { type: 'string' }, host: { type: 'string' } } })
  for (const [name, value] of Object.entries(values)) process.env[name.toUpperCase()] = value
} catch (error) {
  // The command line was mistyped: its author wants to know where, not where this file noticed.
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

await run(process, fs, `${import.meta.dirname}/../static`, async (answer, { host, port }) => {
  const listener = getRequestListener(answer, {
    // HTTP/1.0 needs no Host.
    hostname: 'localhost',
    errorHandler: () => answer(),
  })
  const server = createServer(listener)
  server.on('checkExpectation', listener)
  // A socket on which nothing moves for so long is closed, or twice so long if it has bytes to send.
  // A heartbeat comes sooner.
  server.timeout = 25_000
  server.listen(port, host)
  await once(server, 'listening')

  return {
    close: async () => {
      // A connection is idle only once its stream has ended: look again and again.
      setInterval(() => server.closeIdleConnections(), 50)
      await new Promise((resolve) => server.close(resolve))
    },
  }
})
