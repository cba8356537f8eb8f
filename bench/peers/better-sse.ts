/** better-sse with Express, as its guide has it. */
import { createSession } from 'better-sse'
import express from 'express'

const app = express()

app.get('/sse', async (request, response) => {
  const session = await createSession(request, response)
  let id = 0
  const send = () => session.push(new Date().toISOString(), 'message', String(id++))
  send()
  const timer = setInterval(send, 5000)
  session.once('disconnected', () => clearInterval(timer))
})

app.listen(Number(process.env.PORT), '127.0.0.1')
