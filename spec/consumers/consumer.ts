/** Folders of consumers of the packed library. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');

/** Packs the library into a folder, and returns the name of the tarball. */
export async function packInto(folder: string): Promise<string> {
  await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: root });
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return `microsoft-identity-decorators-${version}.tgz`;
}

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in a folder of the consumer. It is up to the caller what to make of its exit code. */
export async function execute(command: string, parameters: readonly string[], options: object = {}): Promise<Outcome> {
  try {
    const { stdout, stderr } = await run(command, parameters, { maxBuffer: 1 << 24, ...options });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

/** A registry that is briefly out of reach says nothing about this package. */
export async function install(cwd: string, ...parameters: string[]): Promise<void> {
  const attempts = 3;
  for (let attempt = 1; ; attempt++) {
    try {
      await run('npm', ['install', '--no-audit', '--no-fund', '--fetch-retries', '5', ...parameters], { cwd });
      return;
    } catch (error) {
      if (attempt === attempts) throw error;
    }
  }
}
