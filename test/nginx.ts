import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { find } from './installed.ts'
import { freePort } from './servers.ts'
import { until } from './until.ts'

export const nginx = find('nginx')

/**
 * Starts an nginx of its own, in a folder of its own, in the foreground.
 * @param http what stands in the `http` block, for a port
 * @param prepare puts files into its folder
 */
export const startNginx = async (
  http: (port: number, folder: string) => string,
  prepare: (folder: string) => Promise<unknown> = async () => {},
) => {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'sse-nginx-'))
  await mkdir(join(folder, 'logs'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join('\n')
  const conf = `
    daemon off;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    worker_processes 1;
    pid ${folder}/nginx.pid;
    error_log ${folder}/logs/error.log;
    events { worker_connections 4096; }
    http {
      access_log off;
      ${temporary}
      ${http(port, folder)}
    }`
  await writeFile(join(folder, 'nginx.conf'), conf)
  await prepare(folder)
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', `${folder}/logs/error.log`]
  const child = spawn(nginx.path, args, { stdio: 'inherit' })
  const exited = once(child, 'close')
  await until('nginx listens', 10_000, () => {
    if (child.exitCode !== null) throw new Error('nginx has ended')
    const socket = connect(port, '127.0.0.1')
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    }).finally(() => socket.destroy())
  }).catch(async (error) => {
    child.kill('SIGKILL')
    throw error
  })
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
      await rm(folder, { recursive: true })
    },
  }
}
