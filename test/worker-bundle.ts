import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { ROOT } from './servers.ts'

/** Builds the Worker as `wrangler deploy` would, without deploying it. */
export const bundleWorker = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sse-'))
  try {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [
        join(ROOT, 'node_modules/wrangler/bin/wrangler.js'),
        'deploy',
        '--dry-run',
        '--outdir',
        folder,
      ],
      { cwd: ROOT, env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
    )
    const code = await readFile(join(folder, 'worker.js'), 'utf8')
    return { output: stdout + stderr, code, gzipped: gzipSync(code).length }
  } finally {
    await rm(folder, { recursive: true })
  }
}
