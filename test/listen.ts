import { createParser } from 'eventsource-parser'

/** What a client has got from a stream, in order, with the time (`Date.now()`) of each arrival. */
export type Received = { at: number } & (
  | { id: string | undefined; data: string; event: string | undefined }
  | { retry: number }
  | { comment: string }
)

export interface Listening {
  response: Response
  /** All of it. */
  received: Received[]
  /** The messages alone. */
  messages: { at: number; id: string; data: string }[]
  /** Resolves when the server has ended the stream; rejects when it broke. */
  ended: Promise<void>
  /** Leaves, as a client that is gone. */
  leave: () => void
}

/** Reads the stream of an answer for as long as it lasts. */
export const listen = (response: Response): Listening => {
  const received: Received[] = []
  const messages: Listening['messages'] = []
  const add = (what: object) => received.push({ at: Date.now(), ...what } as Received)
  const parser = createParser({
    onEvent: ({ id, data, event }) => {
      add({ id, data, event })
      messages.push({ at: Date.now(), id: id ?? '', data })
    },
    onRetry: (retry) => add({ retry }),
    onComment: (comment) => add({ comment }),
    onError: (error) => {
      throw error
    },
  })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const read = async () => {
    for (;;) {
      const part = await reader?.read()
      if (!part || part.done) return
      parser.feed(part.value)
    }
  }
  const ended = read()
  // A test that leaves the stream does not wait for its end; one that waits sees the error.
  ended.catch(() => {})
  return { response, received, messages, ended, leave: () => void reader?.cancel() }
}
