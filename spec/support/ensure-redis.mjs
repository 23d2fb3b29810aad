/** Finds a Redis server for the specs, and installs Debian's where there is none and that is possible. */
import { spawnSync } from 'node:child_process';

const onPath = (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;
const hasServer = () => ['redis-server', 'valkey-server'].some(onPath);

if (!hasServer() && process.getuid?.() === 0 && onPath('apt-get')) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', 'redis-server']]) {
    spawnSync('apt-get', ['--quiet', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env });
  }
}
if (!hasServer()) {
  console.error(
    'The specs need redis-server or valkey-server on the PATH. Debian: apt-get install redis-server; macOS: brew install redis.',
  );
  process.exitCode = 1;
}
