import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/soak/*.test.ts'],
    // These wait for most of their time, so they wait together.
    maxWorkers: 4,
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
})
