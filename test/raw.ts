import { connect } from 'node:net'

/** What came back over a bare connection. */
export interface Raw {
  status: number
  headers: Headers
  body: string
}

/**
 * Sends bytes as they are, and reads until the server closes the connection.
 * @param limit ms after which the connection is given up
 */
export const raw = async (port: number, bytes: string, limit = 5000): Promise<Raw> => {
  const socket = connect(port, '127.0.0.1')
  const end = setTimeout(() => socket.destroy(), limit)
  socket.on('error', () => {
    // The server may refuse in any way: what counts is what it has said until then.
  })
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  socket.write(Buffer.from(bytes, 'latin1'))
  await new Promise((resolve) => socket.once('close', resolve))
  clearTimeout(end)
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [line = '', ...fields] = head.split('\r\n')
  const headers = new Headers()
  for (const field of fields) {
    const colon = field.indexOf(':')
    headers.append(field.slice(0, colon), field.slice(colon + 1).trim())
  }
  return { status: Number(line.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n') }
}
