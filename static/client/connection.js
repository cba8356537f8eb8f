import { backoff } from './backoff.js'
import { takeSlot } from './slots.js'

/**
 * @typedef {'closed' | 'connecting' | 'open' | 'stale' | 'waiting'} State
 * @typedef {{ id: string, data: string, at: number }} Message
 */

/** When a connection that has not come about wants a word of explanation, in ms. */
const SILENT = 3000

/** A stream is not called stale before so many ms, however short its interval is. */
const STALE = 2000

/** No two attempts come closer than this, in ms. */
const PAUSE = 1000

const seconds = (/** @type {number} */ ms) => `${Math.max(Math.round(ms / 1000), 1)} s`

/**
 * One stream that comes back whatever happens. An EventSource reconnects by itself when a connection breaks, but
 * gives up for good when the answer is not a stream, and never notices one that is silent: both are dealt with here.
 */
export class Connection {
  /** How often the stream was opened. */
  opened = 0
  /** `Date.now()` when it was opened last. */
  openedAt = 0
  /** What the next connection will say it saw last. */
  lastEventId = ''
  /** How long the last reconnect took in ms, from the break to the answer. @type {number | undefined} */
  lastWait = undefined
  /** Time between two messages in ms: after three of them without one the stream is stale. */
  interval = 5000

  /** @type {URL | undefined} */
  #url
  #count = Number.POSITIVE_INFINITY
  /** @type {EventSource | undefined} */
  #source
  /** @type {(() => void) | undefined} */
  #release
  /** @type {State} */
  #state = 'closed'
  #failures = 0
  #hasOpened = false
  #brokeAt = 0
  #lastSign = 0
  /** Ends an attempt that another has overtaken. */
  #attempt = 0
  #again = 0
  #watch = 0
  #hint = 0

  /**
   * @param {(state: State, why: string) => void} onState
   * @param {(message: Message) => void} onMessage
   */
  constructor(onState, onMessage) {
    this.onState = onState
    this.onMessage = onMessage
  }

  get state() {
    return this.#state
  }

  /**
   * Opens a stream; it goes on after `lastEventId`, if there is one.
   * @param {URL} url
   * @param {number} count how many messages it has in all
   */
  connect(url, count) {
    this.#url = url
    this.#count = count
    this.#failures = 0
    this.#brokeAt = 0
    this.#open()
  }

  /** Closes the stream until `connect` is called. @param {string} why */
  disconnect(why) {
    this.#url = undefined
    this.#close()
    this.#say('closed', why)
  }

  /** Breaks the connection; it comes back by itself. @param {number} ms after so long */
  break(ms) {
    if (!this.#url) return
    this.#close()
    this.#brokeAt = Date.now()
    this.#say(
      'waiting',
      `You broke it. What falls due now will be replayed when it is back, in ${seconds(ms)}.`,
    )
    this.#again = setTimeout(() => this.#open(), ms)
  }

  /** Lets go of the network while the page is put away. */
  suspend() {
    this.#close()
  }

  /** Goes on after `suspend`. */
  resume() {
    if (this.#url) this.#open()
  }

  /** Looks whether the stream has become stale. Timers sleep when the device does. */
  check() {
    clearTimeout(this.#watch)
    if (!this.#source) return
    const limit = Math.max(3 * this.interval, STALE)
    const left = this.#lastSign + limit - Date.now()
    if (left > 0) {
      // A browser's timers overflow after 24 days.
      this.#watch = setTimeout(() => this.check(), Math.min(left, 2 ** 31 - 1))
      return
    }
    this.#failures++
    const wait = backoff(this.#failures)
    this.#say(
      'stale',
      `Nothing has come for ${seconds(limit)}, though nothing says that the connection is broken. A new one is made in ${seconds(wait)}.`,
    )
    this.#again = setTimeout(() => this.#open(), wait)
  }

  /** @param {State} state @param {string} why */
  #say(state, why) {
    this.#state = state
    this.onState(state, why)
  }

  #close() {
    this.#attempt++
    clearTimeout(this.#again)
    clearTimeout(this.#watch)
    clearTimeout(this.#hint)
    this.#source?.close()
    this.#source = undefined
    this.#release?.()
    this.#release = undefined
  }

  async #open() {
    this.#close()
    const url = this.#url
    if (!url) return
    const attempt = this.#attempt
    this.#say('connecting', `Asking ${url.host} for a stream.`)
    this.#hint = setTimeout(() => {
      this.#say(
        'connecting',
        'Still waiting. Over HTTP/1.1 a browser opens only six connections to a host, for all of its tabs together: close another tab that streams, or use HTTP/2. If there is none, something on the way holds the answer back.',
      )
    }, SILENT)

    const release = await takeSlot(url)
    if (attempt !== this.#attempt) return release?.()
    if (!release) {
      const tryAgain = async () => {
        const later = await takeSlot(url)
        if (attempt !== this.#attempt) return later?.()
        if (later) this.#listen(url, later)
        else this.#again = setTimeout(tryAgain, PAUSE)
      }
      this.#again = setTimeout(tryAgain, PAUSE)
      return
    }
    this.#listen(url, release)
  }

  /** @param {URL} stream @param {() => void} release gives the slot back that this stream takes */
  #listen(stream, release) {
    this.#release = release
    const url = new URL(stream)
    if (this.lastEventId !== '') url.searchParams.set('lastEventId', this.lastEventId)
    const source = new EventSource(url)
    this.#source = source
    this.#hasOpened = false
    this.#lastSign = Date.now()
    this.check()

    source.onopen = () => {
      clearTimeout(this.#hint)
      clearTimeout(this.#again)
      this.opened++
      this.openedAt = Date.now()
      this.#lastSign = this.openedAt
      if (this.#brokeAt > 0) this.lastWait = this.openedAt - this.#brokeAt
      this.#hasOpened = true
      this.#say('open', 'Messages come as the server sends them.')
      this.check()
    }

    source.onmessage = ({ data, lastEventId }) => {
      const at = Date.now()
      this.#lastSign = at
      this.#failures = 0
      if (lastEventId !== '') this.lastEventId = lastEventId
      if (this.#state === 'stale') {
        clearTimeout(this.#again)
        this.#say('open', 'Messages come again.')
      }
      this.onMessage({ id: lastEventId, data, at })
      if (Number(/-(\d+)$/.exec(lastEventId)?.[1]) === this.#count - 1) {
        this.disconnect('All messages have come.')
      } else this.check()
    }

    source.onerror = () => {
      clearTimeout(this.#hint)
      const now = Date.now()
      const isTooSoon = now - this.#brokeAt < PAUSE
      this.#brokeAt = now
      if (source.readyState === EventSource.CONNECTING && this.#hasOpened && !isTooSoon) {
        // The browser will come back by itself, with the header Last-Event-ID.
        this.#hasOpened = false
        this.#lastSign = now
        this.#say('waiting', 'The connection broke. The browser comes back by itself.')
        return
      }
      const reason =
        source.readyState === EventSource.CLOSED
          ? 'The answer was not a stream, or does not allow this page to read it (CORS). A browser gives up on that, this page does not:'
          : 'There is no answer.'
      this.#close()
      this.#failures++
      const wait = backoff(this.#failures)
      this.#say('waiting', `${reason} The next attempt comes in ${seconds(wait)}.`)
      this.#again = setTimeout(() => this.#open(), wait)
    }
  }
}
