import type { Context } from 'hono'
import { accepts } from 'hono/accepts'
import { html } from 'hono/html'

const LINKS = { sse: '/sse', client: '/client/index.html' }
const MESSAGE = 'Welcome! This server streams the time as Server-Sent Events.'

const PAGE = html`<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Server-Sent Events</title>
  <link rel="icon" href="/client/icon.svg">
  <link rel="stylesheet" href="/client/style.css">
  <main>
    <h1>Server-Sent Events</h1>
    <p>${MESSAGE}</p>
    <ul>
      <li><a href="${LINKS.client}">The page</a> shows the stream live</li>
      <li><a href="${LINKS.sse}">The stream</a> itself, to be read with <code>curl -N</code></li>
    </ul>
  </main>
</html>
`

/** The weight that a client gives to a media type: that of the most specific range (RFC 9110, section 12.5.1). */
const weightOf = (type: string, ranges: { type: string; q: number }[]): number => {
  const fromSpecific = [type, type.replace(/\/.*/, '/*'), '*/*']
  const found = fromSpecific.map((name) =>
    ranges.find((range) => range.type.toLowerCase() === name),
  )
  return found.find((range) => range !== undefined)?.q ?? 0
}

/** `GET /`: a welcome, as HTML for a client that prefers it and as JSON for any other. */
export const welcome = (c: Context): Response | Promise<Response> => {
  const type = accepts(c, {
    header: 'Accept',
    supports: ['text/html', 'application/json'],
    default: 'application/json',
    match: (ranges) =>
      weightOf('text/html', ranges) > weightOf('application/json', ranges)
        ? 'text/html'
        : 'application/json',
  })
  c.header('Vary', 'Accept')
  return type === 'text/html' ? c.html(PAGE) : c.json({ message: MESSAGE, links: LINKS })
}
