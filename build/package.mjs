// Builds both module formats by tsc, makes them small, and inlines jose into the CommonJS one.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { pruneDeclarations } from './declarations.mjs';
import { documentExports } from './documented-exports.mjs';
import { minifyModule } from './minify-module.mjs';

const require = createRequire(import.meta.url);
const tsc = require.resolve('typescript/bin/tsc');

rmSync('dist', { recursive: true, force: true });
for (const [project, folder, type, declaration] of [
  ['tsconfig.json', 'dist/esm', 'module', 'false'],
  ['tsconfig.cjs.json', 'dist/cjs', 'commonjs', 'true'],
]) {
  execFileSync(process.execPath, [tsc, '-p', project, '--declaration', declaration], { stdio: 'inherit' });
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
// For browsers esbuild would put "production" in the place of process.env.NODE_ENV.
const small = { minifyWhitespace: true, minifySyntax: true, lineLimit: 120, platform: 'node' };

const { exports: entries } = JSON.parse(readFileSync('package.json', 'utf8'));

// What entries share is put into few files: most of what an import takes is the number of modules, 0.3 ms for each.
const { metafile } = await build({
  entryPoints: [
    ...Object.values(entries).flatMap(({ import: imported }) => imported?.default ?? []),
    'dist/esm/bin.js',
  ],
  outdir: 'dist/esm',
  chunkNames: 'shared/[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'node20',
  packages: 'external',
  metafile: true,
  allowOverwrite: true,
  ...small,
});
for (const file of filesIn('dist/esm', '.js')) {
  if (file in metafile.outputs) await minifyModule(file, small);
  else rmSync(file);
}

/** tsc calls a required module after its file, `requirement_checks_js_1`. Short names make the package 30 kB smaller. */
function shortenModuleNames(file) {
  const short = new Map();
  const shortOf = (name) => short.get(name) ?? short.set(name, `$${short.size + 1}`).get(name);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/\b\w+_js_\d+\b/g, shortOf));
}

// esbuild cannot do so for CommonJS. It keeps the names at the top level there, which a stack trace shows.
const emitted = filesIn('dist/cjs', '.js');
const minified = emitted.filter((file) => !reExports(file));
minified.forEach(shortenModuleNames);
await build({
  entryPoints: minified,
  outdir: 'dist',
  outbase: 'dist',
  minifyIdentifiers: true,
  allowOverwrite: true,
  ...small,
});

// An editor proposes this entry first, also where another host is in use. In an ES module nothing can be done about it: the
// import of a missing package fails ahead of all code.
const root = 'dist/cjs/index.js';
const missingPeer = `try {
  require('routing-controllers');
} catch (cause) {
  if (!cause.message.startsWith("Cannot find module 'routing-controllers'")) throw cause;
  throw Object.assign(
    new Error(
      'microsoft-identity-decorators is for routing-controllers, which is not installed. On NestJS import from ' +
        'microsoft-identity-decorators/nestjs, on Express from microsoft-identity-decorators/express, for handlers of Fetch ' +
        'from microsoft-identity-decorators/fetch.',
      { cause },
    ),
    { code: cause.code },
  );
}`;
writeFileSync(
  root,
  readFileSync(root, 'utf8').replace('"use strict";', (strict) => `${strict}\n${missingPeer}`),
);

documentExports('dist/cjs');
// An ES module may import declarations of CommonJS, and not the other way round. So one set is enough, and a class of one format
// is that of the other, also where it has private members.
const formats = Object.values(entries).filter((entry) => entry.import !== undefined);
pruneDeclarations(
  'dist',
  formats.map((entry) => join(entry.require.types)),
);
for (const { import: imported, require: required } of formats) {
  const from = relative(dirname(imported.types), required.types).replace(/d\.ts$/, 'js');
  writeFileSync(imported.types, `export * from '${from}';\n`);
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
