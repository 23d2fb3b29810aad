import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['spec/browser/*.browser.ts'], testTimeout: 30_000, hookTimeout: 60_000 },
});
