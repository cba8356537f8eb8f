import { env } from 'cloudflare:workers'
import { serveStatic } from 'hono/serve-static'
import { createApp } from './app.ts'
import { readSettings } from './settings.ts'

declare global {
  namespace Cloudflare {
    interface Env {
      ASSETS: Fetcher
    }
  }
}

const files = serveStatic({
  getContent: async (path, c) => {
    const answer = await env.ASSETS.fetch(new Request(new URL(`/${path}`, c.req.url), c.req.raw))
    return answer.status === 404 ? null : answer
  },
})

export default createApp(readSettings({ ...env }), { files })
