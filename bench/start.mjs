// What start-up and disk cost: import time in fresh processes, installed size, number of packages.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
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
const entry = (name) => join(root, 'dist', 'esm', `${name}.js`);

const peers = [
  { names: ['jose'] },
  { names: ['express-oauth2-jwt-bearer'] },
  { names: ['passport', 'passport-azure-ad'] },
  { names: ['passport', 'passport-jwt', 'jwks-rsa'] },
  { names: ['jsonwebtoken', 'jwks-rsa'] },
  { names: ['aws-jwt-verify'] },
  { names: ['fast-jwt'] },
];

/** Our entries, each with the framework that is loaded before it. */
const entries = [
  ['index', 'reflect-metadata', 'routing-controllers', 'express'],
  ['express', 'express'],
  ['nestjs', 'reflect-metadata', '@nestjs/common', '@nestjs/core', '@nestjs/platform-express'],
  ['fetch'],
  ['downstream'],
  ['testing'],
];

printMachine([...new Set(['routing-controllers', 'express', '@nestjs/core', ...peers.flatMap(({ names }) => names)])]);

const imports = [
  ...entries.map(([name, ...before]) => ({
    name: before.length === 0 ? `ours, ${name}` : `ours, ${name}, after ${before.at(-1)}`,
    before,
    modules: [entry(name)],
  })),
  { name: 'routing-controllers alone', modules: ['routing-controllers'] },
  { name: 'ours, index, with routing-controllers', modules: [entry('index')] },
  ...peers.map(({ names }) => ({ name: names.join(' + '), modules: names })),
];

const importing = (names) => names.map((name) => `await import(${JSON.stringify(name)});`).join(' ');

/** Milliseconds, and those of processor time, that code takes in a process of its own. */
function timesOf(before, code) {
  const program = `${before} const cpu = process.cpuUsage(); const start = performance.now(); ${code}
    const ms = performance.now() - start; const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ ms, cpuMs: (user + system) / 1000 }));`;
  const options = { cwd: import.meta.dirname, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', program], options));
}

const importTimes = ({ before = [], modules }) => timesOf(importing(before), importing(modules));

const initializeTimes = ({ options }) =>
  timesOf(
    `const { initialize } = await import(${JSON.stringify(entry('fetch'))});`,
    `initialize(${JSON.stringify(options)});`,
  );

const tenant = { tenantId: randomUUID(), clientId: randomUUID() };
const b2c = { domainName: 'contoso', policies: ['B2C_1_susi', 'B2C_1_edit'], ...tenant, tenantId: randomUUID() };
const initialized = [
  { name: 'one tenant', options: tenant },
  { name: 'one tenant and B2C', options: { ...tenant, b2c } },
];

const times = new Map([...imports, ...initialized].map((one) => [one, []]));
for (let round = -1; round < flags.rounds; round++) {
  for (const one of shuffle([...times.keys()])) {
    const taken = one.modules === undefined ? initializeTimes(one) : importTimes(one);
    // The round before the first one fills the file system's cache.
    if (round >= 0) times.get(one).push(taken);
  }
}
const column = (one, figure) => times.get(one).map((taken) => taken[figure]);
const figures = (one) => [one.name, median(column(one, 'ms')), median(column(one, 'cpuMs'))];
const [first] = imports;
printTable(
  `import: medians of ${flags.rounds} fresh processes each`,
  ['', 'ms', 'CPU ms', `CPU ÷ ${first.name}`],
  imports.map((one) => [...figures(one), medianRatio(column(one, 'cpuMs'), column(first, 'cpuMs'))]),
);
printTable(
  `the first initialize(): medians of ${flags.rounds} fresh processes each`,
  ['', 'ms', 'CPU ms'],
  initialized.map(figures),
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
