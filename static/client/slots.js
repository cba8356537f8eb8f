/**
 * Over HTTP/1.1 a browser opens six connections to a host, for all of its tabs together. If each held a stream,
 * none were left to load this page again: so five tabs stream, and the others wait for one of them to end.
 */
const SLOTS = 5

/** Whether tabs have to share the connections to a host. @param {URL} url @returns {boolean} */
const isLimited = (url) => {
  const [navigation] = performance.getEntriesByType('navigation')
  const { nextHopProtocol = '' } = /** @type {PerformanceNavigationTiming} */ (navigation ?? {})
  return url.origin === location.origin && nextHopProtocol.startsWith('http/1') && !!navigator.locks
}

/** @param {string} name @returns {Promise<(() => void) | undefined>} what releases the lock, if it was free */
const takeIfFree = (name) =>
  new Promise((resolve, reject) => {
    const hold = (/** @type {Lock | null} */ lock) =>
      lock ? new Promise((release) => resolve(() => release(undefined))) : resolve(undefined)
    navigator.locks.request(name, { ifAvailable: true }, hold).catch(reject)
  })

/**
 * Takes one of the slots that all tabs share.
 * @param {URL} url of the stream
 * @returns {Promise<(() => void) | undefined>} what gives the slot back; undefined if all are taken
 */
export const takeSlot = async (url) => {
  if (!isLimited(url)) return () => {}
  for (let slot = 1; slot <= SLOTS; slot++) {
    const release = await takeIfFree(`stream ${slot}`)
    if (release) return release
  }
}
