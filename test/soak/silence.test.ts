import { describe, expect, type TestContext, test } from 'vitest'
import { listen } from '../listen.ts'
import { nginx, startNginx } from '../nginx.ts'
import { raw } from '../raw.ts'
import { bun, deno, node, openStreams, type Runtime, type Server, start } from '../servers.ts'
import { until } from '../until.ts'

/** Starts a server for one of the tests that run at the same time. */
const begin = async ({ onTestFinished }: TestContext, runtime: Runtime): Promise<Server> => {
  const server = await start(runtime)
  onTestFinished(server.stop)
  return server
}

describe.concurrent('silence', () => {
  test.skipIf(nginx.isMissing)(
    `a proxy that cuts what is silent for 20 s never has to${nginx.note}`,
    async (context) => {
      const server = await begin(context, node)
      const proxy = await startNginx(
        (port) => `server {
          listen 127.0.0.1:${port};
          location / { proxy_pass ${server.origin}; proxy_read_timeout 20s; }
        }`,
      )
      context.onTestFinished(proxy.stop)
      const stream = listen(await fetch(`${proxy.origin}/sse?interval=60000`))
      let hasEnded = false
      const end = () => {
        hasEnded = true
      }
      stream.ended.then(end, end)
      await until('the message of 60 s has come', 70_000, () => stream.messages.length === 2)
      stream.leave()
      expect(hasEnded).toBe(false)
      const [, second] = stream.messages
      expect((second?.at ?? 0) - Date.parse(second?.data ?? '')).toBeLessThan(400)
    },
  )

  test.for<[string, Runtime]>([
    ['Node', node],
    ['Bun', bun],
  ])(
    '%s cuts off who sends half a request, or nothing, and goes on',
    async ([_name, runtime], context) => {
      const { port } = await begin(context, runtime)
      const began = Date.now()
      const halves = ['', 'GET /sse HT', 'GET /sse HTTP/1.1\r\nHost: loc']
      await Promise.all(halves.map((bytes) => raw(port, bytes, 90_000)))
      expect(Date.now() - began).toBeLessThan(80_000)
    },
  )

  test.for<[string, Runtime]>([
    ['Node', node],
    ['Bun', bun],
    ['Deno', deno],
  ])('%s, stopped for 50 s and continued, keeps its streams', async ([_name, runtime], context) => {
    const server = await begin(context, runtime)
    const streams = await Promise.all(
      Array.from({ length: 5 }, async () => listen(await fetch(`${server.origin}/sse`))),
    )
    await until('each has a message', 5000, () => streams.every((s) => s.messages.length > 0))
    server.process.kill('SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 50_000))
    server.process.kill('SIGCONT')
    await new Promise((resolve) => setTimeout(resolve, 12_000))
    expect(await openStreams(server)).toBe(5)
    for (const { messages, leave } of streams) {
      leave()
      const numbers = messages.map(({ id }) => Number(id.split('-')[1]))
      expect(numbers).toEqual(numbers.map((_, i) => i))
      expect(numbers.length).toBeGreaterThanOrEqual(12)
    }
  })
})
