// Another version of Node for a script: npm's package `node`, installed on demand, once for each version.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const isWindows = process.platform === 'win32';

/** Exits with one line, which is all that is of use to whoever gave the flag. */
function giveUp(message) {
  console.error(message);
  process.exit(1);
}

/** @returns the path of Node's program of that version */
function install(version) {
  const folder = join(import.meta.dirname, '..', 'node_modules', '.node', version);
  const program = join(folder, 'node_modules', 'node', 'bin', isWindows ? 'node.exe' : 'node');
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  // The package fetches the program for this system in its install script, and npm 11 warns of scripts not allowed.
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "allowScripts": { "node": true } }');
  const parameters = ['install', '--ignore-scripts=false', '--no-audit', '--no-fund', `node@${version}`];
  try {
    execFileSync('npm', parameters, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], shell: isWindows });
  } catch (error) {
    const code = /code (\S+)/.exec(`${error.stderr}`)?.[1] ?? error.code;
    giveUp(
      `--node ${version}: npm could not install node@${version} (${code}). The first use of a version needs npm's registry.`,
    );
  }
  if (!existsSync(program)) giveUp(`--node ${version}: npm's node@${version} has no program for this system.`);
  return program;
}

/**
 * Runs the script again under another version of Node, unless it is the one that runs, and exits with its status.
 *
 * @param version - `24`, or all of its numbers
 */
export function runUnder(version) {
  if (!/^\d+(\.\d+){0,2}$/.test(version)) giveUp('--node takes a version, such as 24.');
  if (`${process.versions.node}.`.startsWith(`${version}.`)) return;
  const { status, signal, error } = spawnSync(install(version), [...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
  });
  if (error !== undefined) giveUp(`--node ${version}: ${error.message}`);
  if (signal !== null) process.kill(process.pid, signal);
  process.exit(status);
}
