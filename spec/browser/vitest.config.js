import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['spec/browser/*.browser.ts'],
    globalSetup: ['spec/browser/compile-samples.ts'],
    // Two browsers at once are slower than one after the other on a machine with two cores.
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
