import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { ROOT } from './servers.ts'

test('the Worker is built without a warning, small, and knows nothing of Node', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sse-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [wrangler, 'deploy', '--dry-run', '--outdir', folder],
    { cwd: ROOT, env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
  )
  expect(stdout + stderr).not.toMatch(/warning|error/i)
  const bundle = await readFile(join(folder, 'worker.js'), 'utf8')
  expect(bundle).not.toMatch(/["']node:/)
  expect(gzipSync(bundle).length).toBeLessThan(40 * 1024)
})
