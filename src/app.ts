import { type Handler, Hono, type MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { secureHeaders } from 'hono/secure-headers'
import { answerError, Problem } from './problem.ts'
import type { Settings } from './settings.ts'
import { sse } from './sse.ts'
import type { Streams } from './streams.ts'
import { welcome } from './welcome.ts'

const METHODS = ['GET', 'HEAD', 'OPTIONS']

/** What a runtime lends to the app. */
export interface Parts {
  /** Answers `/client/<file>` from the folder `static`, or hands on when there is no such file. */
  files: MiddlewareHandler
  /** The open streams of this process; none on Workers. */
  streams?: Streams
  /** Answers `/metrics`, which is not there without it. */
  metrics?: Handler | undefined
}

/** The app: the same routes and the same answers on every runtime. */
export const createApp = (settings: Settings, { files, streams, metrics }: Parts) => {
  const app = new Hono<{ Bindings: { isMalformed?: true } }>()

  app.use(eventStreamHeaders)
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'", 'http:', 'https:'],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
      crossOriginResourcePolicy: 'cross-origin',
      // Browsers complain of these two on a host that is reached by plain HTTP.
      crossOriginOpenerPolicy: false,
      originAgentCluster: false,
      // Nothing that a browser of today still needs; each open stream would keep them in memory.
      xDnsPrefetchControl: false,
      xDownloadOptions: false,
      xFrameOptions: false,
      xPermittedCrossDomainPolicies: false,
      xXssProtection: false,
      // Whoever puts TLS in front decides whether the whole host is to stay with it.
      strictTransportSecurity: false,
    }),
  )
  const allowOrigins = cors({
    origin: settings.allowOrigins === '*' ? '*' : [...settings.allowOrigins],
    allowMethods: METHODS,
    allowHeaders: ['Last-Event-ID'],
  })
  app.use(async (c, next) => {
    if (c.req.method === 'OPTIONS') return allowOrigins(c, next)
    await next()
    // Only now: headers from before there is an answer Hono copies into it, and keeps them besides.
    await allowOrigins(c, async () => {})
  })
  app.use(async (c, next) => {
    if (c.env?.isMalformed) throw new Problem(400, 'The request line, or its Host, makes no sense.')
    if (METHODS.includes(c.req.method)) return next()
    const { status } = await app.request(c.req.path, { method: 'HEAD' })
    if (status === 404) return next()
    throw new Problem(405, `${c.req.method} is not allowed here.`, {
      headers: { Allow: METHODS.join(', ') },
    })
  })

  app.notFound((c) => answerError(new Problem(404, `There is nothing at ${c.req.path}.`), c))
  app.onError(answerError)
  if (metrics) app.get('/metrics', metrics)

  return app
    .get('/', welcome)
    .get('/sse', sse(settings, streams))
    .get('/health', (c) => c.json({ status: 'ok', streams: streams?.size }))
    .get('/client', (c) => c.redirect('/client/index.html'))
    .get('/client/', (c) => c.redirect('/client/index.html'))
    .get('/client/:file{\\w[\\w.-]*}', files)
}

/** The app with its routes, as `hono/client` wants to know them. */
export type App = ReturnType<typeof createApp>

/**
 * The headers that let a stream through: unchanged, unbuffered, and framed by the server alone.
 * `streamSSE` frames by hand (`Transfer-Encoding`), which is wrong for HTTP/1.0 and HTTP/2.
 */
const eventStreamHeaders: MiddlewareHandler = async (c, next) => {
  await next()
  const { headers } = c.res
  if (headers.get('Content-Type') !== 'text/event-stream') return
  headers.set('Cache-Control', 'no-cache, no-transform')
  headers.set('X-Accel-Buffering', 'no')
  headers.delete('Transfer-Encoding')
  headers.delete('Connection')

  // The context keeps its headers for as long as the stream is open. A plain object in their place takes
  // 1.2 KB less, but has no room for two cookies.
  if (headers.has('Set-Cookie')) return
  const { body, status } = c.res
  const plain = Object.fromEntries(headers)
  for (const name in plain) headers.delete(name)
  c.res = undefined
  c.res = new Response(body, { status, headers: plain })
}
