import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import { readQuery } from './query.ts'
import { refuse } from './refuse.ts'
import type { Settings } from './settings.ts'
import type { Streams } from './streams.ts'
import { catchUp, instantOf, messageOf, resume } from './ticks.ts'

/** After so many ms without a message a comment goes out, so that nothing on the way takes the stream for dead. */
const HEARTBEAT = 15_000

/**
 * `GET /sse`: sleep until the next instant (not at all if it has passed), write that message, take the next.
 * @param streams the open streams of this process; none on Workers, where code after the loop may never run
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export const sse = (settings: Settings, streams?: Streams) => (c: Context) => {
  const { interval, count, retry, lastEventId } = readQuery(c.req, settings)
  const { ticks, next } = resume(lastEventId, interval, Date.now())

  // 204 keeps an EventSource from coming back: WHATWG HTML, section 9.2.3.
  if (next >= count) return c.body(null, 204)
  if (streams && !streams.hasRoom) return refuse(c, streams)
  if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' })

  return streamSSE(c, async (stream) => {
    const place = streams?.take(stream, next > 0)
    // A random age, so that clients that came in one instant don't come back in one.
    const end = Date.now() + settings.maxStreamAge * (0.8 + 0.2 * Math.random())
    const first = catchUp(ticks, next, count, Date.now())
    let n = first
    try {
      if (instantOf(ticks, n) > Date.now()) await stream.write(`retry: ${retry}\n\n`)

      while (n < count && !stream.aborted && !stream.closed) {
        const now = Date.now()
        if (now >= end) break
        n = catchUp(ticks, n, count, now)
        const wait = instantOf(ticks, n) - now
        if (wait > 0) {
          const pause = Math.min(wait, HEARTBEAT, end - now)
          await stream.sleep(pause)
          if (pause === HEARTBEAT && pause < wait) await stream.write(':\n\n')
        } else {
          await stream.writeSSE(
            n === first ? { ...messageOf(ticks, n), retry } : messageOf(ticks, n),
          )
          place?.sent(instantOf(ticks, n))
          n++
        }
        place?.touch()
      }
      // Bun gives a body that ends at once a Content-Length.
      await stream.sleep(0)
    } finally {
      place?.leave(n < count ? 'age' : 'count')
    }
  })
}
