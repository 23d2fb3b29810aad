/** Finds and loads a module that the user names. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Server } from 'node:net';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from './terminal.js';

/**
 * The file of a module that the user names.
 *
 * @param name - a path, with or without `./`, or the name of a package
 * @throws UsageError if there is no such module
 */
export function fileOf(name: string, cwd: string): string {
  const path = resolve(cwd, name);
  const require = createRequire(join(cwd, 'package.json'));
  try {
    return require.resolve(existsSync(path) ? path : name);
  } catch {
    throw new UsageError(`There is no module ${name}: neither a file nor an installed package has this name.`);
  }
}

/**
 * Loads a file.
 *
 * @param name - of the module, for messages
 * @returns what it exports
 * @throws UsageError if it throws
 */
export async function loadFile(file: string, name: string): Promise<object> {
  try {
    return (await import(pathToFileURL(file).href)) as object;
  } catch (error) {
    throw new UsageError(`${name} could not be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Loads a module for its side effects: a file, or a package that is installed where the doctor runs. */
export async function loadModule(name: string, cwd: string): Promise<void> {
  await loadFile(fileOf(name, cwd), name);
}

/** Lets servers of this process report that they listen, without a port. A module may start one while it is loaded. */
export function preventListening(): { readonly wasAsked: () => boolean; readonly restore: () => void } {
  const listen = Reflect.get(Server.prototype, 'listen');
  let wasAsked = false;
  Server.prototype.listen = function (this: Server, ...given: unknown[]) {
    wasAsked = true;
    const callback = given.find((value) => typeof value === 'function') as (() => void) | undefined;
    if (callback !== undefined) this.once('listening', callback);
    process.nextTick(() => this.emit('listening'));
    return this;
  };
  return {
    wasAsked: () => wasAsked,
    restore: () => {
      Server.prototype.listen = listen;
    },
  };
}
