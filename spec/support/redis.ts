/** A Redis server of a spec's own: on loopback, without persistence. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const serverName = ['redis-server', 'valkey-server'].find((name) => spawnSync(name, ['--version']).status === 0);
const startLimitMs = 20_000;
const attempts = 5;
/** The bus of a cluster listens 10,000 ports above the server. */
const highestPort = 55_000;

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Ends the server at once, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again, empty, on the same port. */
  restart(): Promise<void>;
  /** Ends the server, and removes its folder. */
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    if (port <= highestPort) return port;
  }
}

async function launch(port: number, folder: string, settings: readonly string[]): Promise<ChildProcess> {
  if (serverName === undefined) throw new Error('There is no redis-server or valkey-server on the PATH.');
  const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  const server = spawn(serverName, [...fixed, ...settings], { stdio: ['ignore', 'pipe', 'inherit'] });
  let log = '';
  await new Promise<void>((resolve, reject) => {
    const fail = () => {
      server.kill('SIGKILL');
      reject(new Error(`${serverName} did not start on port ${String(port)}: ${log}`));
    };
    const limit = setTimeout(fail, startLimitMs);
    server.once('exit', fail);
    server.stdout.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (!log.includes('Ready to accept connections')) return;
      clearTimeout(limit);
      server.removeListener('exit', fail);
      resolve();
    });
  });
  return server;
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGKILL');
  await ended;
}

/**
 * Starts a server.
 *
 * @param settings - as on the command line: `'--maxmemory', '3mb'`
 */
export async function startRedis(...settings: string[]): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  let port = 0;
  let server: ChildProcess | undefined;
  for (let attempt = 1; server === undefined; attempt++) {
    port = await freePort();
    try {
      server = await launch(port, folder, settings);
    } catch (error) {
      // Another process took the port in between.
      if (attempt === attempts) throw error;
    }
  }
  let running = server;
  // A spec that crashed leaves no server behind.
  const onExit = () => running.kill('SIGKILL');
  process.on('exit', onExit);
  return {
    port,
    url: `redis://127.0.0.1:${String(port)}`,
    kill: () => end(running),
    restart: async () => {
      await end(running);
      running = await launch(port, folder, settings);
    },
    stop: async () => {
      process.off('exit', onExit);
      await end(running);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Network {
  readonly port: number;
  /** Loses all that is sent from now on. */
  lose(): void;
  /** Delays what is sent from now on, in each direction. */
  slow(ms: number): void;
  stop(): Promise<void>;
}

/** A network in front of a server, that can lose or delay what is sent. */
export async function startNetwork(to: number): Promise<Network> {
  const sockets = new Set<Socket>();
  let isLost = false;
  let delayMs = 0;
  const pass = (from: Socket, into: Socket) => {
    sockets.add(from);
    let sent = Promise.resolve();
    from.on('error', () => into.destroy());
    from.on('close', () => {
      sockets.delete(from);
      into.destroy();
    });
    from.on('data', (bytes) => {
      if (isLost) return;
      const dueAtMs = performance.now() + delayMs;
      // In its order, also where the delay has become shorter.
      sent = sent.then(async () => {
        const leftMs = dueAtMs - performance.now();
        if (leftMs > 0) await sleep(leftMs);
        if (into.writable) into.write(bytes);
      });
    });
  };
  const network = createServer((client) => {
    const server = connect(to, '127.0.0.1');
    pass(client, server);
    pass(server, client);
  }).listen(0, '127.0.0.1');
  await once(network, 'listening');
  return {
    port: (network.address() as AddressInfo).port,
    lose: () => {
      isLost = true;
    },
    slow: (ms) => {
      delayMs = ms;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      network.close();
      await once(network, 'close');
    },
  };
}
