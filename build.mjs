// Builds both module formats: two runs of tsc, made small, and jose inlined into the CommonJS one.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { pruneDeclarations } from './declarations.mjs';
import { minifyModule } from './minify-module.mjs';

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

const filesIn = (folder, suffix) =>
  readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(folder, name));

// Node finds the names that a CommonJS file re-exports by the form of its lines.
const reExports = (file) =>
  /__exportStar\(require|Object\.defineProperty\(exports, "(?!__esModule)/.test(readFileSync(file, 'utf8'));

// Comments stand in the declarations too, where editors read them. Lines stay short, so that a stack trace can be read.
const options = { minifyWhitespace: true, minifySyntax: true, lineLimit: 120 };
for (const file of filesIn('dist/esm', '.js')) await minifyModule(file, options);

// In CommonJS, too, esbuild keeps the names at the top level.
const emitted = filesIn('dist/cjs', '.js');
const plain = emitted.filter(reExports);
for (const [entryPoints, ofFiles] of [
  [emitted.filter((file) => !plain.includes(file)), { ...options, minifyIdentifiers: true }],
  [plain, {}],
]) {
  await build({ entryPoints, outdir: 'dist', outbase: 'dist', allowOverwrite: true, ...ofFiles });
}

const { exports: entries } = JSON.parse(readFileSync('package.json', 'utf8'));
const conditions = Object.values(entries).flatMap((entry) => [entry.import, entry.require].filter(Boolean));
pruneDeclarations(
  'dist',
  conditions.map(({ types }) => join(types)),
);

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
