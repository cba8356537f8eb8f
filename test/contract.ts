import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Listening, listen } from './listen.ts'
import { raw } from './raw.ts'
import { openStreams, type Runtime, type Server, start } from './servers.ts'
import { until } from './until.ts'

const EVENT_STREAM = { Accept: 'text/event-stream' }

/**
 * What the server promises, as a client sees it: the same suite for every runtime.
 * @param counts whether the runtime counts its open streams; Workers leaves that to the platform
 */
export const contract = (name: string, runtime: Runtime, { counts }: { counts: boolean }) => {
  /** A server as it is out of the box. */
  let server: Server
  /** One that an operator has narrowed down. */
  let narrow: Server
  const open: Listening[] = []

  beforeAll(async () => {
    server = await start(runtime)
    narrow = await start(runtime, {
      ALLOW_ORIGINS: 'https://a.example,http://b.example:8080',
      INTERVAL: '200',
      MAX_STREAMS: '2',
      MAX_STREAM_AGE: '3000',
    })
  })
  afterAll(async () => {
    await Promise.all([server?.stop(), narrow?.stop()])
  })

  const get = (path: string, init: RequestInit = {}) =>
    fetch(`${server.origin}${path}`, { redirect: 'manual', ...init })
  const stream = async (path: string, init?: RequestInit) => {
    const listening = listen(await get(path, init))
    open.push(listening)
    return listening
  }
  const firstMessage = async (path: string, init?: RequestInit) => {
    const { messages, leave } = await stream(path, init)
    await until('the first message has come', 5000, () => messages.length > 0)
    leave()
    return messages[0]?.id ?? ''
  }
  const isFresh = (id: string) => {
    const [, started, n] = /^(\d+)-(\d+)$/.exec(id) ?? []
    return n === '0' && Math.abs(Number(started) - Date.now()) < 10_000
  }

  describe(`endpoints on ${name}`, () => {
    test.each([
      ['/', 200, 'application/json'],
      ['/health', 200, 'application/json'],
      ['/client', 302, null],
      ['/client/', 302, null],
      ['/client/index.html', 200, 'text/html; charset=utf-8'],
      ['/client/page.js', 200, 'text/javascript; charset=utf-8'],
      ['/client/style.css', 200, 'text/css; charset=utf-8'],
      ['/client/icon.svg', 200, expect.stringMatching(/^image\/svg\+xml/)],
      ['/nothing', 404, 'application/problem+json'],
      ['/sse/', 404, 'application/problem+json'],
      ['/client/nothing.js', 404, 'application/problem+json'],
      ['/client/.hidden', 404, 'application/problem+json'],
      ['/client/..%2f..%2fpackage.json', 404, 'application/problem+json'],
      ['/static/client/index.html', 404, 'application/problem+json'],
      ['/sse?interval=1', 400, 'application/problem+json'],
    ])('GET %s answers %i', async (path, status, type) => {
      const answer = await get(path)
      expect(answer.status).toBe(status)
      expect(answer.headers.get('Content-Type')).toEqual(type)
      const body = await answer.text()
      const head = await get(path, { method: 'HEAD' })
      expect(head.status).toBe(status)
      expect(head.headers.get('Content-Type')).toEqual(type)
      expect(head.headers.get('Location')).toBe(answer.headers.get('Location'))
      expect(await head.text()).toBe('')
      const length = head.headers.get('Content-Length')
      if (length !== null) expect(length).toBe(String(new TextEncoder().encode(body).length))
    })

    test.each([
      [undefined, 'json'],
      ['*/*', 'json'],
      ['application/json', 'json'],
      ['application/json, text/html', 'json'],
      ['text/html;q=0.5, */*', 'json'],
      ['text/html;q=0, application/json', 'json'],
      ['text/plain', 'json'],
      ['text/html', 'html'],
      ['text/*', 'html'],
      ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'html'],
    ])('GET / for a client that accepts %s is %s', async (accept, kind) => {
      const answer = await get('/', accept === undefined ? {} : { headers: { Accept: accept } })
      expect(answer.headers.get('Vary')).toMatch(/\bAccept\b/)
      if (kind === 'json') {
        expect(await answer.json()).toEqual({
          message: expect.any(String),
          links: { sse: '/sse', client: '/client/index.html' },
        })
      } else {
        const text = await answer.text()
        expect(text).toContain('href="/sse"')
        expect(text).toContain('href="/client/index.html"')
      }
    })

    test('a path that leads out of the folder leads nowhere', async () => {
      for (const path of [
        '/client/../../package.json',
        '/client/%2e%2e/%2e%2e/package.json',
        '/client/..%2f..%2fpackage.json',
        '/client/%5c..%5c..%5cpackage.json',
        '//client/index.html/../../../package.json',
      ]) {
        const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`
        const { status, body } = await raw(server.port, request)
        expect(status).toBe(404)
        expect(body).not.toContain('devDependencies')
      }
    })

    test('a file is found by its name, however that is written', async () => {
      expect((await get('/client/%69ndex%2ehtml')).status).toBe(200)
    })

    test('/client and /client/ lead to the page, which is no redirect', async () => {
      for (const path of ['/client', '/client/']) {
        expect((await get(path)).headers.get('Location')).toBe('/client/index.html')
      }
      expect(await (await get('/client/index.html')).text()).toContain('<title>')
    })

    test(`/health says that all is well${counts ? ' and how many streams are open' : ''}`, async () => {
      const health = (await (await get('/health')).json()) as object
      expect(health).toMatchObject({ status: 'ok' })
      if (counts) expect(health).toHaveProperty('streams', expect.any(Number))
      else expect(health).not.toHaveProperty('streams')
    })

    test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s is refused', async (method) => {
      for (const path of ['/', '/sse', '/health', '/client', '/client/', '/client/index.html']) {
        const answer = await get(path, { method })
        expect(answer.status).toBe(405)
        expect(answer.headers.get('Allow')).toBe('GET, HEAD, OPTIONS')
        expect(await answer.json()).toMatchObject({ status: 405, title: 'Method Not Allowed' })
      }
      expect((await get('/nothing', { method })).status).toBe(404)
      expect((await get('/client/nothing.js', { method })).status).toBe(404)
    })

    test('a bad query is a problem that names each parameter at fault', async () => {
      const answer = await get('/sse?interval=99&count=1&retry=1&retry=2')
      expect(answer.status).toBe(400)
      expect(await answer.json()).toEqual({
        type: 'about:blank',
        title: 'Bad Request',
        status: 400,
        detail: 'These query parameters are not accepted: interval, retry.',
        errors: [
          {
            parameter: 'interval',
            given: '99',
            accepted: 'a whole number from 100 to 300000, given once',
          },
          {
            parameter: 'retry',
            given: ['1', '2'],
            accepted: 'a whole number from 0 to 60000, given once',
          },
        ],
      })
    })
  })

  describe(`headers on ${name}`, () => {
    const paths = ['/', '/health', '/client', '/client/index.html', '/nothing', '/sse?count=0']

    test.each(paths)('%s is open to every origin, and closed to mischief', async (path) => {
      const { headers } = await get(path, { headers: { Origin: 'https://a.example' } })
      expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
      expect(headers.get('Access-Control-Allow-Credentials')).toBeNull()
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
      expect(headers.get('Referrer-Policy')).toBe('no-referrer')
      const policy = headers.get('Content-Security-Policy')
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
      expect(policy).not.toContain('unsafe')
    })

    test('a preflight allows Last-Event-ID', async () => {
      const answer = await get('/sse', {
        method: 'OPTIONS',
        headers: {
          Origin: 'https://a.example',
          'Access-Control-Request-Method': 'GET',
          'Access-Control-Request-Headers': 'last-event-id',
        },
      })
      expect(answer.status).toBe(204)
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
      expect(answer.headers.get('Access-Control-Allow-Headers')).toBe('Last-Event-ID')
      expect(answer.headers.get('Access-Control-Allow-Methods')).toBe('GET,HEAD,OPTIONS')
    })

    test.each([
      ['https://a.example', 'https://a.example'],
      ['http://b.example:8080', 'http://b.example:8080'],
      ['https://b.example', null],
      ['null', null],
      [undefined, null],
    ])('of a list of origins, %s is answered with %s', async (origin, allowed) => {
      for (const path of [...paths, '/sse']) {
        for (const method of ['GET', 'OPTIONS']) {
          const answer = await fetch(`${narrow.origin}${path}`, {
            method: path === '/sse' && method === 'GET' ? 'HEAD' : method,
            redirect: 'manual',
            headers: origin === undefined ? {} : { Origin: origin },
          })
          expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(allowed)
          expect(answer.headers.get('Vary')).toMatch(/\bOrigin\b/)
        }
      }
    })

    test('a stream is neither cached, nor changed, nor buffered, nor measured', async () => {
      const init = { headers: { 'Accept-Encoding': 'gzip, br, zstd, deflate' } }
      for (const path of ['/sse', '/sse?count=1', '/sse?count=1&interval=300000']) {
        for (const origin of [server.origin, narrow.origin]) {
          const { response, leave, messages } = listen(await fetch(`${origin}${path}`, init))
          expect(response.status).toBe(200)
          expect(response.headers.get('Content-Type')).toBe('text/event-stream')
          expect(response.headers.get('Cache-Control')).toBe('no-cache, no-transform')
          expect(response.headers.get('X-Accel-Buffering')).toBe('no')
          expect(response.headers.get('Content-Encoding')).toBeNull()
          expect(response.headers.get('Content-Length')).toBeNull()
          await until('a message has come', 5000, () => messages.length > 0)
          leave()
        }
      }
    })

    test('HEAD has the headers of a stream and starts none', async () => {
      const before = await openStreams(server)
      const { headers } = await get('/sse', { method: 'HEAD' })
      expect(headers.get('Content-Type')).toBe('text/event-stream')
      expect(headers.get('Cache-Control')).toBe('no-cache, no-transform')
      expect(headers.get('X-Accel-Buffering')).toBe('no')
      expect(headers.get('Content-Length')).toBeNull()
      expect(await openStreams(server)).toBe(before)
    })
  })

  describe(`streams on ${name}`, () => {
    test('message 0 comes at once, carries retry, and is of no named event', async () => {
      const asked = Date.now()
      const { received } = await stream('/sse')
      await until('message 0 has come', 5000, () => received.length === 2)
      const [retry, message] = received
      expect(retry).toMatchObject({ retry: 2000 })
      expect(message).toMatchObject({ event: undefined, id: expect.stringMatching(/^\d+-0$/) })
      if (!message || !('id' in message)) throw new Error('Not a message')
      const started = Number(message.id?.split('-')[0])
      expect(started).toBeGreaterThanOrEqual(asked)
      expect(started).toBeLessThanOrEqual(message.at)
      expect(message.data).toBe(new Date(started).toISOString())
    })

    test('each message comes at its instant', async () => {
      const { messages, ended } = await stream('/sse?interval=100&count=20')
      await ended
      expect(messages).toHaveLength(20)
      const started = Number(messages[0]?.id.split('-')[0])
      for (const [n, { id, data, at }] of messages.entries()) {
        const instant = started + n * 100
        expect(id).toBe(`${started}-${n}`)
        expect(data).toBe(new Date(instant).toISOString())
        expect(at).toBeGreaterThanOrEqual(instant)
        expect(at).toBeLessThan(instant + 1000)
      }
    })

    test('a client that comes back gets what fell due meanwhile, each once, then goes on', async () => {
      const started = Date.now() - 1050
      const { messages, leave } = await stream('/sse?interval=100', {
        headers: { 'Last-Event-ID': `${started}-2` },
      })
      await until('12 messages have come', 5000, () => messages.length >= 12)
      leave()
      for (const [i, { id }] of messages.entries()) expect(id).toBe(`${started}-${3 + i}`)
    })

    test('of more than 100 that were missed the newest 100 come', async () => {
      const started = Date.now() - 1_000_000_050
      const { messages, leave } = await stream('/sse?interval=1000', {
        headers: { 'Last-Event-ID': `${started}-5` },
      })
      await until('100 messages have come', 5000, () => messages.length >= 100)
      leave()
      const [first = ''] = messages.map(({ id }) => id)
      const n = Number(first.split('-')[1])
      expect(n).toBeGreaterThanOrEqual(1_000_000 - 99)
      expect(n).toBeLessThan(1_000_000 - 99 + 30)
      for (const [i, { id }] of messages.entries()) expect(id).toBe(`${started}-${n + i}`)
    })

    test('a resumed stream with nothing due starts with retry alone', async () => {
      const started = Date.now()
      const { received, messages, leave } = await stream('/sse?interval=2000&retry=1234', {
        headers: { 'Last-Event-ID': `${started}-0` },
      })
      await until('retry has come', 5000, () => received.length > 0)
      expect(received).toEqual([{ at: expect.any(Number), retry: 1234 }])
      await until('the next message has come', 5000, () => messages.length > 0)
      leave()
      expect(messages[0]?.id).toBe(`${started}-1`)
      expect(messages[0]?.at).toBeGreaterThanOrEqual(started + 2000)
    })

    test('the id comes from the query when there is no header', async () => {
      const started = Date.now() - 10_000
      const id = `${started}-0`
      expect(await firstMessage(`/sse?lastEventId=${id}`)).toBe(`${started}-1`)
      const headers = { 'Last-Event-ID': `${started}-1` }
      expect(await firstMessage(`/sse?lastEventId=${id}`, { headers })).toBe(`${started}-2`)
      expect(isFresh(await firstMessage(`/sse?lastEventId=${id}&lastEventId=${id}`))).toBe(true)
    })

    test.each([
      'x',
      '5',
      '-1',
      '1-',
      '1-2-3',
      '1.5-2',
      '1e3-1',
      ' 1 - 2 ',
      '0x10-1',
      '１-２',
      '9007199254740993-0',
      '1-9007199254740993',
      '99999999999999999999999-1',
      `${Date.now() + 3_600_000}-0`,
      `${Date.now()}-100000`,
    ])('the id %s makes no sense and is ignored', async (id) => {
      expect(isFresh(await firstMessage(`/sse?lastEventId=${encodeURIComponent(id)}`))).toBe(true)
      if (/^[\x21-\x7e]+$/.test(id)) {
        expect(isFresh(await firstMessage('/sse', { headers: { 'Last-Event-ID': id } }))).toBe(true)
      }
    })

    test('a stream of a count ends, and then tells a client not to come back', async () => {
      const { messages, ended } = await stream('/sse?interval=100&count=3')
      await ended
      expect(messages.map(({ id }) => id.split('-')[1])).toEqual(['0', '1', '2'])
      for (const method of ['GET', 'HEAD']) {
        const answer = await get('/sse?interval=100&count=3', {
          method,
          headers: { 'Last-Event-ID': messages[2]?.id ?? '' },
        })
        expect(answer.status).toBe(204)
        expect(await answer.text()).toBe('')
      }
    })

    test('a client that comes late to a count gets the newest 100 that exist', async () => {
      const started = Date.now() - 1_000_000
      const { messages, ended } = await stream('/sse?interval=100&count=250', {
        headers: { 'Last-Event-ID': `${started}-7` },
      })
      await ended
      expect(messages).toHaveLength(100)
      for (const [i, { id }] of messages.entries()) expect(id).toBe(`${started}-${150 + i}`)
    })

    test.concurrent('a comment comes when 15 s pass without a message', async ({ expect }) => {
      const { received, leave } = await stream('/sse?interval=300000')
      await until('a comment has come', 25_000, () => received.length === 3)
      leave()
      const [, message, comment] = received
      expect(comment).toMatchObject({ comment: '' })
      const quiet = (comment?.at ?? 0) - (message?.at ?? 0)
      expect(quiet).toBeGreaterThan(14_500)
      expect(quiet).toBeLessThan(20_000)
    })

    test('the interval of the settings holds where the query has none', async () => {
      const { messages, leave } = listen(await fetch(`${narrow.origin}/sse`))
      await until('two messages have come', 5000, () => messages.length >= 2)
      leave()
      const [first, second] = messages.map(({ data }) => Date.parse(data))
      expect((second ?? 0) - (first ?? 0)).toBe(200)
    })

    test('a stream ends in the last fifth of its age, and the client resumes it', async () => {
      const opened = Date.now()
      const { messages, ended } = listen(await fetch(`${narrow.origin}/sse`))
      await ended
      const age = Date.now() - opened
      expect(age).toBeGreaterThan(2300)
      expect(age).toBeLessThan(5000)
      const last = messages.at(-1)?.id ?? ''
      const again = listen(
        await fetch(`${narrow.origin}/sse`, { headers: { 'Last-Event-ID': last } }),
      )
      await until('it goes on', 5000, () => again.messages.length > 0)
      again.leave()
      const [started, n] = last.split('-')
      expect(again.messages[0]?.id).toBe(`${started}-${Number(n) + 1}`)
    })

    test('a client of HTTP/1.0 gets plain bytes, with or without Host', async () => {
      // workerd itself wants a Host.
      for (const host of counts ? ['', 'Host: localhost\r\n'] : ['Host: localhost\r\n']) {
        const request = `GET /sse?interval=100&count=3 HTTP/1.0\r\n${host}\r\n`
        const { status, headers, body } = await raw(server.port, request)
        expect(status).toBe(200)
        expect(headers.get('Transfer-Encoding')).toBeNull()
        expect(headers.get('Content-Length')).toBeNull()
        const { messages, ended } = listen(new Response(body))
        await ended
        expect(messages).toHaveLength(3)
        expect(body.split('\n')[0]).toMatch(/^(data|id|retry):/)
      }
    })
  })

  if (!counts) return

  describe(`places on ${name}`, () => {
    beforeAll(() => {
      for (const stream of open.splice(0)) stream.leave()
    })
    const allLeft = (of: Server) =>
      until('no stream is open', 20_000, async () => (await openStreams(of)) === 0)

    test('past the last place a newcomer is told when to come back', async () => {
      await allLeft(narrow)
      const ask = (init?: RequestInit) => fetch(`${narrow.origin}/sse?interval=100`, init)
      const taken = [listen(await ask()), listen(await ask())]

      const refused = listen(await ask({ headers: EVENT_STREAM }))
      expect(refused.response.status).toBe(200)
      expect(refused.response.headers.get('Content-Length')).toBeNull()
      await refused.ended
      expect(refused.received).toHaveLength(1)
      const [{ retry } = { retry: 0 }] = refused.received as { retry: number }[]
      expect(retry).toBeGreaterThanOrEqual(5000)
      expect(retry).toBeLessThanOrEqual(10_000)

      for (const Accept of ['*/*', 'text/*', 'text/event-stream;q=0']) {
        const other = await ask({ headers: { Accept } })
        expect(other.status).toBe(503)
        expect(Number(other.headers.get('Retry-After'))).toBeGreaterThanOrEqual(5)
        expect(await other.json()).toMatchObject({ status: 503 })
        expect((await ask({ method: 'HEAD', headers: { Accept } })).status).toBe(503)
      }
      for (const Accept of ['text/event-stream', 'Text/Event-Stream;q=0.1, */*']) {
        expect((await ask({ method: 'HEAD', headers: { Accept } })).status).toBe(200)
      }

      for (const path of ['/', '/health', '/client/index.html']) {
        expect((await fetch(`${narrow.origin}${path}`)).status).toBe(200)
      }
      for (const { messages, leave } of taken) {
        const before = messages.length
        await until('those already there get more', 5000, () => messages.length > before + 2)
        leave()
      }
      await allLeft(narrow)
      const { messages, leave } = listen(await ask())
      await until('a place is free again', 5000, () => messages.length > 0)
      leave()
    })

    test.each([
      'GET /health HTTP/1.1\r\nHost: a b',
      'GET /health HTTP/1.1\r\nHost: [zz',
      'POST /health HTTP/1.1\r\nHost: [zz',
      'GET /health HTTP/1.1\r\nHost: a:99999',
      'GET /health HTTP/1.1\r\nHost: localhost\r\nExpect: nonsense',
      'GET ftp://localhost/health HTTP/1.1\r\nHost: localhost',
      'GET http://localhost/health HTTP/1.1\r\nHost: localhost',
    ])('%j is answered, and not with a failure of the server', async (request) => {
      const { status, headers } = await raw(server.port, `${request}\r\nConnection: close\r\n\r\n`)
      expect(status).toBeGreaterThanOrEqual(200)
      expect(status).toBeLessThan(500)
      expect(server.output()).not.toContain('Error')
      // A parser that refuses the request by itself knows nothing of the app's headers.
      if (headers.has('Content-Type') || status < 400) {
        expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
        expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
      }
    })

    test.each([
      ['closes', 1],
      ['resets', 1],
      ['shuts down one half', 1],
      ['closes with 100 requests behind the stream', 101],
      ['resets with 100 requests behind the stream', 101],
    ])('a client that %s frees its place', async (how, requests) => {
      await allLeft(server)
      const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
      socket.write('GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n')
      await once(socket, 'data')
      socket.resume()
      expect(await openStreams(server)).toBe(1)
      socket.write('GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(requests - 1))
      // Node opens the streams of all that wait in line; Bun and Deno open one at a time.
      await openStreams(server)
      if (how.startsWith('closes')) socket.destroy()
      else if (how.startsWith('resets')) socket.resetAndDestroy()
      else socket.end()
      await allLeft(server)
      socket.destroy()
    })
  })
}
