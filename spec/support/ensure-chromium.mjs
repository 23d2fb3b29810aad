/** Finds a Chromium for the browser suite, and installs Debian's where there is none and that is possible. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const executable = process.env.CHROMIUM ?? '/usr/bin/chromium';
const isThere = () => existsSync(executable);

if (!isThere() && process.env.CHROMIUM === undefined && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', 'chromium']]) {
    spawnSync('apt-get', ['--quiet', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env });
  }
}
if (!isThere()) {
  console.error(
    `The browser suite needs Chromium, and ${executable} is not there. Debian: apt-get install chromium; elsewhere name it: CHROMIUM=/path/to/chromium.`,
  );
  process.exitCode = 1;
}
