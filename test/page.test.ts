import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { browser, launchBrowser } from './browser.ts'
import { freePort, node, openStreams, type Server, start } from './servers.ts'
import { until } from './until.ts'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

describe.skipIf(browser.isMissing)(`the page in Chromium${browser.note}`, () => {
  let server: Server
  let chromium: Browser
  let context: BrowserContext
  /** What the browser said in its console. */
  let said: string[] = []
  /** What of it a test expects: by default, nothing is said. */
  let expected = /^$/
  const cleanUp: (() => unknown)[] = []

  beforeAll(async () => {
    server = await start(node)
    chromium = await launchBrowser()
  })
  afterAll(async () => {
    await chromium?.close()
    await server?.stop()
  })
  afterEach(async () => {
    await context?.close()
    for (const clean of cleanUp.splice(0)) await clean()
    const unexpected = said.filter((text) => !expected.test(text))
    said = []
    expected = /^$/
    expect(unexpected).toEqual([])
  })

  const open = async (
    query = '',
    {
      origin = server.origin,
      ...options
    }: Parameters<Browser['newContext']>[0] & { origin?: string } = {},
  ) => {
    context = await chromium.newContext(options)
    return openTab(query, origin)
  }
  const openTab = async (query = '', origin = server.origin) => {
    const page = await context.newPage()
    page.on('console', (message) => said.push(message.text()))
    page.on('pageerror', (error) => said.push(String(error)))
    await page.goto(`${origin}/client/index.html${query}`)
    return page
  }
  /** A server that answers in its own way, to be opened by `?url=`. */
  const other = async (
    answer: (request: IncomingMessage, response: ServerResponse) => void,
    port?: number,
  ) => {
    const http = createServer((request, response) => {
      response.setHeader('Access-Control-Allow-Origin', '*')
      answer(request, response)
    })
    http.listen(port ?? (await freePort()), '127.0.0.1')
    const stop = async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    }
    cleanUp.push(stop)
    await until('the other server listens', 5000, () => http.listening)
    const address = http.address() as { port: number }
    return { url: `http://127.0.0.1:${address.port}/`, stop }
  }
  const asEvents = (response: ServerResponse) =>
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()

  const textOf = (page: Page, id: string) => page.locator(`#${id}`).textContent()
  const numberOf = async (page: Page, id: string) => Number(await textOf(page, id))
  const idsOf = (page: Page) => page.locator('#messages tr td:first-child').allTextContents()
  const stateIs = (page: Page, name: string, limit = 10_000) =>
    until(`the state is ${name}`, limit, async () => (await textOf(page, 'state-name')) === name)
  const verdictIs = (page: Page, kind: string, limit = 15_000) =>
    page.locator(`#verdict[data-kind=${kind}]`).waitFor({ timeout: limit })
  const messages = (page: Page, atLeast: number, limit = 15_000) =>
    until(`${atLeast} messages are listed`, limit, async () => {
      return (await page.locator('#messages tr').count()) >= atLeast
    })
  /** Every message from the first on, each once. */
  const expectComplete = async (page: Page) => {
    const numbers = (await idsOf(page)).map((id) => Number(id.split('-')[1])).reverse()
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i))
    expect(await numberOf(page, 'missing')).toBe(0)
    expect(await numberOf(page, 'doubled')).toBe(0)
  }

  test('it shows the time, the messages, and that the path streams', async () => {
    const page = await open('?interval=200')
    await messages(page, 10)
    expect(await textOf(page, 'clock')).toMatch(/^\d\d:\d\d:\d\d$/)
    expect(await textOf(page, 'state-name')).toBe('Open')
    const [id, data, arrived, late] = await page
      .locator('#messages tr')
      .last()
      .locator('td')
      .allTextContents()
    expect(id).toMatch(/^\d+-0$/)
    expect(data).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(arrived).toMatch(/\d\d:\d\d:\d\d.\d{3}/)
    expect(late).toMatch(/^\d+ ms$/)
    await verdictIs(page, 'streaming')
    expect(await page.locator('#timeline line.prompt').count()).toBeGreaterThan(5)
    const last = (await idsOf(page))[0]?.split('-')[0]
    expect(await textOf(page, 'last-event-id')).toContain(last)
    expect(await textOf(page, 'curl')).toContain(`curl -N -H 'Last-Event-ID: ${last}-`)
    await expectComplete(page)
  })

  test('a connection that one breaks comes back, and what fell due is replayed', async () => {
    const page = await open('?interval=200')
    await messages(page, 3)
    await page.getByRole('button', { name: 'Break the connection' }).click()
    await stateIs(page, 'Waiting to reconnect')
    await stateIs(page, 'Open')
    await until('messages were replayed', 5000, async () => (await numberOf(page, 'replayed')) >= 5)
    expect(await numberOf(page, 'connections')).toBe(2)
    expect(await page.locator('#timeline line.replayed').count()).toBeGreaterThan(0)
    await expectComplete(page)
  })

  test('after a restart of the server fresh messages come within 10 s, none missing, none twice', async () => {
    expected = /ERR_CONNECTION|ERR_INCOMPLETE/
    const first = await start(node, { INTERVAL: '300' })
    const page = await open('', { origin: first.origin })
    await messages(page, 3)
    await first.stop()
    await stateIs(page, 'Waiting to reconnect')
    const second = await start(node, { INTERVAL: '300' }, { port: first.port })
    cleanUp.push(second.stop)
    const before = (await idsOf(page)).length
    await messages(page, before + 3, 10_000)
    await expectComplete(page)
  })

  test('through error pages in place of the stream it keeps trying, ever more rarely, and resumes', async () => {
    expected = /ERR_|503|MIME type/
    const first = await start(node, { INTERVAL: '300' })
    const page = await open('?retry=0', { origin: first.origin })
    await messages(page, 3)
    await first.stop()
    const asked: { at: number; url: string }[] = []
    const broken = await other((request, response) => {
      if (!request.url?.startsWith('/sse')) return response.writeHead(404).end()
      asked.push({ at: Date.now(), url: request.url })
      if (asked.length % 2) response.writeHead(503).end()
      else response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>Be right back</p>')
    }, first.port)
    await until('it has asked three times', 25_000, () => asked.length >= 3)
    expect(await textOf(page, 'state-name')).toMatch(/^(Waiting|Connecting)/)
    await broken.stop()
    const second = await start(node, { INTERVAL: '300' }, { port: first.port })
    cleanUp.push(second.stop)
    const before = (await idsOf(page)).length
    await messages(page, before + 3, 40_000)
    await expectComplete(page)
    for (const [i, { at }] of asked.slice(1).entries()) {
      expect(at - (asked[i]?.at ?? 0)).toBeGreaterThan(990)
    }
    expect(asked.at(-1)?.url).toMatch(/lastEventId=\d+-\d+/)
  }, 120_000)

  test('a connection that is open but silent is called stale and replaced', async () => {
    const asked: string[] = []
    const { url } = await other((request, response) => {
      asked.push(request.url ?? '')
      asEvents(response)
      response.write(`id: ${Date.now()}-0\ndata: ${new Date().toISOString()}\n\n`)
    })
    const page = await open(`?url=${url}&interval=1000`)
    await messages(page, 1)
    await stateIs(page, 'Stale')
    await messages(page, 2)
    expect(asked[1]).toContain('lastEventId=')
  })

  test('a server that it can’t reach from here is explained, and asked once a second at the most', async () => {
    expected = /CORS|ERR_FAILED/
    const asked: number[] = []
    const http = createServer((_request, response) => {
      asked.push(Date.now())
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end()
    })
    const port = await freePort()
    http.listen(port, '127.0.0.1')
    cleanUp.push(() => http.close())
    const page = await open(`?url=http://127.0.0.1:${port}/`)
    await stateIs(page, 'Waiting to reconnect')
    expect(await textOf(page, 'why')).toContain('CORS')
    await until('it has asked three times', 20_000, () => asked.length >= 3)
    for (const [i, at] of asked.slice(1).entries()) {
      expect(at - (asked[i] ?? 0)).toBeGreaterThan(990)
    }
  })

  test('a server that ends each stream at once is not asked more than about once a second', async () => {
    const asked: number[] = []
    const { url } = await other((_request, response) => {
      asked.push(Date.now())
      asEvents(response)
      response.end('retry: 0\n\n')
    })
    const began = Date.now()
    await open(`?url=${url}`)
    await until('it has asked five times', 30_000, () => asked.length >= 5)
    // The browser may come back once by itself, as it was told to.
    expect(Date.now() - began).toBeGreaterThan(3000)
  })

  test('messages that something holds back are seen as bursts', async () => {
    const held: string[] = []
    let n = 0
    const began = Date.now()
    const { url } = await other((_request, response) => {
      asEvents(response)
      const timer = setInterval(() => {
        held.push(`id: ${began}-${n}\ndata: ${new Date(began + n * 200).toISOString()}\n\n`)
        if (++n % 6 === 0) response.write(held.splice(0).join(''))
      }, 200)
      response.on('close', () => clearInterval(timer))
    })
    const page = await open(`?url=${url}&interval=200`)
    await verdictIs(page, 'bursts')
    expect(await textOf(page, 'verdict')).toContain('X-Accel-Buffering')
  })

  test('messages that get lost are seen as gaps', async () => {
    let n = 0
    const began = Date.now()
    const { url } = await other((_request, response) => {
      asEvents(response)
      const timer = setInterval(() => {
        if (++n % 4)
          response.write(`id: ${began}-${n}\ndata: ${new Date(began + n * 200).toISOString()}\n\n`)
      }, 200)
      response.on('close', () => clearInterval(timer))
    })
    const page = await open(`?url=${url}&interval=200`)
    await verdictIs(page, 'gaps')
    expect(await numberOf(page, 'missing')).toBeGreaterThan(0)
    expect(await page.locator('#timeline circle.missing').count()).toBeGreaterThan(0)
  })

  test('what a server sends is text, never HTML', async () => {
    const { url } = await other((_request, response) => {
      asEvents(response)
      response.write(
        'id: <img src=x>\ndata: <b onclick="x">bold</b><script>document.title = "!"</script>\n\n',
      )
    })
    const page = await open(`?url=${url}`)
    await messages(page, 1)
    expect(await textOf(page, 'messages')).toContain('<b onclick="x">bold</b><script>')
    expect(await textOf(page, 'clock')).toContain('<b onclick')
    expect(await page.locator('#messages :is(b, img, script)').count()).toBe(0)
    expect(await page.title()).toBe('Server-Sent Events, live')
  })

  test('another server of this kind is reached across origins', async () => {
    const elsewhere = await start(node)
    cleanUp.push(elsewhere.stop)
    const page = await open()
    await page.getByLabel('URL').fill(`${elsewhere.origin}/sse`)
    await page.getByLabel('interval').fill('200')
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await messages(page, 3)
    await until('it streams from there', 5000, async () => (await openStreams(elsewhere)) === 1)
    await until('and from here no more', 5000, async () => (await openStreams(server)) === 0)
    expect(new URL(page.url()).searchParams.get('url')).toBe(`${elsewhere.origin}/sse`)
  })

  test('a count comes to its end, and the page rests', async () => {
    const page = await open('?interval=100&count=5&retry=100')
    await stateIs(page, 'Closed')
    expect(await textOf(page, 'why')).toBe('All messages have come.')
    expect(await idsOf(page)).toHaveLength(5)
    expect(await openStreams(server)).toBe(0)
  })

  test('one disconnects, connects again and misses nothing; clearing empties the list', async () => {
    const page = await open('?interval=200')
    await messages(page, 3)
    await page.getByRole('button', { name: 'Disconnect' }).click()
    await stateIs(page, 'Closed')
    await until('the stream has ended', 5000, async () => (await openStreams(server)) === 0)
    const before = (await idsOf(page)).length
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await messages(page, before + 3)
    await expectComplete(page)
    await page.getByRole('button', { name: 'Clear' }).click()
    expect((await idsOf(page)).length).toBeLessThan(before)
  })

  test.each([
    ['url', 'javascript:alert(1)', 'http://'],
    ['url', 'http://', 'not a URL'],
    ['interval', '5', '100 to 300000'],
    ['count', 'many', '1 to 1000000'],
    ['retry', '99999', '0 to 60000'],
  ])('a bad choice, %s=%s, is explained beside its field', async (name, value, words) => {
    const page = await open(`?${new URLSearchParams({ [name]: value })}`)
    await stateIs(page, 'Closed')
    expect(await page.locator(`#${name}`).inputValue()).toBe(value)
    expect(await textOf(page, `${name}-error`)).toContain(words)
    expect(await page.locator(`#${name}`).getAttribute('aria-invalid')).toBe('true')
    expect(await openStreams(server)).toBe(0)
    await page.locator(`#${name}`).fill('')
    await page.locator(`#${name}`).press('Enter')
    await messages(page, 1)
    expect(await textOf(page, `${name}-error`)).toBe('')
    expect(new URL(page.url()).search).toBe('')
  })

  test('reload, and back and forward, leave one stream', async () => {
    const page = await open('?interval=200')
    await messages(page, 2)
    await page.reload()
    await messages(page, 2)
    await page.goto(`${server.origin}/`)
    await until('no stream is left', 5000, async () => (await openStreams(server)) === 0)
    await page.goBack()
    await messages(page, 2)
    await until('there is one stream', 5000, async () => (await openStreams(server)) === 1)
  })

  test('taken out of the back/forward cache it goes on where it stopped', async () => {
    const cached = await launchBrowser({ ignoreDefaultArgs: ['--disable-back-forward-cache'] })
    cleanUp.push(() => cached.close())
    const page = await cached.newPage()
    await page.goto(`${server.origin}/client/index.html?interval=200`)
    await messages(page, 3)
    await page.evaluate(() => Object.assign(globalThis, { isTheSame: true }))
    await page.goto(`${server.origin}/health`)
    await until('no stream is left', 5000, async () => (await openStreams(server)) === 0)
    // A page that was only put away is not loaded again.
    await page.goBack({ waitUntil: 'commit' })
    expect(await page.evaluate(() => 'isTheSame' in globalThis)).toBe(true)
    await until('there is one stream', 5000, async () => (await openStreams(server)) === 1)
    const before = (await idsOf(page)).length
    await messages(page, before + 5)
    await expectComplete(page)
  })

  test('the list does not grow without bound', async () => {
    const page = await open('?interval=100', { viewport: { width: 800, height: 600 } })
    const first = await until(
      '200 are listed',
      60_000,
      async () => (await idsOf(page)).length === 200,
    )
    expect(first).toBeUndefined()
    await until(
      'the first is gone',
      10_000,
      async () => !(await idsOf(page)).at(-1)?.endsWith('-0'),
    )
    expect(await idsOf(page)).toHaveLength(200)
    expect(await openStreams(server)).toBe(1)
  }, 90_000)

  test('of eight tabs over HTTP/1.1 five stream, and the others say why they wait', async () => {
    const tabs = [await open()]
    for (let i = 1; i < 8; i++) tabs.push(await openTab())
    await until('five streams are open', 10_000, async () => (await openStreams(server)) === 5)
    const waiting: Page[] = []
    await until('three tabs have explained themselves', 10_000, async () => {
      waiting.length = 0
      for (const tab of tabs) {
        if ((await textOf(tab, 'why'))?.includes('six connections')) waiting.push(tab)
      }
      return waiting.length === 3
    })
    await tabs.find((tab) => !waiting.includes(tab))?.close()
    await until('one of them gets in', 10_000, async () => {
      const states = await Promise.all(waiting.map((tab) => textOf(tab, 'state-name')))
      return states.filter((state) => state === 'Open').length === 1
    })
    expect(await openStreams(server)).toBe(5)
  })

  test.each(['light', 'dark'] as const)(
    'it is accessible, %s, on a desk and on a phone',
    async (colorScheme) => {
      for (const width of [1100, 360]) {
        const page = await open('?interval=200&retry=x', {
          colorScheme,
          viewport: { width, height: 800 },
        })
        await page.getByLabel('retry').fill('')
        await page.keyboard.press('Enter')
        await messages(page, 5)
        await page.evaluate(axe)
        const { violations } = await page.evaluate(() =>
          (
            globalThis as unknown as { axe: { run(): Promise<{ violations: unknown[] }> } }
          ).axe.run(),
        )
        expect(violations).toEqual([])
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect(overflow).toBeLessThanOrEqual(0)
        await context.close()
      }
    },
  )

  test('every control is reached by keyboard, and shows it', async () => {
    const page = await open('?interval=200')
    await messages(page, 1)
    const reached = new Set<unknown>()
    for (let i = 0; i < 10; i++) {
      await page.keyboard.press('Tab')
      reached.add(await page.evaluate('document.activeElement.id'))
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe(
        'solid',
      )
      if (reached.has('connect')) break
    }
    expect([...reached]).toEqual([
      'disconnect',
      'break',
      'clear',
      'copy',
      'url',
      'interval',
      'count',
      'retry',
      'connect',
    ])
  })
})
