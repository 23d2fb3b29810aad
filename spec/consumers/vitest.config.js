import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['spec/consumers/*.matrix.ts'], testTimeout: 120_000, hookTimeout: 600_000 },
});
