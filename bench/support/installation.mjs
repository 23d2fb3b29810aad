// What an installed package brings along: the packages it depends on, found as Node finds them, and their size.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

function find(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

/** @returns the folders of the packages named and of all that they depend on, peers apart */
export function packagesOf(names, from) {
  const found = new Set();
  const visit = (name, base) => {
    const folder = find(name, base);
    // An optional dependency may be missing.
    if (folder === undefined || found.has(folder)) return;
    found.add(folder);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    );
    for (const other of Object.keys({ ...dependencies, ...optionalDependencies })) visit(other, folder);
  };
  for (const name of names) visit(name, from);
  return found;
}

function bytesOf(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .reduce((sum, entry) => {
      const path = join(folder, entry.name);
      return sum + (entry.isDirectory() ? bytesOf(path) : statSync(path).size);
    }, 0);
}

export function installedSize(folders) {
  return { packages: folders.size, bytes: [...folders].reduce((sum, folder) => sum + bytesOf(folder), 0) };
}
