import { appendFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { listen } from './listen.ts'
import { copyProject, freePort, launch, node, type Runtime, start } from './servers.ts'
import { until } from './until.ts'

const withArguments =
  (...words: string[]): Runtime =>
  (port, settings) => {
    const { command, env = {} } = node(port, settings)
    return { command: [...command, ...words], env }
  }

test('--port and --host win over the environment', async () => {
  const port = await freePort()
  const runtime = withArguments('--port', String(port), '--host', '127.0.0.1')
  const server = await start(runtime, { PORT: '1', HOST: '192.0.2.1' }, { port })
  onTestFinished(server.stop)
  expect(server.output()).toContain(`http://127.0.0.1:${port}/`)
})

test.each([
  [['--port', 'x'], /^PORT: given "x", accepted is a whole number from 1 to 65535$/],
  [['--host', 'a b'], /^HOST: given "a b", accepted is an IP address .*$/],
  [['--prot', '80'], /^Unknown option '--prot'.*$/],
  [['80'], /^Unexpected argument '80'.*$/],
])('%j is refused in one line', async (words, line) => {
  const server = await launch(withArguments(...words))
  expect(await server.exited).toBe(1)
  expect(server.output().trim()).toMatch(line)
})

test('npm run dev starts anew when a source changes, with a stream open', async () => {
  const folder = await copyProject()
  onTestFinished(() => rm(folder, { recursive: true }))
  const dev: Runtime = (port) => ({ command: ['npm', 'run', 'dev'], env: { PORT: String(port) } })
  const server = await start(dev, {}, { cwd: folder })
  onTestFinished(server.stop)

  const { messages, ended } = listen(await fetch(`${server.origin}/sse`))
  await until('a message has come', 5000, () => messages.length > 0)
  await appendFile(join(folder, 'src/welcome.ts'), '\n// A change.\n')
  await ended
  await until('it listens again', 5000, () =>
    fetch(`${server.origin}/health`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
  await until('it has said so twice', 5000, () => server.output().match(/Ready/g)?.length === 2)
})
