/** The comparison: `npm run bench`, or `npm run bench -- --quick`. */
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { freePort, launch, type Server } from '../test/servers.ts'
import { until } from '../test/until.ts'
import { bundleWorker } from '../test/worker-bundle.ts'
import { type Contender, contenders, prepareNchan } from './contenders.ts'
import type { Measured, Opened, Order, Resumed } from './load.ts'
import { report } from './report.ts'

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, rounds: { type: 'string' } },
})
const ROUNDS = Number(values.rounds ?? (values.quick ? 1 : 3))
/** How many streams are open when it is measured. */
const SIZES = values.quick ? [1000] : [100, 1000, 10_000]
/** For how long it is measured then, in ms: each stream gets one message. */
const WINDOW = 5000
/** For how long with the most streams, in ms: a full collection of garbage shows less in two messages than in one. */
const LAST_WINDOW = values.quick ? WINDOW : 2 * WINDOW
/** How long the most streams are left alone before, in ms, until what opening them has left behind is cleared away. */
const WARM_UP = values.quick ? 1000 : 5000
/** The number of streams at which memory is looked at. */
const MEMORY_AT = values.quick ? 1000 : 8000

/** What was measured of one server in one round. */
export interface Round {
  /** From the start of the process to the first byte of a stream, in ms. */
  start: number
  /** Bytes for each stream, right after they were opened. */
  memory: number
  /** Bytes for each of the most streams, after they were measured. */
  memoryLater: number
  sizes: (Measured & {
    streams: number
    /** Streams opened for each second. */
    rate: number
    /** CPU time for each message, in µs. */
    cpu: number
  })[]
  /** All come back at once, with an id. */
  resumed: Resumed | undefined
}

/** The processes that a server consists of. */
const processesOf = async (pid: number): Promise<number[]> => {
  const tasks = await readdir(`/proc/${pid}/task`)
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  )
  const pids = lists.join(' ').split(' ').filter(Boolean).map(Number)
  return [pid, ...(await Promise.all(pids.map(processesOf))).flat()]
}
const commandOf = async (pid: number) =>
  (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')

const serving = async ({ process: { pid = 0 } }: Server, { serves }: Contender) => {
  const found: number[] = []
  for (const each of await processesOf(pid)) if (serves(await commandOf(each))) found.push(each)
  return found
}

/** CPU time that the scheduler has given to processes, in µs. */
const cpuOf = async (pids: number[]) => {
  let sum = 0
  for (const pid of pids) {
    for (const task of await readdir(`/proc/${pid}/task`)) {
      const stat = await readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8').catch(() => '0')
      sum += Number(stat.split(' ')[0]) / 1000
    }
  }
  return sum
}

/** Memory that is resident, in bytes. */
const memoryOf = async (pids: number[]) => {
  let sum = 0
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    sum += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024
  }
  return sum
}

/** Has the load generator do something, which takes a minute at the most. */
const tell = async <R>(load: ChildProcess, order: Order): Promise<R> => {
  load.send(order)
  const [result] = await once(load, 'message', { signal: AbortSignal.timeout(60_000) })
  return result
}

const firstByte = async (origin: string, server: Server) => {
  const leave = new AbortController()
  await until('the first byte has come', 60_000, async () => {
    if (server.process.exitCode !== null) throw new Error(`It ended: ${server.output()}`)
    // Not listening yet is what this waits for.
    const answer = await fetch(`${origin}/sse`, { signal: leave.signal }).catch(() => undefined)
    return answer?.body?.getReader().read()
  })
  leave.abort()
}

/** What has to be stopped if this is. */
let running: Server | undefined

const measure = async (contender: Contender): Promise<Round> => {
  const port = await freePort()
  if (contender.feed) await prepareNchan(port)
  const began = performance.now()
  const server = await launch(contender.runtime, {}, { port })
  running = server
  const load = fork(fileURLToPath(new URL('load.ts', import.meta.url)))
  let stopFeed: (() => void) | undefined
  try {
    if (contender.feed) {
      await until('nginx listens', 10_000, () =>
        fetch(`${server.origin}/health`).catch(() => false),
      )
      stopFeed = contender.feed(server.origin)
    }
    await firstByte(server.origin, server)
    const start = performance.now() - began
    await new Promise((resolve) => setTimeout(resolve, 500))
    const pids = await serving(server, contender)
    if (pids.length === 0) throw new Error(`No process of ${contender.name} serves`)
    const empty = await memoryOf(pids)

    let memory = 0
    let memoryLater = 0
    const sizes: Round['sizes'] = []
    const most = contender.most ?? Number.POSITIVE_INFINITY
    const memoryAt = Math.min(MEMORY_AT, most)
    for (const streams of SIZES.filter((size) => size <= most)) {
      const first = Math.min(streams, memoryAt)
      const { rate } = await tell<Opened>(load, { do: 'open', port, total: first })
      if (first === memoryAt) memory = ((await memoryOf(pids)) - empty) / first
      await tell<Opened>(load, { do: 'open', port, total: streams })
      const isMost = streams === SIZES.at(-1)
      await new Promise((resolve) => setTimeout(resolve, isMost ? WARM_UP : 1000))
      const before = await cpuOf(pids)
      const measured = await tell<Measured>(load, {
        do: 'measure',
        ms: isMost ? LAST_WINDOW : WINDOW,
      })
      const cpu = ((await cpuOf(pids)) - before) / measured.messages
      memoryLater = ((await memoryOf(pids)) - empty) / streams
      sizes.push({ streams, rate, cpu, ...measured })
    }
    const resumed = contender.isOurs ? await tell<Resumed>(load, { do: 'resume' }) : undefined
    return { start, memory, memoryLater, sizes, resumed }
  } finally {
    stopFeed?.()
    load.kill('SIGKILL')
    await server.stop()
  }
}

/** What was run: of npm's packages as they are pinned, of Debian's as they are installed. */
const versions = async (): Promise<string[]> => {
  const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
  const pinned = { ...manifest.dependencies, ...manifest.devDependencies }
  const npm = ['hono', '@hono/node-server', 'bun', 'deno', 'wrangler', 'better-sse', 'express']
  const debian = ['python3-fastapi', 'python3-uvicorn', 'python3-uvloop', 'libnginx-mod-nchan']
  const installed = await promisify(execFile)('dpkg-query', ['--show', ...debian])
    // Of what is missing it knows nothing, and fails.
    .catch(({ stdout = '' }) => ({ stdout }))
  return [
    `node ${process.versions.node}`,
    ...npm.map((name) => `${name} ${pinned[name]}`),
    ...installed.stdout.replaceAll('\t', ' ').split('\n').filter(Boolean),
  ]
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, async () => {
    await running?.stop()
    process.exit(1)
  })
}

const began = Date.now()
const chosen = contenders.filter(({ name }) => !values.only || new RegExp(values.only).test(name))
const rounds = new Map<string, Round[]>()
for (let round = 0; round < ROUNDS; round++) {
  for (const contender of chosen) {
    if (contender.missing) continue
    const result = await measure(contender)
    rounds.set(contender.name, [...(rounds.get(contender.name) ?? []), result])
    const { cpu, rate, late } = result.sizes.at(-1) ?? { cpu: 0, rate: 0, late: { p99: 0 } }
    console.log(
      `${round + 1}/${ROUNDS} ${contender.name}: ${cpu.toFixed(1)} µs a message, ${(result.memory / 1024).toFixed(1)} KB a stream, ${Math.round(rate)} streams/s, p99 ${late.p99} ms late, start ${Math.round(result.start)} ms`,
    )
  }
}
const { gzipped } = await bundleWorker()
const { table, picture, json } = report({
  machine: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`,
  versions: await versions(),
  bundle: gzipped,
  rounds,
  left: chosen.flatMap(({ name, missing }) => (missing ? [`${name}: left out, ${missing}`] : [])),
  memoryAt: MEMORY_AT,
})
console.log(`\n${table}\nThis took ${Math.round((Date.now() - began) / 1000)} s.`)
if (!values.only) {
  const name = values.quick ? 'quick' : 'results'
  await writeFile(new URL(`${name}.json`, import.meta.url), json)
  await writeFile(new URL(`${name}.svg`, import.meta.url), picture)
}
process.exit()
