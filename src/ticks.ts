/**
 * An endless sequence of instants: message `n` belongs to `start + n × interval`.
 * All times are milliseconds, `start` counts from the Unix epoch.
 */
export interface Ticks {
  start: number
  interval: number
}

/** The message that belongs to one instant: a pure function of its id. */
export interface Message {
  /** `<start>-<n>`, both in plain decimal digits. */
  id: string
  /** The instant as ISO 8601 in UTC, with milliseconds. */
  data: string
}

/** A client that was away gets at most this many of the messages that it missed: the newest. */
const REPLAY_LIMIT = 100

/** How far, in ms, a client's id may lie in the future: the clocks of two replicas never agree. */
const CLOCK_SKEW = 60_000

/** The instant of message `n`, in ms since the epoch. */
export const instantOf = ({ start, interval }: Ticks, n: number): number => start + n * interval

/** Message `n`, the same on every machine and at any time. */
export const messageOf = (ticks: Ticks, n: number): Message => ({
  id: `${ticks.start}-${n}`,
  data: new Date(instantOf(ticks, n)).toISOString(),
})

/**
 * Where a stream goes on: the message after the one that `lastEventId` names,
 * or message 0 of a fresh sequence that starts now.
 * An id that makes no sense is ignored, never an error: an EventSource would not come back from one.
 */
export const resume = (
  lastEventId: string | undefined,
  interval: number,
  now: number,
): { ticks: Ticks; next: number } => {
  const [, start, n] = /^(\d+)-(\d+)$/.exec(lastEventId ?? '')?.map(Number) ?? []
  const fresh = { ticks: { start: now, interval }, next: 0 }
  if (start === undefined || n === undefined) return fresh

  const ticks = { start, interval }
  const latest = now + CLOCK_SKEW
  const isSafe = Number.isSafeInteger(start) && Number.isSafeInteger(n)
  return isSafe && start <= latest && instantOf(ticks, n) <= latest ? { ticks, next: n + 1 } : fresh
}

/**
 * The first message to send of those from `next` on, when there are `count` in all: `next` itself,
 * unless more than 100 of them have fallen due by `now`. Then the older ones are given up.
 */
export const catchUp = (ticks: Ticks, next: number, count: number, now: number): number => {
  const newestDue = Math.min(Math.floor((now - ticks.start) / ticks.interval), count - 1)
  return Math.max(next, newestDue - REPLAY_LIMIT + 1)
}
