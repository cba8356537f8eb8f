/** The bare loop of Hono's documentation: what the features of this server cost is seen beside it. */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'

const app = new Hono()

app.get('/sse', (c) =>
  streamSSE(c, async (stream) => {
    let id = 0
    while (true) {
      await stream.writeSSE({ data: new Date().toISOString(), id: String(id++) })
      await stream.sleep(5000)
    }
  }),
)

serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
