/** Programs of the documentation, run as processes of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { environmentOf, type Tenant } from './environment-variables.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect({ port, host: 'localhost' });
  const isOpen = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return isOpen;
}

const running = new Set<ChildProcess>();

/** Ends the programs that were started. */
export async function endPrograms(): Promise<void> {
  for (const child of running) {
    running.delete(child);
    if (child.exitCode !== null) continue;
    child.kill();
    await once(child, 'exit');
  }
}

/** A program of TypeScript, as JavaScript. An ES module, unless another kind is named. */
export function compiled(code: string, module = ts.ModuleKind.ES2022): string {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  return outputText;
}

/**
 * Starts a program that serves at `PORT`, and waits until it listens.
 *
 * @param code - JavaScript
 * @param environment - more variables
 * @param type - the kind of module that it is
 */
export async function startProgram(
  code: string,
  port: number,
  tenant: Tenant,
  environment: NodeJS.ProcessEnv = {},
  type: 'module' | 'commonjs' = 'module',
): Promise<ChildProcess> {
  const child = spawn(process.execPath, [`--input-type=${type}`, '-'], {
    cwd: root,
    env: { ...environmentOf(port, tenant), ...environment },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  running.add(child);
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.end(code);
  while (!(await isListening(port))) {
    if (child.exitCode !== null) throw new Error(`The program ended: ${output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return child;
}

/**
 * Runs a program until it ends.
 *
 * @param code - JavaScript
 */
export async function runProgram(
  code: string,
  environment: NodeJS.ProcessEnv,
): Promise<{ readonly output: string; readonly status: number | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-'], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.end(code);
  const [status] = (await once(child, 'close')) as [number | null];
  running.delete(child);
  return { output, status };
}
