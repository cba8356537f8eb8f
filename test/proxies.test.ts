import { execFile } from 'node:child_process'
import { connect } from 'node:http2'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { find } from './installed.ts'
import { type Listening, listen } from './listen.ts'
import { nginx, startNginx } from './nginx.ts'
import { node, type Server, start } from './servers.ts'
import { until } from './until.ts'

const openssl = find('openssl')

describe.skipIf(nginx.isMissing)(`behind nginx${nginx.note}`, () => {
  let server: Server
  let stop: (() => Promise<void>) | undefined
  beforeAll(async () => {
    server = await start(node)
  })
  afterEach(async () => {
    await stop?.()
    stop = undefined
  })
  afterAll(() => server?.stop())

  const proxy = async (...args: Parameters<typeof startNginx>) => {
    const started = await startNginx(...args)
    stop = started.stop
    return started
  }
  const latest = ({ messages }: Listening) =>
    Math.max(...messages.map(({ at, data }) => at - Date.parse(data)))
  /** Five messages, each before the next one is due. */
  const expectOnTime = async (stream: Listening) => {
    await until('5 messages have come', 10_000, () => stream.messages.length >= 5)
    stream.leave()
    expect(latest(stream)).toBeLessThan(400)
  }

  test('with nothing but proxy_pass, each message comes when it is due', async () => {
    const { origin } = await proxy(
      (port) => `server {
        listen 127.0.0.1:${port};
        location / { proxy_pass ${server.origin}; }
      }`,
    )
    await expectOnTime(listen(await fetch(`${origin}/sse?interval=500`)))
  })

  test('of a proxy that does not let itself be told, one sees that it buffers', async () => {
    const { origin } = await proxy(
      (port) => `server {
        listen 127.0.0.1:${port};
        location / { proxy_pass ${server.origin}; proxy_ignore_headers X-Accel-Buffering; }
      }`,
    )
    const stream = listen(await fetch(`${origin}/sse?interval=500&count=5`))
    await stream.ended
    expect(stream.messages).toHaveLength(5)
    expect(latest(stream)).toBeGreaterThan(1500)
  })

  test('with gzip, each message comes when it is due', async () => {
    const { origin } = await proxy(
      (port) => `gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any;
      server {
        listen 127.0.0.1:${port};
        location / { proxy_pass ${server.origin}; proxy_http_version 1.1; }
      }`,
    )
    const response = await fetch(`${origin}/sse?interval=500`)
    expect(response.headers.get('Content-Encoding')).toBe('gzip')
    await expectOnTime(listen(response))
  })

  test.skipIf(openssl.isMissing)(
    `with TLS and HTTP/2 in front, each message comes when it is due${openssl.note}`,
    async () => {
      const subject = ['-subj', '/CN=localhost', '-days', '2']
      const { port } = await proxy(
        (port, folder) => `server {
          listen 127.0.0.1:${port} ssl http2;
          ssl_certificate ${folder}/cert.pem;
          ssl_certificate_key ${folder}/key.pem;
          location / { proxy_pass ${server.origin}; }
        }`,
        async (folder) => {
          const files = ['-keyout', `${folder}/key.pem`, '-out', `${folder}/cert.pem`]
          const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject]
          await promisify(execFile)(openssl.path, args)
        },
      )
      const session = connect(`https://localhost:${port}`, { rejectUnauthorized: false })
      try {
        const request = session.request({ ':path': '/sse?interval=500' })
        const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
          request.once('response', resolve).once('error', reject)
        })
        expect(headers[':status']).toBe(200)
        expect(headers['content-type']).toBe('text/event-stream')
        await expectOnTime(listen(new Response(Readable.toWeb(request) as ReadableStream)))
      } finally {
        session.destroy()
      }
    },
  )
})
