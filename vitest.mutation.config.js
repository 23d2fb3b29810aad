import { defineConfig } from 'vitest/config';

/** The specs that judge a mutant of `src/core`: the quick ones, since each mutant runs all that reach it, none of which needs a build. */
export default defineConfig({
  test: {
    include: ['spec/core/**/*.spec.ts'],
    testTimeout: 10_000,
  },
});
