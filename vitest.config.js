import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['spec/**/*.spec.ts'],
    // Every spec file configures the process-wide identity for itself.
    isolate: true,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
