import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { find } from '../installed.ts'
import { ROOT } from '../servers.ts'

const unshare = find('unshare')
const ip = find('ip')
const isRoot = process.getuid?.() === 0
const isMissing = unshare.isMissing || ip.isMissing || !isRoot
const note = `${unshare.note}${ip.note}${isRoot ? '' : ' (skipped: needs root)'}`

/** Runs `in-namespace.ts` in a network of its own, whose sockets hold only a few kilobytes. */
const inNamespace = async (scene: string, runtime: string) => {
  const script = [
    `${ip.path} link set lo up`,
    'echo 4096 4096 4096 > /proc/sys/net/ipv4/tcp_wmem',
    'echo 4096 4096 4096 > /proc/sys/net/ipv4/tcp_rmem',
    `exec "${process.execPath}" "${ROOT}test/soak/in-namespace.ts" ${scene} ${runtime}`,
  ].join(' && ')
  const { stdout } = await promisify(execFile)(unshare.path, ['--net', 'sh', '-c', script])
  return JSON.parse(stdout)
}

describe.skipIf(isMissing).concurrent(`a network of its own${note}`, () => {
  test.each(['node', 'bun'])(
    'on %s clients that never read lose their places and sockets',
    async (runtime) => {
      const { freed, neighbourLate } = await inNamespace('stalled', runtime)
      expect(freed).toBeLessThan(70_000)
      expect(neighbourLate).toBeLessThan(1000)
    },
  )

  test.each(['node', 'bun', 'deno'])(
    'on %s a signal ends it within 5 s with stalled readers',
    async (runtime) => {
      const { exit, duration } = await inNamespace('drain', runtime)
      expect(exit).toBe(0)
      expect(duration).toBeLessThan(5500)
    },
  )

  test.each(['node', 'bun', 'deno'])(
    'on %s a client that vanishes loses its place in time',
    async (runtime) => {
      const { ended } = await inNamespace('vanished', runtime)
      expect(ended).toHaveLength(3)
      for (const { duration } of ended) expect(duration).toBeLessThan(20_500)
    },
  )
})
