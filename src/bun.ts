import fs from 'node:fs/promises'
import process from 'node:process'
import { withoutLength } from './head.ts'
import { run } from './life.ts'

await run(process, fs, `${import.meta.dirname}/../static`, (answer, { host, port }) => {
  const server = Bun.serve({
    hostname: host,
    port,
    fetch: async (request) => {
      // HTTP/1.0 needs no Host; Bun then knows no origin.
      const { url } = request
      const whole = url.startsWith('/') ? new Request(`http://localhost${url}`, request) : request
      return withoutLength(request, await answer(whole))
    },
    // Longer than the time between two heartbeats: what is quieter is an idle or a stalled connection.
    idleTimeout: 40,
  })
  return { close: () => server.stop() }
})
