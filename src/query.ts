import type { HonoRequest } from 'hono'
import * as v from 'valibot'
import { Problem } from './problem.ts'
import { interval, type Settings, wholeNumber } from './settings.ts'

/** What a client may ask of `GET /sse`. Times are milliseconds. */
export interface StreamQuery {
  interval: number
  /** How many messages the whole sequence has; `Infinity` for no end. */
  count: number
  retry: number
  /** What the client saw last, unchecked: from the header, or else from the query. */
  lastEventId: string | undefined
}

const schema = v.object({
  interval: v.optional(interval),
  count: v.optional(wholeNumber(1, 1_000_000)),
  retry: v.optional(wholeNumber(0, 60_000), '2000'),
})

/**
 * The query of a request for a stream, checked; parameters that it doesn't know are ignored.
 * @throws {Problem} 400 that names every parameter at fault, what was given and what is accepted
 */
export const readQuery = (req: HonoRequest, settings: Settings): StreamQuery => {
  const { lastEventId = [], ...given } = req.queries()
  const single = Object.entries(given).map(([name, values]) => [
    name,
    values.length === 1 ? values[0] : values,
  ])
  const checked = v.safeParse(schema, Object.fromEntries(single))
  if (!checked.success) {
    const errors = checked.issues.map((issue) => ({
      parameter: String(issue.path?.[0].key),
      given: issue.path?.[0].value,
      accepted: `${issue.message}, given once`,
    }))
    const names = errors.map((error) => error.parameter).join(', ')
    throw new Problem(400, `These query parameters are not accepted: ${names}.`, { errors })
  }
  return {
    interval: checked.output.interval ?? settings.interval,
    count: checked.output.count ?? Number.POSITIVE_INFINITY,
    retry: checked.output.retry,
    lastEventId:
      req.header('Last-Event-ID') ?? (lastEventId.length === 1 ? lastEventId[0] : undefined),
  }
}
