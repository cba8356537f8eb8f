interface Shared {
  timer: ReturnType<typeof setTimeout>
  sleepers: Set<() => void>
}

/**
 * Timers that sleepers share. Streams sleep for all kinds of durations, and Node makes a list of timers for each:
 * with thousands of them that took a tenth to a fifth of all CPU time.
 */
export class Timers {
  /** By the moment at which they fire, in ms of `performance.now()`. */
  readonly #shared = new Map<number, Shared>()

  /**
   * Calls `wake`, which must not throw, in `ms`, rounded up to a moment that is a multiple of `slack` ms.
   * @returns that moment, for `clear`
   */
  set(ms: number, slack: number, wake: () => void): number {
    const now = performance.now()
    const at = Math.ceil((now + ms) / slack) * slack
    let shared = this.#shared.get(at)
    if (!shared) {
      const sleepers = new Set<() => void>()
      const fire = () => {
        this.#shared.delete(at)
        for (const each of sleepers) each()
      }
      // Node cuts off what is less than a ms, and would wake too early.
      shared = { timer: setTimeout(fire, Math.ceil(at - now)), sleepers }
      this.#shared.set(at, shared)
    }
    shared.sleepers.add(wake)
    return at
  }

  /** Calls `wake` no more. @param at what `set` has returned */
  clear(at: number, wake: () => void): void {
    const shared = this.#shared.get(at)
    if (!shared) return
    shared.sleepers.delete(wake)
    if (shared.sleepers.size > 0) return
    clearTimeout(shared.timer)
    this.#shared.delete(at)
  }
}
