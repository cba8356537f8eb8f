import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bun, deno, node, type Runtime, worker } from '../test/servers.ts'

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** A server that is measured. */
export interface Contender {
  name: string
  /** Whether it is this server: then it can resume. */
  isOurs: boolean
  runtime: Runtime
  /** A word why it can't be measured on this machine; undefined if it can. */
  missing?: string | undefined
  /** Of the processes that it starts, those that serve. */
  serves: (command: string) => boolean
  /** The most streams that it is measured with. */
  most?: number
  /** Does what a server that only distributes messages needs: returns what stops that. */
  feed?: (origin: string) => () => void
}

const peer =
  (file: string): Runtime =>
  (port) => ({
    command: [process.execPath, here(`peers/${file}`)],
    env: { PORT: String(port) },
  })

const ours =
  (runtime: Runtime): Runtime =>
  (port, settings) =>
    runtime(port, { ...settings, LOG: 'off' })

const PYTHON = '/usr/bin/python3'
const hasFastApi = () => {
  try {
    execFileSync(PYTHON, ['-c', 'import fastapi, uvicorn, uvloop, httptools'], { stdio: 'ignore' })
    return true
  } catch {
    // Not installed, which is what was asked.
    return false
  }
}

const NCHAN = '/usr/lib/nginx/modules/ngx_nchan_module.so'

const folder = await mkdtemp(join(tmpdir(), 'sse-bench-'))

const nchan: Runtime = (port) => ({
  command: ['sh', '-c', `exec nginx -p ${folder} -c ${folder}/${port}.conf -e ${folder}/error.log`],
})

/** Writes the configuration of nginx with nchan for a port. */
export const prepareNchan = async (port: number) => {
  const conf = `
    load_module ${NCHAN};
    daemon off;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    worker_processes 1;
    worker_rlimit_nofile 20000;
    pid ${folder}/${port}.pid;
    events { worker_connections 16000; }
    http {
      access_log off;
      client_body_temp_path ${folder}/body;
      proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/fastcgi;
      uwsgi_temp_path ${folder}/uwsgi;
      scgi_temp_path ${folder}/scgi;
      server {
        listen 127.0.0.1:${port};
        location = /sse { nchan_subscriber eventsource; nchan_subscriber_first_message -1; nchan_channel_id time; }
        location = /publish { nchan_publisher; nchan_channel_id time; }
        location = /health { return 200 "ok"; }
      }
    }`
  await writeFile(`${folder}/${port}.conf`, conf)
}

const feedNchan = (origin: string) => {
  const send = () =>
    fetch(`${origin}/publish`, { method: 'POST', body: new Date().toISOString() }).then((answer) =>
      answer.arrayBuffer(),
    )
  send()
  const timer = setInterval(send, 5000)
  return () => clearInterval(timer)
}

/** All that are measured. */
export const contenders: Contender[] = [
  { name: 'this server, Node', isOurs: true, runtime: ours(node), serves: () => true },
  { name: 'this server, Bun', isOurs: true, runtime: ours(bun), serves: () => true },
  { name: 'this server, Deno', isOurs: true, runtime: ours(deno), serves: () => true },
  {
    name: 'this server, workerd',
    // wrangler dev, in front of it, opens a few hundred streams for each second.
    most: 1000,
    isOurs: true,
    runtime: worker,
    serves: (command) => /bin\/workerd serve/.test(command),
  },
  {
    name: 'bare streamSSE, Node',
    isOurs: false,
    runtime: peer('stream-sse.ts'),
    serves: () => true,
  },
  { name: 'node:http by hand', isOurs: false, runtime: peer('node-http.ts'), serves: () => true },
  {
    name: 'better-sse, Express',
    isOurs: false,
    runtime: peer('better-sse.ts'),
    serves: () => true,
  },
  {
    name: 'FastAPI, uvicorn',
    isOurs: false,
    missing: hasFastApi()
      ? undefined
      : 'python3-fastapi, -uvicorn, -uvloop, -httptools are not installed',
    runtime: (port) => ({
      command: [
        PYTHON,
        ...['-m', 'uvicorn', 'fastapi_sse:app', '--app-dir', here('peers'), '--port', String(port)],
        ...['--loop', 'uvloop', '--http', 'httptools', '--no-access-log', '--log-level', 'warning'],
      ],
    }),
    serves: () => true,
  },
  {
    name: 'nginx, nchan',
    isOurs: false,
    missing: existsSync(NCHAN) ? undefined : 'libnginx-mod-nchan is not installed',
    runtime: nchan,
    serves: (command) => command.includes('worker process'),
    feed: feedNchan,
  },
]
