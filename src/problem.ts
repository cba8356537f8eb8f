import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** One parameter at fault: what was given, and what would have been accepted. */
export interface ParameterError {
  parameter: string
  given: unknown
  accepted: string
}

const TITLES = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} satisfies Partial<Record<ContentfulStatusCode, string>>

/** What the server can't do for a client. Throw it from a route: `answerError` turns it into the answer. */
export class Problem extends Error {
  readonly status: keyof typeof TITLES
  readonly headers: Record<string, string>
  readonly errors: ParameterError[] | undefined

  /** @param detail a sentence for the client: it is sent as it is */
  constructor(
    status: keyof typeof TITLES,
    detail: string,
    { headers = {}, errors }: { headers?: Record<string, string>; errors?: ParameterError[] } = {},
  ) {
    super(detail)
    this.status = status
    this.headers = headers
    this.errors = errors
  }
}

/**
 * The one place where an error becomes an answer: `application/problem+json` (RFC 9457).
 * Of an error that nobody foresaw the client learns nothing; the operator sees it on standard error.
 */
export const answerError = (error: Error, c: Context): Response => {
  if (!(error instanceof Problem)) console.error(error)
  const problem =
    error instanceof Problem ? error : new Problem(500, 'The server failed to answer this request.')
  const { status, message: detail, errors, headers } = problem
  const body = { type: 'about:blank', title: TITLES[status], status, detail, errors }
  return c.json(body, status, { ...headers, 'Content-Type': 'application/problem+json' })
}
