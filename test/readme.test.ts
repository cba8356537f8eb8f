import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { listen } from './listen.ts'
import { copyProject, inCopy, node, ROOT, start } from './servers.ts'
import { until } from './until.ts'

const readme = await readFile(join(ROOT, 'README.md'), 'utf8')

test('what the README says under "Make it yours" works when it is done', async () => {
  const [route = '', line = ''] = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code)
  const folder = await copyProject()
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'src/orders.ts'), route)
  const app = await readFile(join(folder, 'src/app.ts'), 'utf8')
  // Whoever has done it here, too, has it in already.
  if (!app.includes(line)) {
    const table = app.replace("    .get('/', welcome)\n", (first) => first + line)
    expect(table).toContain(line)
    await writeFile(join(folder, 'src/app.ts'), `import { orders } from './orders.ts'\n${table}`)
  }

  const server = await start(inCopy(folder, node))
  onTestFinished(server.stop)
  const { response, received, leave } = listen(
    await fetch(`${server.origin}/orders`, { headers: { 'Last-Event-ID': '1' } }),
  )
  await until('two orders have come', 5000, () => received.length >= 2)
  expect(response.headers.get('X-Accel-Buffering')).toBe('no')
  expect(received).toMatchObject([
    { id: '2', event: 'order', data: '{"id":2,"total":35}' },
    { id: '3', event: 'order', data: '{"id":3,"total":10}' },
  ])
  const health = async () => (await fetch(`${server.origin}/health`)).json()
  expect(await health()).toEqual({ status: 'ok', streams: 1 })
  await until('a heartbeat has come', 5000, () => received.some((item) => 'comment' in item))
  for (const LastEventID of ['nonsense', '']) {
    const again = await fetch(`${server.origin}/orders`, {
      headers: { 'Last-Event-ID': LastEventID },
    })
    const other = listen(again)
    await until('all orders have come', 5000, () => other.messages.length === 3)
    other.leave()
  }
  expect((await fetch(`${server.origin}/orders`, { method: 'HEAD' })).status).toBe(200)
  leave()
  await until('its place is free', 5000, async () => {
    const { streams } = (await health()) as { streams: number }
    return streams === 0
  })
})

test('every npm script and every file that the README and CONTRIBUTING name exists', async () => {
  const text = readme + (await readFile(join(ROOT, 'CONTRIBUTING.md'), 'utf8'))
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name)
  expect(named.length).toBeGreaterThan(0)
  for (const name of named) expect(scripts).toHaveProperty([name])
  for (const [, link = ''] of text.matchAll(/\]\(((?!http)[^)#]+)\)/g)) {
    await readFile(join(ROOT, link))
  }
})

test('every test that docs/reliability.md names exists', async () => {
  const text = await readFile(join(ROOT, 'docs/reliability.md'), 'utf8')
  const named = [...text.matchAll(/`([\w.-]+\.ts)`: ([^|\n]+?)(?: \||\.?\n)/g)]
  expect(named.length).toBeGreaterThan(25)
  const soak = await readdir(join(ROOT, 'test/soak'))
  for (const [, file = '', title = ''] of named) {
    const path = join(ROOT, 'test', soak.includes(file) ? 'soak' : '', file)
    expect(await readFile(path, 'utf8'), file).toContain(title.trim())
  }
})
