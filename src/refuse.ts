import type { Context } from 'hono'
import { accepts } from 'hono/accepts'
import { streamSSE } from 'hono/streaming'
import { between } from './jitter.ts'
import { Problem } from './problem.ts'
import type { Streams } from './streams.ts'

const TYPE = 'text/event-stream'

/**
 * The answer to a newcomer that has no place. An EventSource never comes back from a 503:
 * one that asks for an event stream gets one that says when to try again, and ends.
 * @throws {Problem} 503 for any other client
 */
export const refuse = (c: Context, streams: Streams): Response => {
  if (c.req.method === 'GET') streams.refused++
  const isAsked = accepts(c, {
    header: 'Accept',
    supports: [TYPE],
    default: '',
    match: (ranges) =>
      ranges.some(({ type, q }) => type.toLowerCase() === TYPE && q > 0) ? TYPE : '',
  })
  if (!isAsked) {
    const seconds = between(5, 10)
    throw new Problem(503, `No stream can be opened now. Try again in ${seconds} s.`, {
      headers: { 'Retry-After': String(seconds) },
    })
  }
  if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': TYPE })
  return streamSSE(c, async (stream) => {
    await stream.write(`retry: ${between(5000, 10_000)}\n\n`)
    // Bun gives a body that ends at once a Content-Length.
    await stream.sleep(0)
  })
}
