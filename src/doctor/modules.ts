/** Finds and loads a module that the user names. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from './terminal.js';

/**
 * Loads a module for its side effects: a file, or a package that is installed where the doctor runs.
 *
 * @param name - a path, with or without `./`, or the name of a package
 * @returns the file of the module
 * @throws UsageError if there is no such module, or if it throws
 */
export async function loadModule(name: string, cwd: string): Promise<string> {
  const path = resolve(cwd, name);
  const require = createRequire(join(cwd, 'package.json'));
  let file: string;
  try {
    file = require.resolve(existsSync(path) ? path : name);
  } catch {
    throw new UsageError(`There is no module ${name}: neither a file nor an installed package has this name.`);
  }
  try {
    await import(pathToFileURL(file).href);
  } catch (error) {
    throw new UsageError(`${name} could not be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
  return file;
}
