import fs from 'node:fs/promises'
import process from 'node:process'
import { withoutLength } from './head.ts'
import { run } from './life.ts'

await run(process, fs, `${import.meta.dirname}/../static`, (answer, { host, port }) => {
  const server = Deno.serve({ hostname: host, port, onListen: () => {} }, async (request) =>
    withoutLength(request, await answer(request)),
  )
  return { close: () => server.shutdown() }
})
