import type { Round } from './run.ts'

interface Results {
  machine: string
  /** Name and version of all that was run. */
  versions: string[]
  /** Bytes of the Worker, gzipped. */
  bundle: number
  rounds: Map<string, Round[]>
  /** A line for each server that could not be measured. */
  left: string[]
  memoryAt: number
}

const FLOOR = 'node:http by hand'

const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = low] = sorted.slice(middle - (sorted.length % 2 ? 0 : 1))
  return sorted.length % 2 ? low : (low + high) / 2
}

/** The medians of what was measured of a server. */
const summarise = (rounds: Round[]) => {
  const of = (pick: (round: Round) => number) => median(rounds.map(pick))
  const sizes = (rounds[0]?.sizes ?? []).map(({ streams }, i) => {
    const at = (pick: (size: Round['sizes'][number]) => number) =>
      of((round) => pick(round.sizes[i] as Round['sizes'][number]))
    return {
      streams,
      rate: at(({ rate }) => rate),
      cpu: at(({ cpu }) => cpu),
      late: {
        median: at(({ late }) => late.median),
        p99: at(({ late }) => late.p99),
        max: at(({ late }) => late.max),
      },
      ownLate: { p99: at(({ ownLate }) => ownLate.p99), max: at(({ ownLate }) => ownLate.max) },
    }
  })
  const wrong = rounds
    .flatMap((round) => round.sizes)
    .reduce((sum, { missing, doubled }) => sum + missing + doubled, 0)
  return {
    start: of((round) => round.start),
    memory: of((round) => round.memory),
    memoryLater: of((round) => round.memoryLater),
    sizes,
    /** Messages missing or doubled in all rounds. */
    wrong,
    resume: of((round) => round.resumed?.duration ?? Number.NaN),
    lost: rounds.reduce((sum, { resumed }) => sum + (resumed?.lost ?? 0), 0),
  }
}

/** One table for the terminal, one picture, and the numbers. */
export const report = ({ machine, versions, bundle, rounds, left, memoryAt }: Results) => {
  const servers = [...rounds].map(([name, all]) => ({ name, ...summarise(all) }))
  const floor = servers.find(({ name }) => name === FLOOR)
  const last = <T>(list: T[]) => list.at(-1) as T
  const ratio = (value: number, of: number | undefined) =>
    of === undefined ? '' : ` (${(value / of).toFixed(2)})`

  const streams = Math.max(...servers.map(({ sizes }) => last(sizes).streams))
  const heads = [
    'server',
    'CPU/message, µs',
    `memory/stream at ${memoryAt}, KB`,
    `later, at ${streams}, KB`,
    'opened/s',
    'late p50/p99/max, ms',
    'missing or doubled',
    'all resumed in, s',
    'start, ms',
  ]
  const rows = servers.map(({ name, memory, memoryLater, sizes, wrong, resume, lost, start }) => {
    const most = last(sizes)
    const floorMost = floor && last(floor.sizes)
    const least = most.streams < streams ? `, with ${most.streams} streams` : ''
    return [
      `${name}${least}`,
      `${most.cpu.toFixed(1)}${ratio(most.cpu, floorMost?.cpu)}`,
      `${(memory / 1024).toFixed(1)}${ratio(memory, floor?.memory)}`,
      `${(memoryLater / 1024).toFixed(1)}${ratio(memoryLater, floor?.memoryLater)}`,
      `${Math.round(most.rate)}${ratio(most.rate, floorMost?.rate)}`,
      `${most.late.median}/${most.late.p99}/${most.late.max}`,
      String(wrong),
      Number.isNaN(resume) ? '' : `${(resume / 1000).toFixed(1)}, ${lost} lost`,
      String(Math.round(start)),
    ]
  })
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  const sizes = servers[0]?.sizes.map((size) => size.streams) ?? []
  const growth = servers.map((server) => [
    server.name,
    ...sizes.map((size) => {
      const at = server.sizes.find((each) => each.streams === size)
      return at ? `${at.cpu.toFixed(1)} / ${Math.round(at.rate)} / ${at.late.p99}` : ''
    }),
  ])
  const growthHeads = [
    'CPU/message µs / opened/s / p99 late ms',
    ...sizes.map((n) => `${n} streams`),
  ]
  const rule = (cells: string[]) => line(cells.map(() => '---'))
  const table = [
    `${machine}; ${versions.join(', ')}. In brackets: the ratio to ${FLOOR}.`,
    `The Worker has ${(bundle / 1024).toFixed(1)} KB, gzipped.`,
    ...left,
    '',
    line(heads),
    rule(heads),
    ...rows.map(line),
    '',
    line(growthHeads),
    rule(growthHeads),
    ...growth.map(line),
  ].join('\n')

  return {
    table,
    picture: draw(
      servers.map(({ name, memory, sizes }) => ({
        name,
        cpu: last(sizes).cpu,
        memory: memory / 1024,
      })),
      streams,
      memoryAt,
    ),
    json: `${JSON.stringify({ machine, versions, bundle, left, servers }, null, 2)}\n`,
  }
}

/** Two bars for each server, as SVG that is readable on light and dark grounds. */
const draw = (
  servers: { name: string; cpu: number; memory: number }[],
  streams: number,
  memoryAt: number,
): string => {
  const row = 44
  const height = 64 + servers.length * row
  const widest = (pick: (server: (typeof servers)[number]) => number) =>
    Math.max(...servers.map(pick))
  const [cpu, memory] = [widest((server) => server.cpu), widest((server) => server.memory)]
  const bars = servers.map((server, i) => {
    const y = 64 + i * row
    const bar = (value: number, most: number, dy: number, colour: string, unit: string) => {
      const width = Math.max((value / most) * 420, 1)
      return `<rect x="190" y="${y + dy}" width="${width.toFixed(1)}" height="14" rx="2" fill="${colour}"/>
  <text x="${(198 + width).toFixed(1)}" y="${y + dy + 12}">${value.toFixed(1)} ${unit}</text>`
    }
    return `  <text x="180" y="${y + 20}" text-anchor="end">${server.name}</text>
  ${bar(server.cpu, cpu, 0, '#2f7fd6', 'µs')}
  ${bar(server.memory, memory, 16, '#d68a2f', 'KB')}`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 ${height}" font-family="system-ui, sans-serif" font-size="13" fill="#7a8694">
  <title>CPU time for each message and memory for each stream, by server</title>
  <rect x="190" y="16" width="12" height="12" fill="#2f7fd6"/><text x="208" y="27">CPU for each message, ${streams} streams</text>
  <rect x="190" y="36" width="12" height="12" fill="#d68a2f"/><text x="208" y="47">memory for each stream, ${memoryAt} streams</text>
${bars.join('\n')}
</svg>
`
}
