/** Loaded before a server: its clock is 2 s ahead of that of the others. */
const AHEAD = 2000
const Real = Date

globalThis.Date = class extends Real {
  constructor(...args: [] | [number]) {
    super(args.length === 0 ? Real.now() + AHEAD : args[0])
  }

  static override now() {
    return Real.now() + AHEAD
  }
} as DateConstructor
