/**
 * In a crowd of more sleepers than this, all are woken at multiples of `SLACK` ms, so that several share a wake-up of
 * the process, which costs more than a message. With fewer each is woken at its own ms.
 */
const CROWD = 1000
const SLACK = 5

interface Shared {
  timer: ReturnType<typeof setTimeout>
  wakes: Set<() => void>
}

/**
 * Timers that sleepers share. Streams sleep for all kinds of durations, and Node makes a list of timers for each:
 * with thousands of them that took a tenth to a fifth of all CPU time.
 */
export class Timers {
  /** By the moment at which they fire, in ms of `performance.now()`. */
  readonly #shared = new Map<number, Shared>()

  /**
   * Calls `wake`, which must not throw, in `ms`, or up to 5 ms later in a crowd.
   * @param sleepers how many there are in all
   * @returns the moment, for `clear`
   */
  set(ms: number, sleepers: number, wake: () => void): number {
    const slack = sleepers > CROWD ? SLACK : 1
    const now = performance.now()
    const at = Math.ceil((now + ms) / slack) * slack
    let shared = this.#shared.get(at)
    if (!shared) {
      const wakes = new Set<() => void>()
      const fire = () => {
        this.#shared.delete(at)
        for (const each of wakes) each()
      }
      // Node cuts off what is less than a ms, and would wake too early.
      shared = { timer: setTimeout(fire, Math.ceil(at - now)), wakes }
      this.#shared.set(at, shared)
    }
    shared.wakes.add(wake)
    return at
  }

  /** Calls `wake` no more. @param at what `set` has returned */
  clear(at: number, wake: () => void): void {
    const shared = this.#shared.get(at)
    if (!shared) return
    shared.wakes.delete(wake)
    if (shared.wakes.size > 0) return
    clearTimeout(shared.timer)
    this.#shared.delete(at)
  }
}
