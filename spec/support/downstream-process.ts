/** Starts APIs in processes of their own, which call another one on behalf of their callers. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestIssuer } from '../../src/testing.js';

export interface ApiProcess {
  readonly url: string;
  /** What it wrote to its standard streams so far. */
  readonly printed: () => string;
  /** A snapshot of its heap, after garbage was collected. */
  heap(): Promise<Buffer>;
  stop(): Promise<void>;
}

async function messageOf<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, 'message')) as [T];
  return message;
}

/** @param redisPort - undefined: it keeps tokens in its memory alone */
export async function startApiProcess(issuer: TestIssuer, baseUrl: string, redisPort?: number): Promise<ApiProcess> {
  const options = { ...issuer.options, downstream: issuer.downstreamOptions };
  const child = fork(
    join(import.meta.dirname, 'downstream-process.mjs'),
    [JSON.stringify({ options, baseUrl, redisPort })],
    { execArgv: ['--expose-gc'], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const ended = once(child, 'exit');
  const failed = ended.then(() => {
    throw new Error(`The process ended: ${printed}`);
  });
  const { port } = await Promise.race([messageOf<{ readonly port: number }>(child), failed]);
  failed.catch(() => undefined);
  return {
    url: `http://127.0.0.1:${String(port)}`,
    printed: () => printed,
    heap: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'heap-'));
      try {
        const written = messageOf<{ readonly heap: string }>(child);
        child.send({ heapTo: join(folder, 'heap.heapsnapshot') });
        return await readFile((await written).heap);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

export interface LoadedCall {
  readonly url: string;
  readonly token: string;
}

export interface LoadProcess {
  /** Sends requests at once. */
  send(calls: readonly LoadedCall[]): Promise<readonly { readonly status: number; readonly text: string }[]>;
  stop(): Promise<void>;
}

/** Starts a process that sends requests. */
export async function startLoadProcess(): Promise<LoadProcess> {
  const child = fork(join(import.meta.dirname, 'load-process.mjs'));
  await messageOf(child);
  const ended = once(child, 'exit');
  const waiting = new Map<number, (answers: Awaited<ReturnType<LoadProcess['send']>>) => void>();
  child.on('message', ({ id, answers }: { id: number; answers: Awaited<ReturnType<LoadProcess['send']>> }) => {
    waiting.get(id)?.(answers);
  });
  let count = 0;
  return {
    send: (calls) =>
      new Promise((resolve) => {
        const id = ++count;
        waiting.set(id, resolve);
        child.send({ id, calls });
      }),
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
