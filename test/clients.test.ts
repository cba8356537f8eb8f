import { EventSource } from 'eventsource'
import { afterEach, expect, test } from 'vitest'
import { bun, freePort, node, type Server, start } from './servers.ts'
import { until } from './until.ts'

const running: (Server | EventSource)[] = []

afterEach(async () => {
  for (const it of running.splice(0)) await ('stop' in it ? it.stop() : it.close())
})

const begin = async (...args: Parameters<typeof start>) => {
  const server = await start(...args)
  running.push(server)
  return server
}

/** An EventSource, and the numbers of the messages that it has got. */
const connect = (url: string) => {
  const source = new EventSource(url)
  running.push(source)
  const ids: string[] = []
  source.onmessage = ({ lastEventId }) => ids.push(lastEventId)
  const numbers = () => ids.map((id) => Number(id.split('-')[1]))
  return { source, ids, numbers }
}

const countUp = (n: number) => Array.from({ length: n }, (_, i) => i)

test('an EventSource misses nothing when the server is killed and another runtime takes over', async () => {
  const port = await freePort()
  const { ids, numbers } = connect(`http://127.0.0.1:${port}/sse?interval=250&retry=100`)
  const first = await begin(node, {}, { port })
  await until('5 messages have come', 20_000, () => ids.length >= 5)

  await first.stop()
  const second = await begin(bun, {}, { port })
  const before = ids.length
  await until('5 more have come', 20_000, () => ids.length >= before + 5)

  await second.stop()
  await begin(node, {}, { port })
  await until('5 more have come', 20_000, () => ids.length >= before + 10)
  expect(numbers()).toEqual(countUp(ids.length))
  expect(new Set(ids.map((id) => id.split('-')[0])).size).toBe(1)
})

test('an EventSource comes back by itself when its stream is too old', async () => {
  const server = await begin(node, { MAX_STREAM_AGE: '1000' })
  const { ids, numbers } = connect(`${server.origin}/sse?interval=200&retry=50`)
  await until('15 messages have come', 20_000, () => ids.length >= 15)
  expect(numbers()).toEqual(countUp(ids.length))
})

test('an EventSource stops for good when a count is complete', async () => {
  const server = await begin(node)
  const { source, numbers } = connect(`${server.origin}/sse?interval=100&count=5&retry=10`)
  await until('it is closed', 10_000, () => source.readyState === source.CLOSED)
  expect(numbers()).toEqual(countUp(5))
})

test('an EventSource that was refused gets in once there is room', async () => {
  const server = await begin(node, { MAX_STREAMS: '1' })
  const first = connect(`${server.origin}/sse?interval=100`)
  await until('the first is in', 5000, () => first.ids.length > 0)
  const second = connect(`${server.origin}/sse?interval=100`)
  let refused = 0
  second.source.onerror = () => {
    refused++
  }
  await until('the second was refused', 5000, () => refused > 0)
  expect(second.source.readyState).toBe(second.source.CONNECTING)
  first.source.close()
  await until('the second is in', 20_000, () => second.ids.length > 0)
})
