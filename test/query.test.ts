import { createMiddleware } from 'hono/factory'
import { describe, expect, test } from 'vitest'
import { createApp } from '../src/app.ts'
import { readSettings } from '../src/settings.ts'

const noFiles = createMiddleware((_c, next) => next())
const app = createApp(readSettings({}), { files: noFiles })
const ask = (query: string) => app.request(`/sse?${query}`, { method: 'HEAD' })

describe('ok', () => {
  test.each([
    '',
    'interval=100',
    'interval=300000',
    'interval=00100',
    'interval=%31%30%30',
    'count=1',
    'count=1000000',
    'retry=0',
    'retry=60000',
    'interval=100&count=5&retry=9',
    'lastEventId=nonsense',
    'lastEventId=1-1&lastEventId=1-1',
    'Interval=1',
    'unknown=1&unknown=2',
    '__proto__=1&constructor=2&toString=3&toString=4',
    '&&&=&=1',
    '%',
    'unknown=%zz%00',
  ])('%s', async (query) => {
    expect((await ask(query)).status).toBe(200)
  })
})

describe('bad', () => {
  test.each([
    ['interval=99', 'interval', '99'],
    ['interval=300001', 'interval', '300001'],
    ['interval=', 'interval', ''],
    ['interval', 'interval', ''],
    ['interval=1e3', 'interval', '1e3'],
    ['interval=0x100', 'interval', '0x100'],
    ['interval=500.0', 'interval', '500.0'],
    ['interval=-500', 'interval', '-500'],
    ['interval=%20500', 'interval', ' 500'],
    ['interval=+500', 'interval', ' 500'],
    ['interval=%EF%BC%95%EF%BC%90%EF%BC%90', 'interval', '５００'],
    ['interval=500%00', 'interval', '500\0'],
    ['interval=500%0A', 'interval', '500\n'],
    ['interval=NaN', 'interval', 'NaN'],
    ['interval=Infinity', 'interval', 'Infinity'],
    [`interval=${'9'.repeat(400)}`, 'interval', '9'.repeat(400)],
    ['interval=500&interval=500', 'interval', ['500', '500']],
    ['count=0', 'count', '0'],
    ['count=1000001', 'count', '1000001'],
    ['count=1&count=2', 'count', ['1', '2']],
    ['retry=60001', 'retry', '60001'],
    ['retry=-1', 'retry', '-1'],
  ])('%s', async (query, parameter, given) => {
    const answer = await app.request(`/sse?${query}`)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
    const { errors } = (await answer.json()) as { errors: object[] }
    expect(errors).toEqual([
      { parameter, given, accepted: expect.stringContaining('whole number') },
    ])
  })
})
