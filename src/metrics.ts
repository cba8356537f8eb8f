import type { Handler } from 'hono'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Streams } from './streams.ts'

/** `GET /metrics`: what the process has counted, in Prometheus' text format. */
export const createMetrics = (streams: Streams): Handler => {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  new Gauge({
    name: 'sse_streams_open',
    help: 'Streams that are open now.',
    registers,
    collect() {
      this.set(streams.size)
    },
  })
  const count = (name: string, help: string, total: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(total())
      },
    })
  count('sse_streams_opened_total', 'Streams that were opened.', () => streams.opened)
  count('sse_streams_refused_total', 'Newcomers that found no place.', () => streams.refused)
  count('sse_messages_sent_total', 'Messages that were sent.', () => streams.messages)
  count(
    'sse_messages_replayed_total',
    'Messages that had fallen due before their stream was opened.',
    () => streams.replayed,
  )
  new Counter({
    name: 'sse_streams_ended_total',
    help: 'Streams that have ended, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      for (const [reason, total] of Object.entries(streams.ended)) this.inc({ reason }, total)
    },
  })

  return async (c) =>
    c.body(await registry.metrics(), 200, { 'Content-Type': registry.contentType })
}
