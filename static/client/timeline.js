/** @import { Arrival } from './health.js' */

const SVG = 'http://www.w3.org/2000/svg'
const HEIGHT = 110
const DUE = 24
const ARRIVED = 86
const MARGIN = 12
/** How many messages are drawn. */
const SHOWN = 30

/**
 * Draws the last messages: each where it was due, above, and where it arrived, below. Upright lines are a path
 * that streams; lines that meet in a point are messages that something held back and let go together.
 * @param {SVGSVGElement} svg
 * @param {Arrival[]} arrivals oldest first
 * @param {number} interval ms between two messages
 */
export const drawTimeline = (svg, arrivals, interval) => {
  const width = Math.max(svg.clientWidth, 200)
  svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`)
  const known = arrivals.flatMap(({ due, ...rest }) =>
    due === undefined ? [] : [{ ...rest, due }],
  )
  const newest = known.at(-1)
  const shown = known
    .slice(-SHOWN)
    .filter(({ due }) => newest && due > newest.due - 2 * SHOWN * interval)

  const from = Math.min(...shown.map(({ due }) => due))
  const to = Math.max(...shown.map(({ due, late }) => due + late), from + interval * 5)
  const x = (/** @type {number} */ time) =>
    MARGIN + ((time - from) / (to - from)) * (width - 2 * MARGIN)

  /** @param {string} name @param {Record<string, string | number>} attributes */
  const shape = (name, attributes) => {
    const element = document.createElementNS(SVG, name)
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, `${value}`)
    return element
  }
  const lane = (/** @type {number} */ y) =>
    shape('line', { class: 'lane', x1: 0, x2: width, y1: y, y2: y })
  const label = (/** @type {number} */ y, /** @type {string} */ text) => {
    const element = shape('text', { class: 'lane-name', x: 0, y })
    element.textContent = text
    return element
  }
  const shapes = shown.flatMap(({ due, late, replayed, missing }, i) => {
    const isLate = late > Math.max(250, interval / 4)
    const kind = replayed ? 'replayed' : isLate ? 'late' : 'prompt'
    const [above, below] = [x(due), x(due + late)]
    // The first one drawn has lost what is missing before it out of the picture.
    const lost = Array.from({ length: i > 0 ? Math.min(missing, SHOWN) : 0 }, (_, k) =>
      shape('circle', { class: 'missing', cx: x(due - (k + 1) * interval), cy: DUE, r: 4 }),
    )
    return [
      ...lost,
      shape('line', { class: kind, x1: above, x2: below, y1: DUE, y2: ARRIVED }),
      shape('circle', { class: kind, cx: above, cy: DUE, r: 2.5 }),
      shape('circle', { class: kind, cx: below, cy: ARRIVED, r: 4 }),
    ]
  })
  svg
    .querySelector('g')
    ?.replaceChildren(
      lane(DUE),
      lane(ARRIVED),
      label(DUE - 10, 'due'),
      label(ARRIVED + 20, 'arrived'),
      ...shapes,
    )
}
