import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listen } from './listen.ts'
import { raw } from './raw.ts'
import {
  bun,
  copyProject,
  deno,
  inCopy,
  node,
  openStreams,
  type Runtime,
  type Server,
  start,
} from './servers.ts'
import { until } from './until.ts'

const SECRET = 'nobody-may-read-this'

/** Numbers that look random and are the same in every run (mulberry32, by Tommy Ettinger). */
const seeded = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
}

const METHODS = [
  'GET',
  'GET',
  'GET',
  'HEAD',
  'POST',
  'OPTIONS',
  'DELETE',
  'PUT',
  'get',
  'BREW',
  'TRACE',
  'G T',
]
const PATHS = [
  '/',
  '/sse',
  '/health',
  '/metrics',
  '/client',
  '/client/',
  '/client/index.html',
  '/client/page.js',
  '/static/client/index.html',
  '/src/node.ts',
  '/package.json',
  '*',
  '',
  'http://localhost/sse',
  'http://',
  'sse',
]
const PIECES = [
  '..',
  '.',
  '%2e%2e',
  '%2E.',
  '%2f',
  '%5c',
  '\\',
  '//',
  '/',
  '%00',
  '\0',
  '%',
  '%zz',
  '%c0%ae',
  '%e2%80%ae',
  '.env',
  '.git/config',
  'secret',
  'link.txt',
  'folder',
  'folder/secret.txt',
  'index.html',
  'client',
  'package.json',
  '~',
  ';',
  '?',
  '#',
  '\u00e9',
  'x'.repeat(300),
  '%2e%2e%2f%2e%2e%2fpackage.json',
]
const NAMES = [
  'interval',
  'count',
  'retry',
  'lastEventId',
  'Interval',
  '__proto__',
  'constructor',
  'a[b]',
  '%69nterval',
  '',
  'url',
]
const VALUES = [
  '100',
  '1',
  '0',
  '-1',
  '1e9',
  'NaN',
  '99999999999999999999',
  '',
  ' ',
  '%',
  '%00',
  '%0a%0d',
  '\u00ff',
  '<script>',
  '{}',
  '1-1',
  '1-1%0aevent: x',
  `${Date.now()}-0`,
  '9'.repeat(2000),
  '٣',
  '1,2',
]
const FIELDS = [
  'Last-Event-ID',
  'Accept',
  'Accept-Encoding',
  'Origin',
  'Host',
  'Range',
  'If-None-Match',
  'Content-Length',
  'Transfer-Encoding',
  'Expect',
  'Connection',
  'Upgrade',
  'Cookie',
  'X-Forwarded-For',
  'Access-Control-Request-Method',
  'Content-Type',
]
const CONTENTS = [
  '',
  '*',
  '0',
  '-1',
  'chunked',
  'gzip',
  'text/html',
  'text/event-stream',
  'null',
  'https://a.example',
  'bytes=0-5',
  'bytes=-1',
  'bytes=9-1',
  '100-continue',
  'websocket',
  'h2c',
  '../../package.json',
  '\u00ff\u00fe',
  '\t',
  'a\rb',
  '1-1',
  `${'9'.repeat(17)}-1`,
  'x'.repeat(500),
  'a, b;q=x, ;;=',
  '%00',
  '{"a":1}',
]

describe.each([
  ['Node', node, 4000],
  ['Bun', bun, 3000],
  ['Deno', deno, 3000],
] as [string, Runtime, number][])('hostile input on %s', (_name, runtime, requests) => {
  let server: Server
  let folder: string

  beforeAll(async () => {
    // A copy with things in it, and beside it, that nobody may read.
    folder = await copyProject()
    await writeFile(join(folder, 'secret.txt'), SECRET)
    await mkdir(join(folder, 'static/client/folder'))
    const inside = (name: string) => join(folder, 'static/client', name)
    await writeFile(inside('.env'), SECRET)
    await writeFile(inside('folder/secret.txt'), SECRET)
    await symlink('../../secret.txt', inside('link.txt'))
    await symlink('../..', inside('up'))
    await symlink('loop', inside('loop'))
    server = await start(inCopy(folder, runtime), { LOG: 'off' })
  })
  afterAll(async () => {
    await server?.stop()
    await rm(folder, { recursive: true })
  })

  test.each([
    'link.txt',
    '.env',
    'folder',
    'folder/secret.txt',
    'up/secret.txt',
    'loop',
    'up',
    'folder%2fsecret.txt',
    'index.html/',
    'index.html%00',
    'x'.repeat(256),
  ])('GET /client/%s is 404', async (name) => {
    const { status, body } = await raw(
      server.port,
      `GET /client/${name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    )
    expect(status).toBe(404)
    expect(body).not.toContain(SECRET)
  })

  test(`of ${requests} requests at random none does harm`, async () => {
    const random = seeded(1)
    const one = <T>(list: T[]) => list[Math.floor(random() * list.length)] as T
    const some = <T>(most: number, make: () => T) =>
      Array.from({ length: Math.floor(random() * (most + 1)) }, make)
    const request = () => {
      const path =
        one(PATHS) +
        some(random() < 0.5 ? 0 : 3, () => (random() < 0.5 ? '/' : '') + one(PIECES)).join('')
      const query = some(random() < 0.5 ? 0 : 4, () => `${one(NAMES)}=${one(VALUES)}`).join('&')
      const fields = some(2, () => `${one(FIELDS)}: ${one(CONTENTS)}\r\n`).join('')
      const version = random() < 0.9 ? 'HTTP/1.1' : one(['HTTP/1.0', 'HTTP/9.9', 'HTTP', ''])
      return `${one(METHODS)} ${path}${query && `?${query}`} ${version}\r\nHost: localhost\r\n${fields}\r\n`
    }
    const answers = { some: 0, ok: 0, refused: 0 }
    const ask = async () => {
      const bytes = request()
      // Long enough for an answer, and for what a stream sends at once.
      const { status, headers, body } = await raw(server.port, bytes, 150)
      const about = JSON.stringify(bytes)
      if (status === 0) return
      answers.some++
      // 505 is a parser's word for a request line of which it can't make out the version.
      if (status !== 505) expect(status, about).toBeLessThan(500)
      expect(body, about).not.toContain(SECRET)
      expect(body, about).not.toContain('"devDependencies"')
      expect(body, about).not.toMatch(/\bat .*\.[jt]s:\d+|node_modules|file:\/\//)
      if (status === 200) answers.ok++
      if (status >= 400) answers.refused++
      if (status === 200 && headers.get('Content-Type') === 'text/event-stream') {
        const plain = headers.has('Transfer-Encoding')
          ? body.replace(/^[0-9a-f]+\r\n|\r\n(?:[0-9a-f]+\r\n|$)/g, '')
          : body
        for (const line of plain.split('\n')) {
          expect(line, about).toMatch(/^$|^:$|^id: \d+-\d+$|^retry: \d+$|^data: \d{4}-[\dT:.-]+Z$/)
        }
      }
    }
    for (let i = 0; i < requests; i += 50) {
      await Promise.all(Array.from({ length: 50 }, ask))
    }
    expect(answers.some).toBeGreaterThan(requests / 2)
    expect(answers.ok).toBeGreaterThan(requests / 40)
    expect(answers.refused).toBeGreaterThan(requests / 4)
    expect(server.output()).toMatch(/^Ready[^\n]*\n$/)
    await until('no stream is open', 20_000, async () => (await openStreams(server)) === 0)
    const { messages, leave } = listen(await fetch(`${server.origin}/sse`))
    await until('a newcomer is served', 1000, () => messages.length > 0)
    leave()
  }, 120_000)
})
