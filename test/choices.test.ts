import { describe, expect, test } from 'vitest'
import { backoff } from '../static/client/backoff.js'
import { check, curl, fromAddress, toAddress } from '../static/client/choices.js'

const PAGE = 'http://localhost:8002/client/index.html'
const NONE = { url: '', interval: '', count: '', retry: '' }

describe('ok', () => {
  test.each([
    [{}, 'http://localhost:8002/sse'],
    [
      { interval: '100', count: '1', retry: '0' },
      'http://localhost:8002/sse?interval=100&count=1&retry=0',
    ],
    [{ url: 'https://example.com/events?a=b#c' }, 'https://example.com/events?a=b'],
    [
      { url: 'https://example.com/?interval=7', interval: '500' },
      'https://example.com/?interval=500',
    ],
    [{ url: '/other' }, 'http://localhost:8002/other'],
  ])('%j', (choices, url) => {
    expect(check({ ...NONE, ...choices }, PAGE)).toEqual({ url: new URL(url), errors: {} })
  })
})

describe('bad', () => {
  test.each([
    [{ url: 'http://' }, 'url'],
    [{ url: 'javascript:alert(1)' }, 'url'],
    [{ url: 'data:text/event-stream,data: x' }, 'url'],
    [{ url: 'file:///etc/passwd' }, 'url'],
    [{ url: 'ftp://example.com/' }, 'url'],
    [{ interval: '99' }, 'interval'],
    [{ interval: '300001' }, 'interval'],
    [{ interval: '5e3' }, 'interval'],
    [{ interval: '-500' }, 'interval'],
    [{ count: '0' }, 'count'],
    [{ count: '１' }, 'count'],
    [{ retry: '60001' }, 'retry'],
    [{ retry: '1.5' }, 'retry'],
  ])('%j', (choices, name) => {
    const { url, errors } = check({ ...NONE, ...choices }, PAGE)
    expect(url).toBeUndefined()
    expect(Object.keys(errors)).toEqual([name])
  })
})

test('an address reproduces the choices', () => {
  const choices = { url: 'https://example.com/?a=b&c=ü', interval: '100', count: '', retry: '5' }
  expect(fromAddress(toAddress(choices))).toEqual(choices)
  expect(toAddress(NONE)).toBe('')
  expect(fromAddress('')).toEqual(NONE)
})

test('the curl command is safe to paste', () => {
  const url = new URL("http://localhost/sse?a='$(id)'")
  expect(curl(url, '')).toBe(`curl -N '${url.href}'`)
  expect(curl(new URL('http://h/#'), "1'; id; '")).toBe(
    `curl -N -H 'Last-Event-ID: 1'\\''; id; '\\''' 'http://h/#'`,
  )
})

test('the wait grows, is random, and stays between 1 and 30 s', () => {
  const ranges = [1, 2, 3, 4, 5, 6, 60].map((failures) => [
    backoff(failures, () => 0),
    backoff(failures, () => 0.999_999),
  ])
  expect(ranges).toEqual([
    [1000, 1999],
    [2000, 3999],
    [4000, 7999],
    [8000, 15_999],
    [15_000, 29_999],
    [15_000, 29_999],
    [15_000, 29_999],
  ])
})
