// Builds both module formats: two runs of tsc, and jose inlined into the CommonJS one.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);
const tsc = require.resolve('typescript/bin/tsc');

rmSync('dist', { recursive: true, force: true });
for (const [project, folder, type] of [
  ['tsconfig.json', 'dist/esm', 'module'],
  ['tsconfig.cjs.json', 'dist/cjs', 'commonjs'],
]) {
  execFileSync(process.execPath, [tsc, '-p', project], { stdio: 'inherit' });
  writeFileSync(`${folder}/package.json`, `${JSON.stringify({ type })}\n`);
}

chmodSync('dist/esm/bin.js', 0o755);

// jose is published as ES modules alone, which Jest and some hosts cannot `require`.
await build({
  entryPoints: ['src/core/jose.ts'],
  outfile: 'dist/cjs/core/jose.js',
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  legalComments: 'inline',
  banner: {
    js: `/* jose ${require('jose/package.json').version}, (c) Filip Skokan, MIT: https://github.com/panva/jose */`,
  },
});
copyFileSync(
  require.resolve('jose/package.json').replace('package.json', 'LICENSE.md'),
  'dist/cjs/core/jose.LICENSE.md',
);
