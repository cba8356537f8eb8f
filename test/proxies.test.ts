import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listen } from './listen.ts'
import { nginx, startNginx } from './nginx.ts'
import { node, type Server, start } from './servers.ts'
import { until } from './until.ts'

describe.skipIf(nginx.isMissing)(`behind nginx${nginx.note}`, () => {
  let server: Server
  beforeAll(async () => {
    server = await start(node)
  })
  afterAll(() => server?.stop())

  test('with nothing but proxy_pass, each message comes when it is due', async () => {
    const proxy = await startNginx(
      (port) => `server {
        listen 127.0.0.1:${port};
        location / { proxy_pass ${server.origin}; }
      }`,
    )
    try {
      const { messages, leave } = listen(await fetch(`${proxy.origin}/sse?interval=500`))
      await until('5 messages have come', 10_000, () => messages.length >= 5)
      leave()
      for (const { data, at } of messages) expect(at - Date.parse(data)).toBeLessThan(400)
    } finally {
      await proxy.stop()
    }
  })
})
