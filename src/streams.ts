import type { Context } from 'hono'
import { accepts } from 'hono/accepts'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { Problem } from './problem.ts'

/**
 * A stream whose loop has not come round for so long, in ms, is held up by a client that doesn't read:
 * a loop that isn't held up comes round with every heartbeat.
 */
const STALLED = 40_000

/** How often such streams are looked for, in ms. */
const SWEEP = 5_000

/** A whole number from `min` to `max`, random so that clients told to wait don't come back in one instant. */
const between = (min: number, max: number): number =>
  min + Math.floor(Math.random() * (max - min + 1))

/** The streams that a process has open. */
export class Streams {
  readonly #max: number
  /** Each open stream, with the time of `performance.now()` when its loop last came round. */
  readonly #open = new Map<SSEStreamingApi, number>()
  #draining = false

  /** @param max how many may be open at a time */
  constructor(max: number) {
    this.#max = max
    setInterval(() => this.#abortStalled(), SWEEP)
  }

  /** How many are open now. */
  get size(): number {
    return this.#open.size
  }

  /** Whether a newcomer has to be refused. */
  get full(): boolean {
    return this.#draining || this.#open.size >= this.#max
  }

  /**
   * The answer to a newcomer when all places are taken. An EventSource never comes back from a 503:
   * one that asks for an event stream gets one that says when to try again, and ends.
   * @throws {Problem} 503 for any other client
   */
  refuse(c: Context): Response {
    const seconds = between(5, 10)
    const type = 'text/event-stream'
    const isExplicit = accepts(c, {
      header: 'Accept',
      supports: [type],
      default: '',
      match: (ranges) => (ranges.some((range) => range.type === type && range.q > 0) ? type : ''),
    })
    if (!isExplicit) {
      throw new Problem(503, `All places are taken. Try again in ${seconds} s.`, {
        headers: { 'Retry-After': String(seconds) },
      })
    }
    return streamSSE(c, async (stream) => {
      await stream.write(`retry: ${seconds * 1000}\n\n`)
      // Bun gives a body that ends at once a Content-Length.
      await stream.sleep(0)
    })
  }

  /** Counts a stream, until its client leaves or `delete` is called. */
  add(stream: SSEStreamingApi): void {
    this.#open.set(stream, performance.now())
    stream.onAbort(() => this.delete(stream))
  }

  /** Says that the loop of an open stream is not held up by a client that doesn't read. */
  touch(stream: SSEStreamingApi): void {
    if (this.#open.has(stream)) this.#open.set(stream, performance.now())
  }

  /** Frees the place of a stream. */
  delete(stream: SSEStreamingApi): void {
    this.#open.delete(stream)
  }

  /** Ends every stream on a whole message, tells each client when to come back, and lets no other in. */
  drain(): void {
    this.#draining = true
    for (const stream of this.#open.keys()) {
      stream.write(`retry: ${between(1000, 5000)}\n\n`)
      stream.close()
      this.delete(stream)
    }
  }

  #abortStalled(): void {
    const limit = performance.now() - STALLED
    for (const [stream, touched] of this.#open) if (touched < limit) stream.abort()
  }
}
