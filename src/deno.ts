import fs from 'node:fs/promises'
import process from 'node:process'
import { run, withoutLength } from './life.ts'

await run(process, fs, `${import.meta.dirname}/../static`, (fetch, { host, port }) => {
  const server = Deno.serve({ hostname: host, port, onListen: () => {} }, async (request) =>
    withoutLength(request, await fetch(request)),
  )
  return { close: () => server.shutdown() }
})
