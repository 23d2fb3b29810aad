/** Programs of the documentation in projects of their own, with the packed library: of `nest new`, and in bundlers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestIssuer } from '../../src/testing.js';
import { environmentOf } from '../support/environment-variables.js';
import { readPage } from '../support/pages.js';
import { freePort } from '../support/program.js';
import { execute, install, packInto } from './consumer.js';

let folder: string;
let typescript: string;

const packages = [
  '@nestjs/common@11',
  '@nestjs/core@11',
  '@nestjs/platform-express@11',
  '@nestjs/testing@11',
  '@types/express@5',
  '@types/jest@30',
  '@types/node@20',
  '@types/supertest@7',
  'class-transformer@0.5',
  'class-validator@0.14',
  'esbuild@0.28',
  'express@5',
  'jest@30',
  'reflect-metadata@0.2',
  'routing-controllers@0.11',
  'rxjs@7',
  'supertest@7',
  'ts-jest@29',
  'typescript@5.9',
  'webpack@5',
];

const inFolder = (...path: string[]) => join(folder, ...path);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pages-'));
  typescript = inFolder('node_modules', 'typescript', 'bin', 'tsc');
  const tarballName = await packInto(folder);
  await writeFile(inFolder('package.json'), '{ "private": true }\n');
  await install(folder, `./${tarballName}`, ...packages);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The statuses of a program of the documentation: without a token, without the scope, with it. */
async function statusesOf(program: string, path: string): Promise<readonly number[]> {
  const issuer = await startTestIssuer();
  const port = await freePort();
  const child = spawn(process.execPath, [program], {
    env: environmentOf(port, issuer.options),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  try {
    const call = async (claims?: { readonly scp: string }) => {
      const headers = claims && { authorization: `Bearer ${await issuer.token(claims)}` };
      return (await fetch(`http://localhost:${String(port)}${path}`, { ...(headers && { headers }) })).status;
    };
    const untilItListens = async (): Promise<number> => {
      if (child.exitCode !== null) throw new Error(`The program ended: ${output}`);
      return call().catch(
        () =>
          new Promise<number>((go) =>
            setTimeout(() => {
              go(untilItListens());
            }, 50),
          ),
      );
    };
    return [await untilItListens(), await call({ scp: 'profile' }), await call({ scp: 'access_as_user' })];
  } finally {
    child.kill();
    if (child.exitCode === null) await once(child, 'exit');
    await issuer.close();
  }
}

const programOf = (page: string, language: string, part = '') =>
  readPage(page).blocks.find((block) => block.language === language && block.code.includes(part))?.code ?? '';

describe('a project of `nest new`, which is CommonJS', () => {
  const compilerOptions = {
    module: 'nodenext',
    moduleResolution: 'nodenext',
    resolvePackageJsonExports: true,
    esModuleInterop: true,
    isolatedModules: true,
    declaration: true,
    removeComments: true,
    emitDecoratorMetadata: true,
    experimentalDecorators: true,
    allowSyntheticDefaultImports: true,
    target: 'ES2023',
    sourceMap: true,
    outDir: './dist',
    incremental: true,
    skipLibCheck: true,
    strictNullChecks: true,
    forceConsistentCasingInFileNames: true,
    noImplicitAny: false,
    strictBindCallApply: false,
    noFallthroughCasesInSwitch: false,
  };

  /** Writes a project, and compiles it. */
  async function makeProject(own: string, files: Readonly<Record<string, string>>): Promise<void> {
    const all = {
      'package.json': '{ "private": true }',
      'tsconfig.json': JSON.stringify({ compilerOptions }),
      ...files,
    };
    for (const [name, text] of Object.entries(all)) {
      await mkdir(dirname(inFolder(own, name)), { recursive: true });
      await writeFile(inFolder(own, name), text);
    }
    const tsc = [typescript, '-p', inFolder(own)];
    expect(await execute(process.execPath, tsc)).toMatchObject({ status: 0, stdout: '' });
  }

  it('takes the complete app of docs/nestjs.md as its main.ts', async () => {
    await makeProject('nest', { 'src/main.ts': programOf('docs/nestjs.md', 'ts') });
    expect(await statusesOf(inFolder('nest', 'dist', 'main.js'), '/api/weather/Oslo')).toEqual([401, 403, 200]);
  });

  it('passes the spec of docs/nestjs.md', async () => {
    const [classes = ''] = programOf('docs/nestjs.md', 'ts').split('\nasync function bootstrap');
    await makeProject('nest-spec', {
      'src/app.module.ts': classes.replace(/^class /gm, 'export class '),
      'test/app.e2e-spec.ts': programOf('docs/nestjs.md', 'ts', "from 'supertest'"),
      'test/jest-e2e.json': JSON.stringify({
        moduleFileExtensions: ['js', 'json', 'ts'],
        rootDir: '.',
        testEnvironment: 'node',
        testRegex: '.e2e-spec.ts$',
        transform: { '^.+\\.(t|j)s$': 'ts-jest' },
      }),
    });
    const jest = [inFolder('node_modules', 'jest', 'bin', 'jest.js'), '--config', './test/jest-e2e.json'];
    const { status, stderr } = await execute(process.execPath, jest, { cwd: inFolder('nest-spec') });
    expect(stderr).toMatch(/^Tests: +4 passed, 4 total$/m);
    expect(status).toBe(0);
  });
});

describe('bundlers', () => {
  let elsewhere: string;

  beforeAll(async () => {
    elsewhere = await mkdtemp(join(tmpdir(), 'bundle-'));
    await mkdir(inFolder('bundle', 'src'), { recursive: true });
    await writeFile(inFolder('bundle', 'package.json'), '{ "type": "module" }');
    await writeFile(inFolder('bundle', 'src', 'app.ts'), programOf('README.md', 'ts'));
    await writeFile(inFolder('bundle', 'tsconfig.json'), programOf('README.md', 'json'));
  });

  afterAll(() => rm(elsewhere, { recursive: true, force: true }));

  /** Where a bundle runs, no package is installed. */
  async function expectQuickStart(bundle: string): Promise<void> {
    const moved = join(elsewhere, bundle);
    await copyFile(inFolder('bundle', bundle), moved);
    expect(await statusesOf(moved, '/api/weather/Oslo')).toEqual([401, 403, 200]);
  }

  it('esbuild makes one file of the quick start, by the command of docs/production.md', async () => {
    const command = programOf('docs/production.md', 'sh', 'esbuild').replace(
      'npx esbuild',
      inFolder('node_modules', 'esbuild', 'bin', 'esbuild'),
    );
    const { status, stderr } = await execute('sh', ['-c', command], { cwd: inFolder('bundle') });
    expect([status, stderr]).toEqual([0, expect.not.stringContaining('WARNING')]);
    await expectQuickStart('app.mjs');
  });

  it('webpack makes one file of the quick start, by the configuration of docs/production.md', async () => {
    const tsc = [typescript, '-p', inFolder('bundle'), '--outDir', inFolder('bundle', 'dist')];
    expect(await execute(process.execPath, tsc)).toMatchObject({ status: 0, stdout: '' });
    await writeFile(inFolder('bundle', 'webpack.config.cjs'), programOf('docs/production.md', 'js', 'webpack'));
    const run = `require('webpack')(require('./webpack.config.cjs'), (error, stats) => {
      console.log(error?.stack ?? JSON.stringify(stats.toJson({ all: false, errors: true }).errors));
    });`;
    const { stdout } = await execute(process.execPath, ['--input-type=commonjs', '-e', run], {
      cwd: inFolder('bundle'),
    });
    expect(stdout.trim()).toBe('[]');
    await expectQuickStart('app.cjs');
  });
});
