/**
 * A message as it arrived. Times are ms since the epoch: `at` by the clock of this device, `due` by the server's.
 * @typedef {object} Arrival
 * @property {string} id
 * @property {string} data
 * @property {number} at
 * @property {number | undefined} due when the server meant to send it; undefined if it doesn't say
 * @property {number | undefined} n its number in the sequence; undefined if the id has none
 * @property {number} missing how many messages are missing just before it
 * @property {boolean} replayed whether it fell due before the connection was there
 * @property {boolean} unseen whether the page was hidden, so that `at` means little
 * @property {number} late ms after its instant, compared with the promptest message
 */

/**
 * @typedef {'watching' | 'streaming' | 'bursts' | 'gaps' | 'late'} Kind
 * @typedef {{ kind: Kind, sentence: string }} Verdict
 */

/** How many of the last messages are judged and drawn. */
const WINDOW = 40

/** A message that is later than so many ms, or than a quarter of the interval, is called late. */
const LATE = 250

/** An id of this server: `<start>-<n>`. */
const ID = /^(\d{1,16})-(\d{1,16})$/

/** Data of this server: an instant as ISO 8601. A browser would find a date in almost anything. */
const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/

/**
 * What the messages say of the path between server and page. The two clocks may differ by any amount,
 * so only differences count: the promptest of the last messages is the one that was on time.
 */
export class Health {
  /** @type {Arrival[]} the last messages, oldest first */
  arrivals = []
  /** Messages that came later because the connection was away. */
  replayed = 0
  /** Messages that never came. */
  missing = 0
  /** Messages that came again. */
  doubled = 0
  /** Time between two messages in ms, as the messages have it; undefined until two have come. @type {number | undefined} */
  interval = undefined

  /**
   * @param {{ id: string, data: string, at: number }} message
   * @param {{ openedAt: number, isResumed: boolean, isHidden: boolean }} connection
   * @returns {Arrival}
   */
  add({ id, data, at }, { openedAt, isResumed, isHidden }) {
    const [, start, number] = ID.exec(id) ?? []
    const n = number === undefined ? undefined : Number(number)
    const instant = INSTANT.test(data) ? Date.parse(data) : Number.NaN
    const due = Number.isNaN(instant) ? undefined : instant
    const last = this.arrivals.at(-1)

    let missing = 0
    if (n !== undefined && last?.n !== undefined && last.id.startsWith(`${start}-`)) {
      const step = n - last.n
      if (step > 0 && due !== undefined && last.due !== undefined) {
        this.interval = (due - last.due) / step
      }
      missing = Math.max(step - 1, 0)
      if (step <= 0) this.doubled++
    }
    const offset = this.#offset
    const fellDueBefore = due !== undefined && offset !== undefined && due + offset < openedAt
    const replayed = isResumed && fellDueBefore
    /** @type {Arrival} */
    const arrival = { id, data, at, due, n, missing, replayed, unseen: isHidden, late: 0 }
    this.missing += missing
    if (replayed) this.replayed++
    this.arrivals.push(arrival)
    if (this.arrivals.length > WINDOW) this.arrivals.shift()

    const promptest = this.#offset ?? 0
    for (const each of this.arrivals) {
      each.late = each.due === undefined ? 0 : each.at - each.due - promptest
    }
    return arrival
  }

  /** The clock of this device less that of the server, plus the shortest time on the way, in ms. */
  get #offset() {
    const differences = this.arrivals.flatMap(({ at, due }) =>
      due === undefined ? [] : [at - due],
    )
    return differences.length > 0 ? Math.min(...differences) : undefined
  }

  /** @returns {Verdict} one sentence that says what the last messages mean */
  get verdict() {
    const live = this.arrivals.filter(({ replayed, unseen, due }) => !replayed && !unseen && due)
    if (live.length < 3) {
      const isMute =
        this.arrivals.length >= 3 && this.arrivals.every(({ due }) => due === undefined)
      return {
        kind: 'watching',
        sentence: isMute
          ? 'These messages don’t say when they were due, so nothing can be said of their path.'
          : 'Watching: after three messages there is something to say.',
      }
    }
    const missing = this.arrivals.slice(1).reduce((sum, each) => sum + each.missing, 0)
    if (missing > 0) {
      const messages = missing === 1 ? 'message is' : 'messages are'
      return {
        kind: 'gaps',
        sentence: `Gaps: ${missing} ${messages} missing. The server replays at most 100 of what fell due while the connection was away.`,
      }
    }
    const interval = this.interval ?? 0
    const held = live.filter((arrival, i) => {
      const before = live[i - 1]
      return before && before.late > interval / 2 && arrival.at - before.at < interval / 4
    })
    if (held.length >= Math.max(2, live.length / 5)) {
      return {
        kind: 'bursts',
        sentence:
          'Bursts: something between you and the server is buffering. Look at the headers X-Accel-Buffering, Cache-Control (no-transform) and Content-Encoding of the answer, and at the settings of each proxy.',
      }
    }
    const lates = live.map(({ late }) => late).sort((a, b) => a - b)
    const isLate = (/** @type {number} */ late) => late > Math.max(LATE, interval / 4)
    if (lates.filter(isLate).length >= Math.max(2, live.length / 5)) {
      return {
        kind: 'late',
        sentence: `Late: messages come up to ${Math.round(lates.at(-1) ?? 0)} ms after the promptest. The network, the server or this device is busy.`,
      }
    }
    // Few words for many numbers, so that a screen reader does not say each of them.
    const latest = lates.at(-1) ?? 0
    const bound = [10, 25, 50, 100].find((ms) => latest <= ms)
    return {
      kind: 'streaming',
      sentence: `Streaming: messages come when they are due${bound ? `, within ${bound} ms` : ', but for a few that were late'}.`,
    }
  }
}
