/**
 * What one can choose: the stream's URL and its query. The address bar holds the same choices.
 * @typedef {{ url: string, interval: string, count: string, retry: string }} Choices as typed; '' is the server's own choice
 * @typedef {keyof Choices} Name
 */

/** @type {Record<Exclude<Name, 'url'>, [number, number]>} */
const RANGES = { interval: [100, 300_000], count: [1, 1_000_000], retry: [0, 60_000] }

/** @type {Name[]} */
export const NAMES = ['url', 'interval', 'count', 'retry']

/**
 * The choices that an address holds.
 * @param {string} search the query of the page
 * @returns {Choices}
 */
export const fromAddress = (search) => {
  const query = new URLSearchParams(search)
  const of = (/** @type {Name} */ name) => query.get(name)?.trim() ?? ''
  return { url: of('url'), interval: of('interval'), count: of('count'), retry: of('retry') }
}

/**
 * The query of a page that reproduces the choices: nothing for what was left to the server.
 * @param {Choices} choices
 * @returns {string} '' or a query with its question mark
 */
export const toAddress = (choices) => {
  const chosen = NAMES.filter((name) => choices[name] !== '')
  const query = new URLSearchParams(chosen.map((name) => [name, choices[name]]))
  return query.size > 0 ? `?${query}` : ''
}

/**
 * Checks the choices.
 * @param {Choices} choices
 * @param {string} base the address that a relative URL is relative to
 * @returns {{ url?: URL, errors: Partial<Record<Name, string>> }} the URL of the stream, or what is wrong with each choice
 */
export const check = (choices, base) => {
  /** @type {Partial<Record<Name, string>>} */
  const errors = {}
  for (const [name, [min, max]] of Object.entries(RANGES)) {
    const given = choices[/** @type {Name} */ (name)]
    const isAccepted = /^\d+$/.test(given) && Number(given) >= min && Number(given) <= max
    if (given !== '' && !isAccepted) {
      errors[/** @type {Name} */ (name)] =
        `“${given}” is not accepted. Give a whole number from ${min} to ${max}, or nothing.`
    }
  }
  const url = URL.parse(choices.url || '/sse', base)
  if (!url) errors.url = `“${choices.url}” is not a URL. Give one like https://example.com/sse.`
  else if (!/^https?:$/.test(url.protocol)) {
    errors.url = `“${url.protocol}” is not opened here. Give a URL that starts with http:// or https://.`
  }
  if (!url || Object.keys(errors).length > 0) return { errors }

  url.hash = ''
  for (const name of /** @type {const} */ (['interval', 'count', 'retry'])) {
    if (choices[name] !== '') url.searchParams.set(name, choices[name])
  }
  return { url, errors }
}

/**
 * The command that opens the same stream in a terminal.
 * @param {URL} url
 * @param {string} lastEventId '' for none
 * @returns {string}
 */
export const curl = (url, lastEventId) => {
  const quote = (/** @type {string} */ text) => `'${text.replaceAll("'", `'\\''`)}'`
  const header = lastEventId === '' ? '' : ` -H ${quote(`Last-Event-ID: ${lastEventId}`)}`
  return `curl -N${header} ${quote(url.href)}`
}
