/** The load generator: a process of its own, told by its parent what to do next. */
import { connect, type Socket } from 'node:net'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'

/** How many connections are being opened at a time. */
const WIDTH = 200
/** Connections go out from so many loopback addresses, so that no one runs out of ports. */
const ADDRESSES = 8
/** How long all stay away before they come back, in ms: longer than the interval, so that something is missed. */
const PAUSE = 5500

export type Order =
  | { do: 'open'; port: number; total: number }
  | { do: 'measure'; ms: number }
  | { do: 'resume' }

export interface Opened {
  /** Streams for each second, from the first request to the last first message. */
  rate: number
}

export interface Measured {
  messages: number
  /** Arrival less the time in the message, in ms. */
  late: { median: number; p99: number; max: number }
  missing: number
  doubled: number
  /** How late this process itself was, in ms: where that is much, it is the load that is measured. */
  ownLate: { p99: number; max: number }
}

export interface Resumed {
  /** From the first request to the last first message, in ms. */
  duration: number
  /** Messages that no client got. */
  lost: number
}

interface Client {
  socket: Socket
  firstId: string
  lastId: string
  /** Called with the first message. */
  first: () => void
}

let port = 0
let clients: Client[] = []
let messages = 0
let missing = 0
let doubled = 0
let lates: number[] = []

/** The number of a message; NaN where ids are not numbered. */
const numberOf = (id: string) => Number(/^(?:\d+-)?(\d+)$/.exec(id)?.[1])

const receive = (client: Client, id: string, data: string) => {
  messages++
  lates.push(Date.now() - Date.parse(data))
  if (client.firstId === '') {
    client.firstId = id
    client.first()
  } else {
    const step = numberOf(id) - numberOf(client.lastId)
    if (step > 1) missing += step - 1
    if (step < 1 || id === client.lastId) doubled++
  }
  client.lastId = id
}

/** Opens a stream; resolves with its first message. */
const openOne = (i: number, lastEventId: string) =>
  new Promise<Client>((resolve, reject) => {
    const localAddress = `127.0.0.${2 + (i % ADDRESSES)}`
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    const client: Client = { socket, firstId: '', lastId: '', first: () => resolve(client) }
    const resume = lastEventId === '' ? '' : `Last-Event-ID: ${lastEventId}\r\n`
    socket.write(
      `GET /sse HTTP/1.1\r\nHost: localhost:${port}\r\nAccept: text/event-stream\r\n${resume}\r\n`,
    )
    let rest = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const id = /^id: ?(.*)$/m.exec(block)?.[1]
        const data = /^data: ?"?([^"\n]*)/m.exec(block)?.[1]
        if (id !== undefined && data !== undefined) receive(client, id, data)
      }
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('The server ended a stream')))
  })

/** Runs a task for each index below `total`, some at a time. */
const forEach = async (from: number, total: number, task: (i: number) => Promise<unknown>) => {
  let next = from
  const worker = async () => {
    while (next < total) await task(next++)
  }
  await Promise.all(Array.from({ length: WIDTH }, worker))
}

const quantile = (sorted: number[], q: number) => sorted[Math.floor((sorted.length - 1) * q)] ?? 0

const acts = {
  open: async (order: Order & { do: 'open' }): Promise<Opened> => {
    port = order.port
    const from = clients.length
    const began = performance.now()
    await forEach(from, order.total, async (i) => {
      clients[i] = await openOne(i, '')
    })
    return { rate: (order.total - from) / ((performance.now() - began) / 1000) }
  },

  measure: async ({ ms }: Order & { do: 'measure' }): Promise<Measured> => {
    messages = missing = doubled = 0
    lates = []
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    await new Promise((resolve) => setTimeout(resolve, ms))
    delay.disable()
    const sorted = lates.sort((a, b) => a - b)
    return {
      messages,
      missing,
      doubled,
      late: {
        median: quantile(sorted, 0.5),
        p99: quantile(sorted, 0.99),
        max: quantile(sorted, 1),
      },
      // The histogram counts from one look to the next, which are 5 ms apart.
      ownLate: { p99: delay.percentile(99) / 1e6 - 5, max: delay.max / 1e6 - 5 },
    }
  },

  resume: async (): Promise<Resumed> => {
    const ids = clients.map(({ socket, lastId }) => {
      socket.removeAllListeners('close')
      socket.destroy()
      return lastId
    })
    clients = []
    await new Promise((resolve) => setTimeout(resolve, PAUSE))
    const began = performance.now()
    let lost = 0
    await forEach(0, ids.length, async (i) => {
      const lastId = ids[i] ?? ''
      const client = await openOne(i, lastId)
      clients[i] = client
      lost += Math.max(numberOf(client.firstId) - numberOf(lastId) - 1, 0)
    })
    return { duration: performance.now() - began, lost }
  },
}

process.on('message', async (order: Order) => {
  const result = await acts[order.do](order as never)
  process.send?.(result)
})

process.on('disconnect', () => process.exit())
