import { check, curl, fromAddress, NAMES, toAddress } from './choices.js'
import { Connection } from './connection.js'
import { Health } from './health.js'
import { drawTimeline } from './timeline.js'

/** @import { Choices } from './choices.js' */
/** @import { Message, State } from './connection.js' */

/** How many messages the list keeps. */
const ROWS = 200

/** How long a connection stays broken at the most, in ms. */
const LONGEST_BREAK = 15_000

/** The time of day on this device, with milliseconds. */
const TIME = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
})

/** @type {Record<State, string>} */
const STATE_NAMES = {
  closed: 'Closed',
  connecting: 'Connecting',
  open: 'Open',
  stale: 'Stale',
  waiting: 'Waiting to reconnect',
}

/** @template {Element} E @param {string} id @param {new () => E} type @returns {E} */
const find = (id, type) => {
  const element = document.getElementById(id)
  if (element instanceof type) return element
  throw new Error(`There is no ${type.name} with the id ${id}`)
}
const part = (/** @type {string} */ id) => find(id, HTMLElement)
const input = (/** @type {string} */ id) => find(id, HTMLInputElement)

const timeline = find('timeline', SVGSVGElement)
const rows = part('messages')

let health = new Health()
/** The stream that was asked for last: messages are only comparable within one. */
let asked = ''
/** @type {URL | undefined} */
let url

const connection = new Connection(showState, receive)

/** @param {State} state @param {string} why */
function showState(state, why) {
  part('state').dataset.state = state
  part('state-name').textContent = STATE_NAMES[state]
  part('why').textContent = why
  part('disconnect').toggleAttribute('disabled', state === 'closed')
  part('break').toggleAttribute('disabled', state !== 'open' && state !== 'stale')
  showExchange()
}

function showExchange() {
  const { lastEventId, lastWait, opened } = connection
  part('connections').textContent = `${opened}`
  part('last-event-id').textContent = lastEventId || 'none yet'
  const retry = url?.searchParams.get('retry')
  const measured =
    lastWait === undefined ? '' : `; the last reconnect took ${(lastWait / 1000).toFixed(1)} s`
  part('retry-in-force').textContent =
    `${retry ? `${retry} ms, as asked` : 'the server’s own, 2000 ms on this one'}${measured}`
  part('curl').textContent = url ? curl(url, lastEventId) : ''
}

function showHealth() {
  const { kind, sentence } = health.verdict
  if (part('verdict').textContent !== sentence) part('verdict').textContent = sentence
  part('verdict').dataset.kind = kind
  part('replayed').textContent = `${health.replayed}`
  part('missing').textContent = `${health.missing}`
  part('doubled').textContent = `${health.doubled}`
  if (!document.hidden) drawTimeline(timeline, health.arrivals, connection.interval)
}

/** @param {Message} message */
function receive(message) {
  const arrival = health.add(message, {
    openedAt: connection.openedAt,
    isResumed: connection.opened > 1,
    isHidden: document.hidden,
  })
  if (health.interval !== undefined) connection.interval = health.interval

  const { id, data, at, due, late, replayed } = arrival
  const clock = find('clock', HTMLTimeElement)
  if (due === undefined) {
    clock.textContent = data
    clock.removeAttribute('datetime')
    part('date').textContent = ''
  } else {
    const [day = '', time = ''] = new Date(due).toISOString().split('T')
    clock.textContent = time.slice(0, 8)
    clock.dateTime = new Date(due).toISOString()
    part('date').textContent = `${day}, UTC`
  }

  const row = document.createElement('tr')
  const lateness = due === undefined ? '' : replayed ? 'replayed' : `${Math.round(late)} ms`
  const cells = [id, data, TIME.format(at), lateness]
  for (const text of cells) row.insertCell().textContent = text
  if (replayed) row.className = 'replayed'
  rows.prepend(row)
  while (rows.childElementCount > ROWS) rows.lastElementChild?.remove()
  showHealth()
  showExchange()
}

function clear() {
  health = new Health()
  rows.replaceChildren()
  showHealth()
}

/** @returns {Choices} */
const typed = () => ({
  url: input('url').value.trim(),
  interval: input('interval').value.trim(),
  count: input('count').value.trim(),
  retry: input('retry').value.trim(),
})

function connect() {
  const choices = typed()
  const { url: checked, errors } = check(choices, location.href)
  for (const name of NAMES) {
    part(`${name}-error`).textContent = errors[name] ?? ''
    if (errors[name]) input(name).setAttribute('aria-invalid', 'true')
    else input(name).removeAttribute('aria-invalid')
  }
  history.replaceState(null, '', `${location.pathname}${toAddress(choices)}`)
  url = checked
  if (!url) {
    connection.disconnect('Something under “The stream” has to be put right first.')
    return
  }
  if (url.href !== asked) {
    asked = url.href
    connection.lastEventId = ''
    connection.lastWait = undefined
    connection.opened = 0
    connection.interval = Number(choices.interval || 5000)
    clear()
  }
  connection.connect(url, Number(choices.count || Number.POSITIVE_INFINITY))
}

find('choices', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault()
  connect()
})
part('disconnect').addEventListener('click', () => {
  connection.disconnect('You closed it. Connect goes on where it stopped.')
})
part('break').addEventListener('click', () => {
  connection.break(Math.min(Math.max(2.5 * connection.interval, 2000), LONGEST_BREAK))
})
part('clear').addEventListener('click', clear)
part('copy').addEventListener('click', async () => {
  const command = part('curl')
  try {
    await navigator.clipboard.writeText(command.textContent ?? '')
    part('copy').textContent = 'Copied'
  } catch {
    // The clipboard is closed to pages of plain HTTP, or to this one: then it is one key press away.
    getSelection()?.selectAllChildren(command)
    part('copy').textContent = 'Selected'
  }
  setTimeout(() => {
    part('copy').textContent = 'Copy'
  }, 2000)
})

// A page that is put away holds no connection, and goes on when it is taken out again.
addEventListener('pagehide', () => connection.suspend())
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) connection.resume()
})
addEventListener('online', () => connection.check())
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return
  connection.check()
  showHealth()
})
addEventListener('resize', showHealth)

const given = fromAddress(location.search)
for (const name of NAMES) input(name).value = given[name]
showHealth()
connect()
