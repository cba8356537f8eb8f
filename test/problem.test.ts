import { createMiddleware } from 'hono/factory'
import { expect, test, vi } from 'vitest'
import { createApp } from '../src/app.ts'
import { readSettings } from '../src/settings.ts'

test('of an error that nobody foresaw the client learns nothing, and the operator all', async () => {
  const secret = new Error('secret at /home/someone')
  const files = createMiddleware(() => {
    throw secret
  })
  const log = vi.spyOn(console, 'error').mockImplementation(() => {})
  const answer = await createApp(readSettings({}), { files }).request('/client/index.html')
  expect(answer.status).toBe(500)
  expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
  expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
  expect(answer.headers.get('X-Content-Type-Options')).toBe('nosniff')
  expect(await answer.json()).toEqual({
    type: 'about:blank',
    title: 'Internal Server Error',
    status: 500,
    detail: 'The server failed to answer this request.',
  })
  expect(log).toHaveBeenCalledWith(secret)
})
