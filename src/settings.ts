import * as v from 'valibot'

/** Schema of a whole number, given as plain decimal digits, from `min` to `max`. */
export const wholeNumber = (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  v.message(
    v.pipe(v.string(), v.digits(), v.toNumber(), v.minValue(min), v.maxValue(max)),
    max === Number.MAX_SAFE_INTEGER
      ? `a whole number, ${min} or more`
      : `a whole number from ${min} to ${max}`,
  )

/** Schema of the time between two messages, in ms: a setting and a query parameter. */
export const interval = wholeNumber(100, 300_000)

const isOrigin = (text: string) => /^https?:/.test(text) && URL.parse(text)?.origin === text

const origins = v.message(
  v.pipe(
    v.string(),
    v.transform((text) => text.split(',').map((origin) => origin.trim())),
    v.check((list) => list.every(isOrigin)),
  ),
  '* or origins separated by commas, like https://example.com,http://localhost:3000',
)

const address = v.message(
  v.pipe(v.string(), v.regex(/^[\w.:%-]+$/)),
  'an IP address or the name of an interface of this machine, like 127.0.0.1, :: or localhost',
)

const age = v.message(
  v.pipe(
    v.string(),
    v.digits(),
    v.toNumber(),
    v.safeInteger(),
    v.check((ms) => ms === 0 || ms >= 1000),
  ),
  'a whole number, 1000 or more, or 0 for no limit',
)

const oneOf = (...words: [string, string]) => v.picklist(words, words.join(' or '))

const schema = v.object({
  PORT: v.optional(wholeNumber(1, 65_535), '8002'),
  HOST: v.optional(address, '127.0.0.1'),
  ALLOW_ORIGINS: v.optional(v.union([v.literal('*'), origins]), '*'),
  INTERVAL: v.optional(interval, '5000'),
  MAX_STREAMS: v.optional(wholeNumber(1), '10000'),
  MAX_STREAM_AGE: v.optional(age, '900000'),
  LOG: v.optional(oneOf('on', 'off'), 'on'),
  METRICS: v.optional(oneOf('true', 'false'), 'false'),
})

/** What the operator can choose. Times are milliseconds. */
export interface Settings {
  readonly port: number
  readonly host: string
  readonly allowOrigins: '*' | readonly string[]
  /** Time between two messages of a stream, unless its query chooses another. */
  readonly interval: number
  readonly maxStreams: number
  /** When the server ends a stream, at the latest; `Infinity` for no limit. */
  readonly maxStreamAge: number
  /** Whether a line is logged for each stream that opens or ends. */
  readonly log: boolean
  /** Whether `GET /metrics` is there. */
  readonly metrics: boolean
}

/** Settings that can't be used. The message has one line for each setting at fault. */
export class SettingsError extends Error {}

/**
 * The settings of this process or isolate.
 * @param env the environment: name to value; unknown names are ignored
 * @throws {SettingsError} when a value is not accepted
 */
export const readSettings = (env: { readonly [name: string]: unknown }): Settings => {
  const names = Object.keys(schema.entries)
  // On Workers a variable may also be a number or a boolean.
  const textOf = (value: unknown) =>
    typeof value === 'number' || typeof value === 'boolean' ? String(value) : value
  const given = Object.fromEntries(names.map((name) => [name, textOf(env[name])]))
  const checked = v.safeParse(schema, given)
  if (!checked.success) {
    const lines = checked.issues.map(
      (issue) =>
        `${issue.path?.[0].key}: given ${JSON.stringify(issue.path?.[0].value)}, accepted is ${issue.message}`,
    )
    throw new SettingsError(lines.join('\n'))
  }
  const { output } = checked
  return Object.freeze({
    port: output.PORT,
    host: output.HOST,
    allowOrigins: output.ALLOW_ORIGINS,
    interval: output.INTERVAL,
    maxStreams: output.MAX_STREAMS,
    maxStreamAge: output.MAX_STREAM_AGE || Number.POSITIVE_INFINITY,
    log: output.LOG === 'on',
    metrics: output.METRICS === 'true',
  })
}
