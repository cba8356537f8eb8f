import { expect, onTestFinished, test } from 'vitest'
import { listen } from './listen.ts'
import { bun, deno, node, openStreams, start } from './servers.ts'
import { until } from './until.ts'

const metricsOf = async (origin: string) => {
  const answer = await fetch(`${origin}/metrics`)
  const text = await answer.text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const values = lines.map((line) => [
    line.slice(0, line.lastIndexOf(' ')),
    Number(line.slice(line.lastIndexOf(' '))),
  ])
  return { answer, values: Object.fromEntries(values) as Record<string, number> }
}

test.each([
  ['Node', node],
  ['Bun', bun],
  ['Deno', deno],
])('metrics and log on %s say what happened to streams', async (_name, runtime) => {
  const server = await start(runtime, { METRICS: 'true', MAX_STREAMS: '2', MAX_STREAM_AGE: '1000' })
  onTestFinished(server.stop)
  const { origin } = server

  await listen(await fetch(`${origin}/sse?interval=100&count=3`)).ended
  const headers = { 'Last-Event-ID': `${Date.now() - 950}-4` }
  const resumed = listen(await fetch(`${origin}/sse?interval=100`, { headers }))
  const other = listen(await fetch(`${origin}/sse?interval=100`))
  expect((await fetch(`${origin}/sse`)).status).toBe(503)
  await until('replays have come', 5000, () => resumed.messages.length >= 6)
  other.leave()
  await until('one has left', 5000, async () => (await openStreams(server)) === 1)
  await resumed.ended
  const last = listen(await fetch(`${origin}/sse`))
  await until('the last has opened', 5000, () => last.messages.length > 0)

  const { answer, values } = await metricsOf(origin)
  expect(answer.headers.get('Content-Type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(values).toMatchObject({
    sse_streams_open: 1,
    sse_streams_opened_total: 4,
    sse_streams_refused_total: 1,
    'sse_streams_ended_total{reason="count"}': 1,
    'sse_streams_ended_total{reason="client"}': 1,
    'sse_streams_ended_total{reason="age"}': 1,
    'sse_streams_ended_total{reason="drain"}': 0,
    'sse_streams_ended_total{reason="stalled"}': 0,
    sse_messages_replayed_total: 5,
  })
  expect(values.sse_messages_sent_total).toBeGreaterThanOrEqual(3 + 10 + 1)
  expect(values.process_cpu_seconds_total).toBeGreaterThan(0)

  server.process.kill('SIGTERM')
  await last.ended
  expect(await server.exited).toBe(0)
  const entries = server
    .output()
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line))
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT/)
  const opened = entries.filter(({ event }) => event === 'stream opened')
  const ended = entries.filter(({ event }) => event === 'stream ended')
  expect(opened.map(({ resumed }) => resumed)).toEqual([false, true, false, false])
  expect(opened[0]).toEqual({ time, event: 'stream opened', resumed: false })
  expect(ended.map(({ reason }) => reason)).toEqual(['count', 'client', 'age', 'drain'])
  expect(ended[0]).toEqual({
    time,
    event: 'stream ended',
    reason: 'count',
    duration: expect.any(Number),
    messages: 3,
    resumed: false,
  })
  expect(entries).toHaveLength(8)
})

test('metrics are not there unless they are wanted, and LOG=off is silent', async () => {
  const server = await start(node, { LOG: 'off' })
  onTestFinished(server.stop)
  expect((await fetch(`${server.origin}/metrics`)).status).toBe(404)
  await listen(await fetch(`${server.origin}/sse?count=1`)).ended
  expect(server.output()).toMatch(/^Ready[^\n]*\n$/)
})
