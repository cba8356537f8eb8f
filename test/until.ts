/**
 * Waits until a condition holds, by looking every few ms of real time.
 * @throws an error that says what was waited for, when `limit` ms have passed
 */
export const until = async (
  what: string,
  limit: number,
  condition: () => unknown | Promise<unknown>,
): Promise<void> => {
  const end = performance.now() + limit
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Waited ${limit} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
