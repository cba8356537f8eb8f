import { describe, expect, test } from 'vitest'
import { readSettings, SettingsError } from '../src/settings.ts'

test('without an environment the defaults hold', () => {
  expect(readSettings({ PATH: '/bin' })).toEqual({
    port: 8002,
    host: '127.0.0.1',
    allowOrigins: '*',
    interval: 5000,
    maxStreams: 10_000,
    maxStreamAge: 900_000,
    log: true,
    metrics: false,
  })
})

test('on Workers a variable may be a number or a boolean', () => {
  expect(readSettings({ INTERVAL: 1000, METRICS: true })).toMatchObject({
    interval: 1000,
    metrics: true,
  })
})

describe('ok', () => {
  test.each([
    ['PORT', '1', { port: 1 }],
    ['PORT', '65535', { port: 65_535 }],
    ['HOST', '0.0.0.0', { host: '0.0.0.0' }],
    ['HOST', '::', { host: '::' }],
    ['HOST', 'localhost', { host: 'localhost' }],
    ['ALLOW_ORIGINS', '*', { allowOrigins: '*' }],
    ['ALLOW_ORIGINS', 'https://a.example', { allowOrigins: ['https://a.example'] }],
    [
      'ALLOW_ORIGINS',
      'https://a.example, http://localhost:3000',
      { allowOrigins: ['https://a.example', 'http://localhost:3000'] },
    ],
    ['INTERVAL', '100', { interval: 100 }],
    ['INTERVAL', '300000', { interval: 300_000 }],
    ['MAX_STREAMS', '1', { maxStreams: 1 }],
    ['MAX_STREAM_AGE', '1000', { maxStreamAge: 1000 }],
    ['LOG', 'off', { log: false }],
    ['METRICS', 'true', { metrics: true }],
    ['MAX_STREAM_AGE', '0', { maxStreamAge: Number.POSITIVE_INFINITY }],
  ])('%s=%s', (name, value, expected) => {
    expect(readSettings({ [name]: value })).toMatchObject(expected)
  })
})

describe('bad', () => {
  test.each([
    ['PORT', '0', 'a whole number from 1 to 65535'],
    ['PORT', '65536', 'a whole number from 1 to 65535'],
    ['PORT', '', 'a whole number from 1 to 65535'],
    ['PORT', '80a', 'a whole number from 1 to 65535'],
    ['PORT', '8e3', 'a whole number from 1 to 65535'],
    ['PORT', ' 80', 'a whole number from 1 to 65535'],
    ['PORT', '80.0', 'a whole number from 1 to 65535'],
    ['PORT', '-80', 'a whole number from 1 to 65535'],
    ['HOST', '', 'an IP address or the name of an interface'],
    ['HOST', 'a b', 'an IP address or the name of an interface'],
    ['HOST', 'http://localhost', 'an IP address or the name of an interface'],
    ['ALLOW_ORIGINS', '', '* or origins separated by commas'],
    ['ALLOW_ORIGINS', 'a.example', '* or origins separated by commas'],
    ['ALLOW_ORIGINS', 'https://a.example/', '* or origins separated by commas'],
    ['ALLOW_ORIGINS', 'https://a.example/path', '* or origins separated by commas'],
    ['ALLOW_ORIGINS', 'ftp://a.example', '* or origins separated by commas'],
    ['ALLOW_ORIGINS', 'null', '* or origins separated by commas'],
    ['ALLOW_ORIGINS', '*,https://a.example', '* or origins separated by commas'],
    ['ALLOW_ORIGINS', 'https://a.example,', '* or origins separated by commas'],
    ['INTERVAL', '99', 'a whole number from 100 to 300000'],
    ['INTERVAL', '300001', 'a whole number from 100 to 300000'],
    ['INTERVAL', '5s', 'a whole number from 100 to 300000'],
    ['MAX_STREAMS', '0', 'a whole number, 1 or more'],
    ['MAX_STREAMS', '9007199254740993', 'a whole number, 1 or more'],
    ['LOG', 'no', 'on or off'],
    ['METRICS', '1', 'true or false'],
    ['MAX_STREAM_AGE', '999', 'a whole number, 1000 or more, or 0 for no limit'],
    ['MAX_STREAM_AGE', 'Infinity', 'a whole number, 1000 or more, or 0 for no limit'],
  ])('%s=%s', (name, value, accepted) => {
    const read = () => readSettings({ [name]: value })
    expect(read).toThrow(SettingsError)
    expect(read).toThrow(`${name}: given ${JSON.stringify(value)}, accepted is ${accepted}`)
  })

  test('each setting at fault has a line of its own', () => {
    const read = () => readSettings({ PORT: 'x', HOST: 'localhost', INTERVAL: '0' })
    expect(read).toThrow(/^PORT: [^\n]+\nINTERVAL: [^\n]+$/)
  })
})
