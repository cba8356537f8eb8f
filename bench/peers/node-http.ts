/** By hand: the floor on Node. */
import { createServer } from 'node:http'

createServer((_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
  let id = 0
  const send = () => response.write(`data: ${new Date().toISOString()}\nid: ${id++}\n\n`)
  send()
  const timer = setInterval(send, 5000)
  response.on('close', () => clearInterval(timer))
}).listen(Number(process.env.PORT), '127.0.0.1')
