import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EventSource } from 'eventsource'
import { describe, expect, onTestFinished, test } from 'vitest'
import { nginx, startNginx } from '../nginx.ts'
import { bun, node, ROOT, type Runtime, type Server, start } from '../servers.ts'
import { until } from '../until.ts'

const CLIENTS = 200
const INTERVAL = 500

/** Node with a clock that is 2 s ahead. */
const nodeAhead: Runtime = (port, settings) => {
  const { command, env = {} } = node(port, settings)
  const [file = '', ...rest] = command
  return { command: [file, '--import', `${ROOT}test/soak/clock-ahead.ts`, ...rest], env }
}

describe.skipIf(nginx.isMissing)(`replicas behind nginx${nginx.note}`, () => {
  test.each([
    ['Node and Node', node, node, 60_000],
    ['Node and Bun', node, bun, 20_000],
    ['Node and a Node whose clock is 2 s ahead', node, nodeAhead, 20_000],
  ] as const)(
    'through %s, killed in turn, no client misses a message or gets one twice',
    async (_name, runtime1, runtime2, duration) => {
      const template = await readFile(join(ROOT, 'deploy/nginx.conf.template'), 'utf8')
      const first = { runtime: runtime1, server: await start(runtime1, { LOG: 'off' }) }
      const second = { runtime: runtime2, server: await start(runtime2, { LOG: 'off' }) }
      onTestFinished(async () => {
        await Promise.all([first.server.stop(), second.server.stop()])
      })
      const address = ({ port }: Server) => `127.0.0.1:${port}`
      const proxy = await startNginx((port) =>
        template
          .replaceAll(/\$\{LISTEN\}/g, `127.0.0.1:${port}`)
          .replaceAll(/\$\{REPLICA_1\}/g, address(first.server))
          .replaceAll(/\$\{REPLICA_2\}/g, address(second.server)),
      )
      onTestFinished(proxy.stop)

      const clients = Array.from({ length: CLIENTS }, () => {
        const source = new EventSource(`${proxy.origin}/sse?interval=${INTERVAL}&retry=200`)
        const ids: string[] = []
        const errors = { count: 0 }
        source.onmessage = ({ lastEventId }) => ids.push(lastEventId)
        source.onerror = () => errors.count++
        return { source, ids, errors }
      })
      onTestFinished(() => {
        for (const { source } of clients) source.close()
      })
      await until('every client has a message', 20_000, () =>
        clients.every(({ ids }) => ids.length > 0),
      )

      const began = Date.now()
      let kills = 0
      for (let turn = 0; Date.now() - began < duration; turn++) {
        const replica = turn % 2 ? second : first
        await replica.server.stop()
        kills++
        await new Promise((resolve) => setTimeout(resolve, 1000))
        replica.server = await start(replica.runtime, { LOG: 'off' }, { port: replica.server.port })
        await new Promise((resolve) => setTimeout(resolve, 2000))
      }
      const expected = (Date.now() - began) / INTERVAL
      await until('every client is up to date', 20_000, () =>
        clients.every(({ ids }) => ids.length >= expected),
      )

      expect(kills).toBeGreaterThanOrEqual(4)
      expect(clients.reduce((sum, { errors }) => sum + errors.count, 0)).toBeGreaterThan(CLIENTS)
      for (const { ids, source } of clients) {
        expect(source.readyState).not.toBe(source.CLOSED)
        const [start = ''] = (ids[0] ?? '').split('-')
        expect(ids).toEqual(ids.map((_, n) => `${start}-${n}`))
      }
    },
  )
})
