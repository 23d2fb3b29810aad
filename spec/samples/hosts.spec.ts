/** The samples of the other hosts, each as a user starts it, and the commands it prints. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { startTestIssuer } from '../../src/testing.js';
import { tenantVariables } from '../support/environment-variables.js';

const shell = promisify(execFile);
let sample: ChildProcess | undefined;

afterEach(async () => {
  if (sample?.exitCode !== null) return;
  sample.kill();
  await once(sample, 'exit');
});

function startSample(name: string, variables: NodeJS.ProcessEnv) {
  const main = `samples/${name}/dist/main.js`;
  if (!existsSync(main)) throw new Error(`${main} is missing: run \`npm run build && npm run types\` first.`);
  const inherited = Object.entries(process.env).filter(([variable]) => !variable.startsWith('AzureAd'));
  const env = { ...Object.fromEntries(inherited), ...variables };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  sample = child;
  return child;
}

/** What a sample prints up to the line that says it listens. */
async function linesOf(name: string): Promise<readonly string[]> {
  const child = startSample(name, { PORT: '0' });
  child.stderr.pipe(process.stderr);
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (line.startsWith('Listening on ')) return lines;
  }
  throw new Error('The sample ended before it listened.');
}

describe.each(['koa', 'express', 'nestjs'])('the sample %s', (name) => {
  it('answers the commands it prints as it says', async () => {
    const lines = await linesOf(name);
    const commands = lines.flatMap((line, index) => {
      const status = /^ +(\d{3}) /.exec(lines[index - 1] ?? '')?.[1];
      return line.trim().startsWith('curl ') ? [{ command: line.trim(), status }] : [];
    });
    expect(commands.map(({ status }) => status)).toEqual(expect.arrayContaining(['200', '401', '403']));
    for (const { command, status } of commands) {
      const { stdout } = await shell('sh', ['-c', command]);
      expect(stdout.split('\r\n')[0]).toContain(` ${String(status)} `);
      if (status === '401' || status === '403') expect(stdout.toLowerCase()).toContain('www-authenticate: bearer');
    }
  });
});

describe.each(['koa', 'express', 'nestjs', 'warnings'])('the sample %s', (name) => {
  it('names the variable to set where its port is in use', async () => {
    const issuer = await startTestIssuer();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const port = String((other.address() as AddressInfo).port);
    // The sample `warnings` has no local issuer.
    const child = startSample(name, { PORT: port, ...(name === 'warnings' && tenantVariables(issuer.options)) });
    const ended = once(child, 'close') as Promise<[number | null]>;
    const complaints = await text(child.stderr);
    const [status] = await ended;
    // Nest logs a line of its own before it.
    const lines = complaints
      .trimEnd()
      .split('\n')
      .slice(name === 'nestjs' ? 1 : 0);
    expect({ lines, status }).toEqual({
      lines: [`Port ${port} is in use. Set PORT to another one.`],
      status: 1,
    });
    other.close();
    await issuer.close();
  });
});
