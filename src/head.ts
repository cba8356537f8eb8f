/**
 * An answer as it is, but for one to HEAD, whose missing body Bun and Deno give a Content-Length of 0:
 * GET would send another or, for a stream, none at all (RFC 9110, section 8.6).
 */
export const withoutLength = ({ method }: Request, answer: Response): Response => {
  const { status, headers } = answer
  const hasBody = method === 'HEAD' && status !== 204 && status !== 304
  // Nobody reads this body: a HEAD is answered without one.
  return hasBody ? new Response(new ReadableStream(), { status, headers }) : answer
}
