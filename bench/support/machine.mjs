// What the numbers were taken on: machine, Node, versions.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';

const bench = join(import.meta.dirname, '..');

/** The folder a package is in: that of bench/, or that of the root, as Node would find it from here. */
export function packageFolder(name) {
  for (const base of [bench, join(bench, '..')]) {
    const folder = join(base, 'node_modules', name);
    try {
      readFileSync(join(folder, 'package.json'));
      return folder;
    } catch {
      continue;
    }
  }
  throw new Error(`${name} is not installed: run npm ci here and at the root.`);
}

export function versionOf(name) {
  return JSON.parse(readFileSync(join(packageFolder(name), 'package.json'), 'utf8')).version;
}

export function printMachine(packages) {
  const cpus = os.cpus();
  const own = JSON.parse(readFileSync(join(bench, '..', 'package.json'), 'utf8'));
  console.log(
    `machine   ${cpus.length} × ${cpus[0]?.model}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.release()}`,
  );
  console.log(
    `load      ${os
      .loadavg()
      .map((load) => load.toFixed(2))
      .join(' ')} when the run began`,
  );
  console.log(`node      ${process.version}`);
  console.log(
    `versions  ${[`${own.name} ${own.version}`, ...packages.map((name) => `${name} ${versionOf(name)}`)].join(', ')}`,
  );
}
