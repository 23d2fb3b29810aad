// What start-up and disk cost: import time in fresh processes, installed size, number of packages.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { readFlags } from './support/flags.mjs';
import { installedSize, packagesOf } from './support/installation.mjs';
import { printMachine } from './support/machine.mjs';
import { median, medianRatio, shuffle } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';

const flags = readFlags({ rounds: 15 });
const root = join(import.meta.dirname, '..');
const ours = join(root, 'dist', 'esm', 'index.js');

const peers = [
  { names: ['jose'] },
  { names: ['express-oauth2-jwt-bearer'] },
  { names: ['passport', 'passport-azure-ad'] },
  { names: ['passport', 'passport-jwt', 'jwks-rsa'] },
  { names: ['jsonwebtoken', 'jwks-rsa'] },
  { names: ['aws-jwt-verify'] },
  { names: ['fast-jwt'] },
];

printMachine([...new Set(['routing-controllers', ...peers.flatMap(({ names }) => names)])]);

const imports = [
  { name: 'routing-controllers alone', modules: ['routing-controllers'] },
  { name: 'ours, with routing-controllers', modules: [ours] },
  { name: 'ours, after routing-controllers', before: ['routing-controllers'], modules: [ours] },
  ...peers.map(({ names }) => ({ name: names.join(' + '), modules: names })),
];

/** Milliseconds from before to after the import, in a process of its own. */
function importTime({ before = [], modules }) {
  const load = (names) => names.map((name) => `await import(${JSON.stringify(name)});`).join(' ');
  const code = `${load(before)} const start = performance.now(); ${load(modules)} console.log(performance.now() - start);`;
  const options = { cwd: import.meta.dirname, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', code], options));
}

const times = new Map(imports.map((one) => [one, []]));
for (let round = -1; round < flags.rounds; round++) {
  for (const one of shuffle(imports)) {
    const time = importTime(one);
    // The round before the first one fills the file system's cache.
    if (round >= 0) times.get(one).push(time);
  }
}
const ownTime = times.get(imports[2]);
printTable(
  `import: medians of ${flags.rounds} fresh processes each`,
  ['', 'ms', '÷ ours, after routing-controllers'],
  imports.map((one) => [one.name, median(times.get(one)), medianRatio(times.get(one), ownTime)]),
);

/** Packs and installs the package as a user would, without its peer. */
function installOurs() {
  const folder = mkdtempSync(join(os.tmpdir(), 'identity-bench-'));
  try {
    const npm = (...parameters) =>
      execFileSync('npm', parameters, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    // Without its scripts: dist/ is there, and is what was measured.
    const [{ filename, size }] = JSON.parse(npm('pack', '--json', '--ignore-scripts', root));
    npm('install', '--omit=dev', '--omit=peer', '--ignore-scripts', '--no-audit', '--no-fund', filename);
    const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    return { packedBytes: size, ...installedSize(packagesOf([name], folder)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const { packedBytes, ...own } = installOurs();
const kib = (bytes) => Math.round(bytes / 1024).toLocaleString('en-US');
printTable(
  'installed, with all that comes along (peers apart): sum of file sizes',
  ['', 'KiB', 'packages', 'size ÷ ours'],
  [
    ['ours', kib(own.bytes), own.packages, 1],
    ...peers.map(({ names }) => {
      const { bytes, packages } = installedSize(packagesOf(names, import.meta.dirname));
      return [names.join(' + '), kib(bytes), packages, bytes / own.bytes];
    }),
  ],
);
console.log(`\nours is ${kib(packedBytes)} KiB as a package to download`);
