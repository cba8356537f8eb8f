import fs from 'node:fs/promises'
import process from 'node:process'
import { run, withoutLength } from './life.ts'

await run(process, fs, `${import.meta.dirname}/../static`, (fetch, { host, port }) => {
  const server = Bun.serve({
    hostname: host,
    port,
    fetch: async (request) => withoutLength(request, await fetch(request)),
    // Longer than the time between two heartbeats: what is quieter is an idle or a stalled connection.
    idleTimeout: 40,
  })
  return { close: () => server.stop() }
})
