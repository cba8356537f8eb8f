/** Makes the picture of the page that the README shows: `npm run screenshot`. */
import { fileURLToPath } from 'node:url'
import { launchBrowser } from '../test/browser.ts'
import { node, start } from '../test/servers.ts'

const server = await start(node, { INTERVAL: '1000' })
const browser = await launchBrowser()
try {
  const page = await browser.newPage({ viewport: { width: 1100, height: 860 } })
  await page.goto(`${server.origin}/client/index.html`)
  const rows = page.locator('#messages tr')
  await rows.nth(9).waitFor()
  await page.getByRole('button', { name: 'Break the connection' }).click()
  await rows.nth(18).waitFor()
  await page.mouse.move(0, 0)
  await page.screenshot({ path: fileURLToPath(new URL('page.png', import.meta.url)) })
} finally {
  await browser.close()
  await server.stop()
}
