import { setCookie } from 'hono/cookie'
import { createMiddleware } from 'hono/factory'
import { streamSSE } from 'hono/streaming'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createApp } from '../src/app.ts'
import { readSettings } from '../src/settings.ts'
import { Streams } from '../src/streams.ts'
import { type Listening, listen } from './listen.ts'

const NOW = Date.parse('2026-11-25T01:32:05.806Z')
const HOUR = 3_600_000

const noFiles = createMiddleware((_c, next) => next())

/** A server in this process, and the way to open a stream of it. */
const setUp = (env: Record<string, string> = {}) => {
  const settings = readSettings(env)
  const streams = new Streams(settings.maxStreams)
  const app = createApp(settings, { files: noFiles, streams })
  const open = async (path = '/sse', lastEventId?: string) => {
    const headers = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }
    const listening = listen(await app.request(path, { headers }))
    await vi.advanceTimersByTimeAsync(0)
    return listening
  }
  return { app, streams, open }
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const numbers = (messages: { id: string }[]) => messages.map(({ id }) => Number(id.split('-')[1]))

beforeEach(() => {
  vi.useFakeTimers({ now: NOW })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('cadence', () => {
  test('a message comes at once and then every 5 seconds', async () => {
    const { received } = await setUp().open()
    await pass(10_000)
    expect(received).toEqual([
      { at: NOW, retry: 2000 },
      { at: NOW, id: `${NOW}-0`, data: '2026-11-25T01:32:05.806Z', event: undefined },
      { at: NOW + 5000, id: `${NOW}-1`, data: '2026-11-25T01:32:10.806Z', event: undefined },
      { at: NOW + 10_000, id: `${NOW}-2`, data: '2026-11-25T01:32:15.806Z', event: undefined },
    ])
  })

  test('nothing drifts within an hour', async () => {
    const { messages } = await setUp({ MAX_STREAM_AGE: '0' }).open('/sse?interval=1000')
    await pass(HOUR)
    expect(messages).toHaveLength(3601)
    for (const [n, { id, data, at }] of messages.entries()) {
      expect(id).toBe(`${NOW}-${n}`)
      expect(data).toBe(new Date(NOW + n * 1000).toISOString())
      expect(at).toBe(NOW + n * 1000)
    }
  })

  test('a timer that fires early or late shifts nothing', async () => {
    const { messages } = await setUp().open('/sse?interval=1000')
    for (const shift of [-1, 1, 300, -300]) {
      vi.setSystemTime(Date.now() + shift)
      await pass(5000)
    }
    expect(messages.length).toBeGreaterThanOrEqual(20)
    expect(numbers(messages)).toEqual(messages.map((_, i) => i))
    for (const { data, at } of messages) expect(at).toBeGreaterThanOrEqual(Date.parse(data))
  })

  test('a stream among few is on time to the ms', async () => {
    const { open } = setUp()
    await pass(3)
    const { messages } = await open('/sse?interval=1001')
    await pass(10_010)
    expect(messages).toHaveLength(11)
    for (const { data, at } of messages) expect(at).toBe(Date.parse(data))
  })

  test('streams in a crowd share timers, and are less than 5 ms late for it', async () => {
    const { open } = setUp()
    const timers = vi.getTimerCount()
    const opened: Listening[] = []
    while (opened.length < 1200) {
      opened.push(await open())
      await pass(1)
    }
    await pass(10_000)
    const latest = opened.map(({ messages }) => messages.at(-1))
    for (const message of latest) {
      expect(message?.id).toMatch(/-2$/)
      const late = Number(message?.at) - Date.parse(message?.data ?? '')
      expect(late).toBeGreaterThanOrEqual(0)
      expect(late).toBeLessThan(5)
    }
    expect(vi.getTimerCount() - timers).toBeLessThanOrEqual(1200 / 5 + 1)
  })

  test('a stream that is opened when the clock has been set ahead has its messages on time', async () => {
    const { open } = setUp()
    await open()
    vi.setSystemTime(Date.now() + 3000)
    const { messages } = await open('/sse?interval=2000')
    await pass(2000)
    expect(numbers(messages)).toEqual([0, 1])
  })

  test('the first message of a stream is on time however large its number is', async () => {
    const { messages } = await setUp().open('/sse?interval=100', `${NOW % 100}-17955703258`)
    await pass(1000)
    expect(messages.length).toBe(10)
    for (const { data, at } of messages) expect(at).toBe(Date.parse(data))
  })
})

describe('resume', () => {
  test('what fell due while the client was away comes at once, then the stream goes on', async () => {
    const { messages } = await setUp().open('/sse', `${NOW - 22_000}-1`)
    expect(numbers(messages)).toEqual([2, 3, 4])
    await pass(3000)
    expect(numbers(messages)).toEqual([2, 3, 4, 5])
    expect(messages.at(-1)?.at).toBe(NOW + 3000)
  })

  test('only the first of the messages that were missed carries retry', async () => {
    const { received } = await setUp().open('/sse?retry=7', `${NOW - 22_000}-1`)
    expect(received.filter((item) => 'retry' in item)).toEqual([{ at: NOW, retry: 7 }])
    expect(received[0]).toEqual({ at: NOW, retry: 7 })
  })

  test.each([
    [100, 1],
    [101, 2],
    [5000, 4901],
  ])('of %i messages that were missed the first to come is number %i', async (missed, first) => {
    const { messages } = await setUp().open('/sse', `${NOW - missed * 5000}-0`)
    expect(numbers(messages)).toEqual(Array.from({ length: 100 }, (_, i) => first + i))
  })

  test('a client whose clock, or whose last server, is 60 s ahead is taken at its word', async () => {
    const { received, messages } = await setUp().open('/sse', `${NOW + 60_000}-0`)
    expect(received).toEqual([{ at: NOW, retry: 2000 }])
    await pass(65_000)
    expect(messages).toEqual([
      { at: NOW + 65_000, id: `${NOW + 60_000}-1`, data: new Date(NOW + 65_000).toISOString() },
    ])
  })

  test.each([`${NOW + 60_001}-0`, `${NOW}-13`, '0-9007199254740992'])(
    'an id from the future, %s, is ignored',
    async (id) => {
      const { messages } = await setUp().open('/sse', id)
      expect(messages[0]?.id).toBe(`${NOW}-0`)
    },
  )

  test('a client that stalled for an hour gets the newest 100 of what it missed', async () => {
    // Nobody counts this stream, so nobody takes its place away.
    const response = await createApp(readSettings({ MAX_STREAM_AGE: '0' }), {
      files: noFiles,
    }).request('/sse')
    await pass(HOUR)
    const { messages } = listen(response)
    await pass(0)
    const sent = numbers(messages)
    expect(sent.slice(-100)).toEqual(Array.from({ length: 100 }, (_, i) => 621 + i))
    // What the buffers held when the client stopped to read comes first.
    expect(sent.length).toBeLessThan(110)
  })
})

describe('count', () => {
  test('the stream ends with the last message', async () => {
    const { streams, open } = setUp()
    const { messages, ended } = await open('/sse?count=3')
    await pass(10_001)
    await ended
    expect(numbers(messages)).toEqual([0, 1, 2])
    expect(streams.size).toBe(0)
  })

  test('a client that has all is told not to come back', async () => {
    const { app } = setUp()
    for (const n of [2, 3]) {
      const headers = { 'Last-Event-ID': `${NOW - HOUR}-${n}` }
      expect((await app.request('/sse?count=3', { headers })).status).toBe(204)
    }
  })

  test('one that comes late gets the newest 100 that exist', async () => {
    const { messages, ended } = await setUp().open('/sse?count=150', `${NOW - HOUR}-3`)
    await pass(1)
    await ended
    expect(numbers(messages)).toEqual(Array.from({ length: 100 }, (_, i) => 50 + i))
  })
})

describe('heartbeat', () => {
  test('a comment comes whenever 15 s pass without a message', async () => {
    const { received } = await setUp().open('/sse?interval=50000')
    await pass(100_000)
    const comments = received.filter((item) => 'comment' in item)
    expect(comments.map(({ at }) => at - NOW)).toEqual([
      15_000, 30_000, 45_000, 65_000, 80_000, 95_000,
    ])
  })

  test('none comes when messages come often enough', async () => {
    const { received, messages } = await setUp().open('/sse?interval=15000')
    await pass(150_000)
    expect(messages).toHaveLength(11)
    expect(received.filter((item) => 'comment' in item)).toEqual([])
  })
})

test('a stream keeps each of the cookies that a route sets', async () => {
  const { app } = setUp()
  app.get('/news', (c) => {
    setCookie(c, 'a', '1')
    setCookie(c, 'b', '2')
    return streamSSE(c, async (stream) => {
      await stream.write(':\n\n')
    })
  })
  const { headers } = await app.request('/news')
  expect(headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2; Path=/'])
  expect(headers.get('X-Accel-Buffering')).toBe('no')
  expect(headers.get('Transfer-Encoding')).toBeNull()
  expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
})

describe('age', () => {
  test('streams end at random points in the last fifth of it', async () => {
    const { open } = setUp({ MAX_STREAM_AGE: '900000' })
    const ends = new Set<number>()
    for (let i = 0; i < 50; i++) {
      const { ended } = await open('/sse?interval=300000')
      const opened = Date.now()
      ended.then(() => ends.add(Date.now() - opened))
    }
    await pass(719_000)
    expect(ends.size).toBe(0)
    await pass(182_000)
    expect(ends.size).toBeGreaterThan(40)
    for (const age of ends) {
      expect(age).toBeGreaterThanOrEqual(720_000)
      expect(age).toBeLessThanOrEqual(900_000)
    }
  })

  test('0 is no limit', async () => {
    const { streams, open } = setUp({ MAX_STREAM_AGE: '0' })
    const { messages } = await open('/sse?interval=300000')
    await pass(10 * HOUR)
    expect(messages).toHaveLength(121)
    expect(streams.size).toBe(1)
  })
})

describe('places', () => {
  test('a client that leaves frees its place and its timer at once', async () => {
    const { streams, open } = setUp()
    const timers = vi.getTimerCount()
    const { leave } = await open('/sse?interval=300000')
    expect(streams.size).toBe(1)
    leave()
    await pass(0)
    expect(streams.size).toBe(0)
    expect(vi.getTimerCount()).toBe(timers)
  })

  test('of two that are due at the same time one may leave, and the other gets its message', async () => {
    const { open } = setUp()
    const timers = vi.getTimerCount()
    const [first, second] = await Promise.all([open(), open()])
    first.leave()
    await pass(5000)
    expect(numbers(second.messages)).toEqual([0, 1])
    second.leave()
    await pass(0)
    expect(vi.getTimerCount()).toBe(timers)
  })

  test('one that is due when another was that has left gets its message', async () => {
    const { open } = setUp()
    const first = await open()
    first.leave()
    const second = await open()
    await pass(5000)
    expect(numbers(second.messages)).toEqual([0, 1])
  })

  test('a loop of another route is woken, too, when its client leaves', async () => {
    const { app, streams, open } = setUp()
    const hasEnded = vi.fn()
    app.get('/news', (c) =>
      streamSSE(c, async (stream) => {
        streams.take(stream, false)
        await stream.write(':\n\n')
        await stream.sleep(HOUR)
        hasEnded()
      }),
    )
    const { leave } = await open('/news')
    expect(hasEnded).not.toHaveBeenCalled()
    leave()
    await pass(0)
    expect(hasEnded).toHaveBeenCalled()
    expect(streams.size).toBe(0)
  })

  test('a client that never reads loses its place within 60 s', async () => {
    const { app, streams, open } = setUp({ MAX_STREAMS: '2' })
    const { messages } = await open('/sse?interval=15000')
    const timers = vi.getTimerCount()
    const unread = await app.request('/sse?interval=100')
    expect(unread.status).toBe(200)
    await pass(30_000)
    expect(streams.size).toBe(2)
    await pass(30_000)
    expect(streams.size).toBe(1)
    expect(vi.getTimerCount()).toBe(timers)
    await pass(15_000)
    expect(messages).toHaveLength(6)
  })

  test('HEAD takes none, and leaves no timer', async () => {
    const { app, streams } = setUp()
    const timers = vi.getTimerCount()
    for (let i = 0; i < 1000; i++) await app.request('/sse', { method: 'HEAD' })
    expect(streams.size).toBe(0)
    expect(vi.getTimerCount()).toBe(timers)
  })

  test('draining ends every stream, says when to come back, and lets no newcomer in', async () => {
    const { app, streams, open } = setUp()
    const opened = await Promise.all(Array.from({ length: 50 }, () => open()))
    streams.drain()
    await Promise.all(opened.map(({ ended }) => ended))
    expect(streams.size).toBe(0)
    const retries = opened.map(({ received }) => received.at(-1) as { retry: number })
    for (const { retry } of retries) {
      expect(retry).toBeGreaterThanOrEqual(1000)
      expect(retry).toBeLessThanOrEqual(5000)
    }
    expect(new Set(retries.map(({ retry }) => retry)).size).toBeGreaterThan(25)
    expect((await app.request('/sse')).status).toBe(503)
  })
})
