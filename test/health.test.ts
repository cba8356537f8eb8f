import { describe, expect, test } from 'vitest'
import { Health } from '../static/client/health.js'

const START = 1_795_570_325_806
const INTERVAL = 1000
const CONNECTION = { openedAt: 0, isResumed: false, isHidden: false }

/** Message `n`, that comes so many ms after its instant, by a clock that is off by `skew`. */
const message = (n: number, late: number, skew = 0) => ({
  id: `${START}-${n}`,
  data: new Date(START + n * INTERVAL).toISOString(),
  at: START + n * INTERVAL + late + skew,
})

const judge = (lates: (number | undefined)[], skew = 0) => {
  const health = new Health()
  for (const [n, late] of lates.entries()) {
    if (late !== undefined) health.add(message(n, late, skew), CONNECTION)
  }
  return health
}

describe('verdict', () => {
  /** What a proxy does that holds messages back and lets them go five at a time. */
  const bunched = Array.from({ length: 20 }, (_, n) => (4 - (n % 5)) * INTERVAL + (n % 5))

  test.each([
    ['watching', []],
    ['watching', [3, 4]],
    ['streaming', [3, 9, 4, 20, 3, 5]],
    ['streaming', [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 900]],
    ['bursts', bunched],
    ['late', [3, 400, 5, 700, 3, 8, 500, 4]],
    ['gaps', [3, 4, undefined, 5, 4]],
    ['gaps', [...bunched, undefined, 3]],
  ])('%s: %j', (kind, lates) => {
    for (const skew of [0, 3_600_000, -3_600_000]) {
      expect(judge(lates, skew).verdict.kind).toBe(kind)
    }
  })

  test('gaps are counted', () => {
    const { missing, verdict } = judge([1, undefined, undefined, 2, 1, undefined, 3])
    expect(missing).toBe(3)
    expect(verdict.sentence).toContain('3 messages are missing')
  })

  test('bursts name the headers to look at', () => {
    expect(judge(bunched).verdict.sentence).toContain('X-Accel-Buffering')
  })

  test('nothing is said of messages that came while nobody was looking', () => {
    const health = new Health()
    for (let n = 0; n < 10; n++) {
      health.add(message(n, 500 * (n % 3)), { ...CONNECTION, isHidden: true })
    }
    expect(health.verdict.kind).toBe('watching')
  })

  test('of messages without an instant it says so', () => {
    const health = new Health()
    for (let n = 0; n < 5; n++) health.add({ id: '', data: `tick ${n}`, at: n }, CONNECTION)
    expect(health.verdict.sentence).toContain('don’t say when they were due')
  })
})

describe('counting', () => {
  test('the interval is learned from the messages', () => {
    expect(judge([1]).interval).toBeUndefined()
    expect(judge([1, 2, 3]).interval).toBe(INTERVAL)
    expect(judge([1, undefined, 3]).interval).toBe(INTERVAL)
  })

  test('lateness is told from the promptest message, whatever the clocks say', () => {
    const { arrivals } = judge([30, 10, 25], -86_400_000)
    expect(arrivals.map(({ late }) => late)).toEqual([20, 0, 15])
  })

  test('a message that fell due before a resumed connection was there is a replayed one', () => {
    const health = judge([5, 5, 5], 7_000_000)
    const openedAt = START + 4.5 * INTERVAL + 7_000_000
    for (const n of [3, 4]) {
      const late = (4.5 - n) * INTERVAL + 5
      health.add(message(n, late, 7_000_000), { openedAt, isResumed: true, isHidden: false })
    }
    health.add(message(5, 5, 7_000_000), { openedAt, isResumed: true, isHidden: false })
    expect(health.replayed).toBe(2)
    expect(health.missing).toBe(0)
    expect(health.verdict.kind).toBe('streaming')
  })

  test('a message that comes again is counted', () => {
    const health = judge([1, 1, 1])
    health.add(message(1, 2000), CONNECTION)
    expect(health.doubled).toBe(1)
    expect(health.missing).toBe(0)
  })

  test('a new sequence has no gap to the last one', () => {
    const health = judge([1, 1, 1])
    health.add({ ...message(9, 1), id: `${START + 5}-9` }, CONNECTION)
    expect(health.missing).toBe(0)
    expect(health.doubled).toBe(0)
  })

  test('it does not grow without bound', () => {
    expect(judge(Array.from({ length: 10_000 }, () => 1)).arrivals.length).toBeLessThan(100)
  })
})
