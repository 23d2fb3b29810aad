/** The samples of the other hosts, each as a user starts it, and the commands it prints. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';

const shell = promisify(execFile);
let sample: ChildProcess | undefined;

afterEach(async () => {
  if (sample?.exitCode !== null) return;
  sample.kill();
  await once(sample, 'exit');
});

/** What a sample prints up to the line that says it listens. */
async function linesOf(main: string): Promise<readonly string[]> {
  if (!existsSync(main)) throw new Error(`${main} is missing: run \`npm run build && npm run types\` first.`);
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('AzureAd'));
  const env = { ...Object.fromEntries(inherited), PORT: '0' };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  sample = child;
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (line.startsWith('Listening on ')) return lines;
  }
  throw new Error('The sample ended before it listened.');
}

describe.each(['koa', 'express', 'nestjs'])('the sample %s', (name) => {
  it('answers the commands it prints as it says', async () => {
    const lines = await linesOf(`samples/${name}/dist/main.js`);
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
