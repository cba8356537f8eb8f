import type { SSEStreamingApi } from 'hono/streaming'
import { between } from './jitter.ts'
import { Timers } from './timers.ts'

/**
 * A stream whose loop has not come round for so long, in ms, is held up by a client that doesn't read:
 * a loop that isn't held up comes round with every heartbeat.
 */
const STALLED = 40_000

/** How often such streams are looked for, in ms. */
const SWEEP = 5_000

/** Why a stream ended. */
export type Reason = 'client' | 'count' | 'age' | 'drain' | 'stalled'

/** The place that an open stream takes. */
export class Place {
  /** Whether the client came back with an id. */
  readonly resumed: boolean
  /** When it opened, in ms since the epoch. */
  readonly opened = Date.now()
  /** How many messages were sent. */
  messages = 0
  readonly #streams: Streams
  readonly #stream: SSEStreamingApi
  #touched = performance.now()
  #wake = () => {}
  #wakeAt = 0

  constructor(streams: Streams, stream: SSEStreamingApi, resumed: boolean) {
    this.#streams = streams
    this.#stream = stream
    this.resumed = resumed
  }

  /** Says that the loop is not held up by a client that doesn't read. */
  touch(): void {
    this.#touched = performance.now()
  }

  /** Counts a message. @param instant when it was due, in ms since the epoch */
  sent(instant: number): void {
    this.messages++
    this.#streams.messages++
    if (this.resumed && instant < this.opened) this.#streams.replayed++
  }

  /**
   * Resolves after `ms`, or when the place is freed meanwhile: Hono's `stream.sleep` can't be cut short, but a
   * stream that has ended must not wait for a timer with all that it holds.
   */
  sleep(ms: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const { size, timers } = this.#streams
      this.#wake = resolve
      this.#wakeAt = timers.set(ms, size, resolve)
    })
  }

  /** Frees the place. The first reason is the one that counts. */
  leave(reason: Reason): void {
    this.#streams.delete(this, reason)
    this.#streams.timers.clear(this.#wakeAt, this.#wake)
    this.#wake()
  }

  /** Ends the stream on a whole message, and tells its client when to come back. */
  drain(): void {
    this.#stream.write(`retry: ${between(1000, 5000)}\n\n`)
    this.#stream.close()
    this.leave('drain')
  }

  /** Gives the stream up if its client has not read for too long. @param now of `performance.now()` */
  abortIfStalled(now: number): void {
    if (now - this.#touched < STALLED) return
    this.leave('stalled')
    this.#stream.abort()
  }
}

/** The streams that a process has open, and counts of all that it had. */
export class Streams {
  opened = 0
  /** Newcomers that found no place. */
  refused = 0
  /** Messages sent. */
  messages = 0
  /** Those of them that had fallen due before their stream was opened. */
  replayed = 0
  readonly ended: Record<Reason, number> = { client: 0, count: 0, age: 0, drain: 0, stalled: 0 }
  /** What the loops of all streams sleep on. */
  readonly timers = new Timers()
  readonly #max: number
  readonly #log: (entry: object) => void
  readonly #places = new Set<Place>()
  #isDraining = false

  /**
   * @param max how many may be open at a time
   * @param log takes an entry for each stream that opens, and one for each that ends
   */
  constructor(max: number, log: (entry: object) => void = () => {}) {
    this.#max = max
    this.#log = log
    let swept = performance.now()
    setInterval(() => {
      const now = performance.now()
      // Where the whole process was held up no loop could come round: that is no client's fault.
      const wasHeldUp = now - swept > 2 * SWEEP
      swept = now
      for (const place of this.#places) wasHeldUp ? place.touch() : place.abortIfStalled(now)
    }, SWEEP)
  }

  /** How many are open now. */
  get size(): number {
    return this.#places.size
  }

  /** Whether there is a place for a newcomer. */
  get hasRoom(): boolean {
    return !this.#isDraining && this.#places.size < this.#max
  }

  /** Gives a stream a place, until its client leaves or the loop does. Its `stream.sleep` ends with it. */
  take(stream: SSEStreamingApi, resumed: boolean): Place {
    const place = new Place(this, stream, resumed)
    this.#places.add(place)
    stream.sleep = (ms) => place.sleep(ms)
    stream.onAbort(() => place.leave('client'))
    this.opened++
    this.#log({ event: 'stream opened', resumed })
    return place
  }

  /** Frees a place, if it is not free yet. */
  delete(place: Place, reason: Reason): void {
    if (!this.#places.delete(place)) return
    this.ended[reason]++
    const { opened, messages, resumed } = place
    const duration = Date.now() - opened
    this.#log({ event: 'stream ended', reason, duration, messages, resumed })
  }

  /** Ends every stream, and lets no other in. */
  drain(): void {
    this.#isDraining = true
    for (const place of this.#places) place.drain()
  }
}
