/** The entry of routing-controllers in a project that does not have it. Works on `dist/`. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const packageName = 'microsoft-identity-decorators';

let folder: string;
const installed = (...path: readonly string[]) => join(folder, 'node_modules', ...path);

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'missing-peer-')));
  mkdirSync(installed(packageName, 'dist'), { recursive: true });
  for (const path of ['package.json', 'dist/cjs']) {
    cpSync(join(root, path), installed(packageName, path), { recursive: true });
  }
  for (const name of ['decoders', 'lru.min', 'reflect-metadata']) {
    symlinkSync(join(root, 'node_modules', name), installed(name));
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What `require` of an entry throws; undefined where it loads. */
function failureOf(entry: string): { readonly message: string; readonly code: string } | undefined {
  const program = `try { require('${entry}'); console.log('{}'); } catch ({ message, code }) { console.log(JSON.stringify({ message, code })); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { cwd: folder, encoding: 'utf8' });
  expect(stderr).toBe('');
  const failure = JSON.parse(stdout) as { readonly message?: string; readonly code: string };
  return failure.message === undefined ? undefined : { ...failure, message: failure.message };
}

it('names the entries of the other hosts', () => {
  expect(failureOf(packageName)).toEqual({
    message:
      'microsoft-identity-decorators is for routing-controllers, which is not installed. On NestJS import from ' +
      'microsoft-identity-decorators/nestjs, on Express from microsoft-identity-decorators/express, for handlers of Fetch ' +
      'from microsoft-identity-decorators/fetch.',
    code: 'MODULE_NOT_FOUND',
  });
  expect(failureOf(`${packageName}/fetch`)).toBeUndefined();
});

it('passes on what else fails while routing-controllers is loaded', () => {
  mkdirSync(installed('routing-controllers'));
  writeFileSync(installed('routing-controllers', 'index.js'), "require('class-transformer');");
  expect(failureOf(packageName)?.message).toMatch(/^Cannot find module 'class-transformer'/);
});
