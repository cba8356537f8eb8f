import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { browser, launchBrowser } from './browser.ts'
import { node, type Server, start } from './servers.ts'

describe.skipIf(browser.isMissing)(`the page in Chromium${browser.note}`, () => {
  let server: Server
  let chromium: Browser
  beforeAll(async () => {
    server = await start(node, { INTERVAL: '200' })
    chromium = await launchBrowser()
  })
  afterAll(async () => {
    await chromium?.close()
    await server?.stop()
  })

  test('it shows messages as they come, and nothing is said in the console', async () => {
    const page = await chromium.newPage()
    const said: string[] = []
    page.on('console', (message) => said.push(message.text()))
    page.on('pageerror', (error) => said.push(error.message))
    await page.goto(`${server.origin}/client/index.html`)
    const rows = page.getByRole('listitem')
    await rows.nth(3).waitFor()
    expect(await rows.last().textContent()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z \(id \d+-0\)$/)
    expect(await page.getByRole('status').textContent()).toMatch(/^Open/)
    expect(said).toEqual([])
  })
})
