import { expect, test } from 'vitest'
import { bundleWorker } from './worker-bundle.ts'

test('the Worker is built without a warning, small, and knows nothing of Node', async () => {
  const { output, code, gzipped } = await bundleWorker()
  expect(output).not.toMatch(/warning|error/i)
  expect(code).not.toMatch(/["']node:/)
  expect(gzipped).toBeLessThan(40 * 1024)
})
