import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { find } from './installed.ts'
import { listen } from './listen.ts'
import { freePort, ROOT } from './servers.ts'
import { until } from './until.ts'

const unshare = find('unshare')
const isRoot = process.getuid?.() === 0
const isMissing = unshare.isMissing || !isRoot
const note = `${unshare.note}${isRoot ? '' : ' (skipped: needs root)'}`

/** The instructions of the Dockerfile, in order. */
const readDockerfile = async () => {
  const text = await readFile(join(ROOT, 'Dockerfile'), 'utf8')
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => {
    const [, instruction = '', rest = ''] = /^(\w+) (.*)$/.exec(line) ?? []
    return { instruction, rest }
  })
}

describe.skipIf(isMissing)(`the container, by its steps${note}`, () => {
  test('it is small, not root, healthy, and ends on a signal', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sse-container-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await chmod(folder, 0o755)
    const app = join(folder, 'app')
    const port = await freePort()
    const env: NodeJS.ProcessEnv = { PATH: `${folder}:${process.env.PATH}`, PORT: `${port}` }
    let command: string[] = []
    let healthCheck: string[] = []
    let user = 'root'

    await mkdir(app)
    for (const { instruction, rest } of await readDockerfile()) {
      if (instruction === 'COPY') {
        const names = rest.split(' ')
        const to = join(app, names.pop() ?? '')
        for (const name of names) {
          const target = names.length > 1 || to.endsWith('/app') ? join(to, name) : to
          await cp(join(ROOT, name), target, { recursive: true })
        }
      } else if (instruction === 'ENV') {
        const [name = '', value = ''] = rest.split('=')
        env[name] = value
      } else if (instruction === 'RUN') {
        await promisify(execFile)('sh', ['-c', rest], { cwd: app })
      } else if (instruction === 'USER') user = rest
      else if (instruction === 'CMD') command = JSON.parse(rest)
      else if (instruction === 'HEALTHCHECK') {
        healthCheck = JSON.parse(rest.slice(rest.indexOf('CMD ') + 4))
      } else expect(['FROM', 'WORKDIR', 'EXPOSE']).toContain(instruction)
    }
    expect(user).toBe('node')
    expect(command).toEqual(['node', 'src/node.ts'])
    expect(await readdir(join(app, 'node_modules'))).not.toContain('vitest')
    const { stdout } = await promisify(execFile)('du', ['-sk', app])
    expect(Number.parseInt(stdout, 10)).toBeLessThan(12_000)

    // In the image its owner is another, too; and nobody may read the folder of this project.
    await copyFile(process.execPath, join(folder, 'node'))
    const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
    const namespace = ['--fork', '--pid', '--mount-proc', '--kill-child', 'setpriv', ...asNobody]
    const child = spawn(unshare.path, [...namespace, ...command], { cwd: app, env })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    const exited = once(child, 'close')
    onTestFinished(() => void child.kill('SIGKILL'))
    await until('it is ready', 10_000, () => output.includes('Ready'))

    const [file = '', ...args] = healthCheck
    await promisify(execFile)(file, args, { env })
    await expect(promisify(execFile)(file, args, { env: { ...env, PORT: '1' } })).rejects.toThrow()

    const { messages, received, ended } = listen(await fetch(`http://127.0.0.1:${port}/sse`))
    await until('a message has come', 5000, () => messages.length > 0)
    const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
    const first = Number(children.trim())
    const status = await readFile(`/proc/${first}/status`, 'utf8')
    expect(status).toMatch(/^NSpid:.*\t1$/m)
    expect(status).toMatch(/^Uid:\t65534/m)

    const began = Date.now()
    process.kill(first, 'SIGTERM')
    await ended
    expect(received.at(-1)).toHaveProperty('retry')
    expect(await exited).toEqual([0, null])
    expect(Date.now() - began).toBeLessThan(5000)
  }, 120_000)
})
