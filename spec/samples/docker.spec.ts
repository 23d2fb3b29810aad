/** The Dockerfile of the Express sample: linted, and its program bundled, started and stopped as the image does. */
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { validate } from 'dockerfile-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { tenantVariables } from '../support/environment-variables.js';
import { readPage } from '../support/pages.js';
import { freePort } from '../support/program.js';

const root = join(import.meta.dirname, '..', '..');
const file = await readFile(join(root, 'samples/express/Dockerfile'), 'utf8');
const ignored = await readFile(join(root, 'samples/express/Dockerfile.dockerignore'), 'utf8');

/** The instructions of each stage, such as `RUN npm ci`. */
const stages = file.split(/^(?=FROM )/m).map((stage) => stage.split('\n').filter((line) => line !== ''));
const last = stages.at(-1) ?? [];

/** The words of the list behind an instruction. */
const listOf = (instruction: string) => {
  const line = last.find((one) => one.startsWith(`${instruction} `)) ?? '';
  return JSON.parse(line.slice(line.indexOf('['))) as string[];
};

describe('the Dockerfile', () => {
  it('is one', () => {
    expect(validate(file)).toEqual([]);
  });

  it('is that of docs/production.md', () => {
    const { blocks } = readPage('docs/production.md');
    expect(blocks.find(({ language }) => language === 'dockerfile')?.code).toBe(file.trimEnd());
  });

  it('names a version of each image', () => {
    const images = stages.map(([from = '']) => from.split(' ')[1]);
    expect(images).toHaveLength(2);
    for (const image of images) expect(image).toMatch(/^node:\d+-\w+-slim$/);
  });

  it('installs what the lockfile says, and runs no scripts of packages', () => {
    const installs = file.split('\n').filter((line) => /npm (ci|install)/.test(line));
    expect(installs).toEqual(['RUN npm ci --ignore-scripts']);
  });

  it('takes into the image what was built, and nothing else', () => {
    expect(last.filter((line) => /^(COPY|ADD|RUN)/.test(line))).toEqual(['COPY --from=build /app/weather.cjs ./']);
  });

  it('sets no secret, and runs as a user without privileges, in production', () => {
    expect(file).not.toMatch(/secret|password|token|AzureAd/i);
    expect(last).toContain('USER node');
    expect(last.find((line) => line.startsWith('ENV '))).toContain('NODE_ENV=production');
  });

  it('keeps the history and what was built elsewhere out of the build', () => {
    expect(ignored.split('\n')).toEqual(expect.arrayContaining(['.git', '**/node_modules', '**/dist']));
  });
});

describe('what the image runs', () => {
  let folder: string;
  let bundle: string;
  let issuer: TestIssuer;
  let child: ChildProcess | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'image-'));
    bundle = join(folder, 'weather.cjs');
    issuer = await startTestIssuer();
    const command = file.split('\n').find((line) => line.startsWith('RUN npx esbuild ')) ?? '';
    const [, , ...words] = command.replace('--outfile=weather.cjs', `--outfile=${bundle}`).split(' ');
    await promisify(execFile)(join(root, 'node_modules/.bin/esbuild'), words.slice(1), { cwd: root });
  });

  afterAll(async () => {
    child?.kill('SIGKILL');
    await issuer.close();
    await rm(folder, { recursive: true, force: true });
  });

  const environment = (more: NodeJS.ProcessEnv) => ({ PATH: process.env['PATH'], NODE_ENV: 'production', ...more });

  it('does not start without a tenant: the local issuer is not for production', () => {
    const { status, stderr } = spawnSync(process.execPath, [bundle], {
      env: environment({ PORT: '0' }),
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain('AzureAd__TenantId');
  });

  it('is healthy, refuses who has no token, and ends at SIGTERM', async () => {
    const port = String(await freePort());
    child = spawn(process.execPath, [bundle], {
      env: environment({ HOST: '127.0.0.1', PORT: port, ...tenantVariables(issuer.options) }),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    if (child.stdout === null) throw new Error('There is no output.');
    for await (const line of createInterface(child.stdout)) if (line.startsWith('Listening on ')) break;

    const [, ...healthCheck] = listOf('HEALTHCHECK').map((word) => word.replace('3000', port));
    expect(spawnSync(process.execPath, healthCheck).status).toBe(0);
    const url = `http://127.0.0.1:${port}/api/weather/Sapporo`;
    expect((await fetch(url)).status).toBe(401);
    const authorization = `Bearer ${await issuer.token()}`;
    expect((await fetch(url, { headers: { authorization } })).status).toBe(200);

    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(spawnSync(process.execPath, healthCheck).status).toBe(1);
  });

  it('is started by a list, so that the signal reaches Node', () => {
    expect(listOf('CMD')).toEqual(['node', 'weather.cjs']);
  });
});
