/** A whole number from `min` to `max`, random so that clients told to wait don't come back in one instant. */
export const between = (min: number, max: number): number =>
  min + Math.floor(Math.random() * (max - min + 1))
