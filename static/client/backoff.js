/** The longest wait, in ms. */
const LIMIT = 30_000

/**
 * How long to wait before the next attempt: longer each time, never under a second, never over 30,
 * and with a random part, so that many pages don't come back in one instant.
 * @param {number} failures how many attempts have failed in a row, from 1
 * @param {() => number} [random] a number from 0 up to, but not, 1
 * @returns {number} ms
 */
export const backoff = (failures, random = Math.random) => {
  const shortest = Math.min(1000 * 2 ** (failures - 1), LIMIT / 2)
  return shortest + Math.floor(shortest * random())
}
