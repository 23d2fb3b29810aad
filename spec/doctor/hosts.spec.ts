/** The audit of routes on every host, without tenant ids and without a server. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getMetadataArgsStorage } from 'routing-controllers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Route } from '../../src/doctor/routes.js';
import { forgetIdentity } from '../support/isolation.js';
import { run, type Said } from './run.js';

beforeEach(() => {
  vi.resetModules();
  getMetadataArgsStorage().reset();
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterEach(() => {
  forgetIdentity();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const routesOf = ({ out }: Said) => (JSON.parse(out) as { readonly routes: readonly Route[] }).routes;
const linesOf = (said: Said) =>
  routesOf(said).map(({ method, path, action, protection, requirement }) =>
    [method, path, action, protection, requirement ?? '-'].join(' | '),
  );

describe('the audit of Express', () => {
  const expected = [
    'GET | /early | handle | unprotected | -',
    'GET | /health | Reports.health | anonymous | -',
    'GET | /reports | Reports.list | protected | token of Entra ID; role Admin',
    'POST | /notes | handle | protected | token of Entra ID; scope notes.write',
    'GET | /notes | handle | unprotected | -',
    'GET | /orders/:id | handle | protected | token; scope orders.read',
    'DELETE | /orders/:id | handle | protected | token; scope orders.read; scope orders.write',
    'GET | /tenants/:id/people | handle | protected | token of Entra ID',
    'GET | /admin/users | handle | unprotected | -',
    'GET | /late | late | protected | token of Entra ID',
    'PUT | /late-router/x | handle | protected | token of Entra ID',
  ];

  it('lists routes with the middlewares ahead of them, of routers and mounted apps too', async () => {
    const said = await run(['--routes', 'express-app.ts', '--json']);
    expect({ code: said.code, err: said.err }).toEqual({ code: 1, err: '' });
    expect(linesOf(said)).toEqual(expected);
  });

  it('passes where routes are named as open on purpose, and refuses a name of no open route', async () => {
    const open = ['GET /early', 'GET /notes', 'GET /admin/users'].flatMap((name) => ['--open', name]);
    const said = await run(['--routes', 'express-app.ts', ...open]);
    expect(said.out).toContain('open (--open)');
    const misspelt = await run(['--routes', 'express-app.ts', '--open', 'GET /erly']);
    expect(misspelt).toMatchObject({ code: 2, out: '' });
    expect(misspelt.err).toContain('--open GET /erly: there is no unprotected route of this name.');
    expect((await run(['--routes', 'express-app.ts', '--open', 'GET /late'])).code).toBe(2);
    expect((await run(['--open', 'GET /x'])).err).toContain('--open belongs to --routes.');
  });

  it('counts a gate only for what it stands before', async () => {
    const said = await run(['--routes', 'express-order.ts', '--json']);
    expect(linesOf(said)).toEqual([
      'GET | /behind | handle | unprotected | -',
      'GET | /between | handle | protected | token of Entra ID',
      'GET | /alone | middleware | protected | token of Entra ID',
      'GET | /tenants/:id | handle | protected | token of Entra ID',
      'GET | /tenants/{:id} | handle | unprotected | -',
      'GET | /tenants/{*rest} | handle | unprotected | -',
    ]);
  });
});

describe('the audit of functions that are mounted at a path', () => {
  it('calls them unknown where no gate is ahead of them, and leaves middlewares out', async () => {
    const said = await run(['--routes', 'express-mounted.ts', '--json']);
    expect({ code: said.code, err: said.err }).toEqual({ code: 1, err: '' });
    expect(linesOf(said)).toEqual([
      'USE | /open | graphql | mounted | -',
      'USE | /closed | graphql | protected | token of Entra ID',
      'USE | /reports | Reports.all | protected | token of Entra ID',
      'GET | /api/cities | handle | protected | token; scope cities.read',
      'USE | /^\\/pattern/ | graphql | mounted | -',
      'USE | /router/inner | graphql | mounted | -',
      'USE | /one | graphql | mounted | -',
      'USE | /two | graphql | mounted | -',
      'USE | /late | graphql | protected | token of Entra ID',
    ]);
    expect((JSON.parse(said.out) as { unprotected: number }).unprotected).toBe(5);
  });

  it('has a word of its own for them, and takes their names as open on purpose', async () => {
    expect((await run(['--routes', 'express-mounted.ts'])).out).toMatch(/^USE +\/open +graphql +mounted, unknown$/m);
    const open = ['/open', '/^\\/pattern/', '/router/inner', '/one', '/two'].flatMap((path) => [
      '--open',
      `USE ${path}`,
    ]);
    expect((await run(['--routes', 'express-mounted.ts', ...open])).code).toBe(0);
    expect((await run(['--routes', 'express-mounted.ts', ...open, '--open', 'USE /closed'])).code).toBe(2);
  });
});

describe('the audit of Nest', () => {
  it('lists the routes of a module and of those that it imports, each once, inherited ones included', async () => {
    const said = await run(['--routes', 'nest-module.ts', '--json']);
    expect({ code: said.code, err: said.err }).toEqual({ code: 1, err: '' });
    expect(linesOf(said)).toEqual([
      'GET | /cats/:id | CatsController.find | protected | token of Entra ID',
      'GET | /cats/by-id/:id | CatsController.find | protected | token of Entra ID',
      'POST | /cats | CatsController.add | unprotected | -',
      'GET | /cats/open | CatsController.open | anonymous | -',
      'GET | /cats/status | CatsController.status | protected | token; scope status.read',
    ]);
  });

  it('knows requireAuth of the module', async () => {
    const said = await run(['--routes', 'nest-closed.ts', '--json']);
    expect(said.code).toBe(0);
    expect(linesOf(said)).toContain('POST | /cats | CatsController.add | protected | token (requireAuth)');
  });

  it('lists the routes of an application that a factory makes, with prefix, versions and module path', async () => {
    const said = await run(['--routes', 'nest-app.ts', '--json']);
    expect({ code: said.code, err: said.err }).toEqual({ code: 0, err: '' });
    expect(linesOf(said).sort()).toEqual([
      'GET | /api/v1/animals/dogs/:id | DogsController.find | protected | token of Entra ID',
      'GET | /api/v2/animals/dogs/:id | DogsController.find | protected | token of Entra ID',
      'GET | /api/v3/animals/dogs | DogsController.list | protected | token (requireAuth)',
      'GET | /health | HealthController.health | protected | token (requireAuth)',
    ]);
    vi.stubEnv('OPEN', '1');
    const open = await run(['--routes', 'nest-app.ts', '--json']);
    expect(open.code).toBe(1);
    expect(linesOf(open)).toContain('GET | /health | HealthController.health | unprotected | -');
  });
});

describe('the audit of routing-controllers', () => {
  it("takes @Authorized() for the word of the app's checker", async () => {
    const said = await run(['--routes', 'authorized.ts', '--json']);
    expect(linesOf(said)).toEqual([
      'GET | /orders/ | OrdersController.list | authorized | @Authorized()',
      'GET | /orders/all | OrdersController.all | authorized | @Authorized() with Admin or Auditor',
      'GET | /orders/both | OrdersController.both | protected | token of Entra ID',
      'GET | /orders/open | OrdersController.open | unprotected | -',
    ]);
    expect(said.code).toBe(1);
    expect((await run(['--routes', 'authorized.ts'])).out).toMatch(/@Authorized\(\): the app's checker decides/);
  });
});

describe('the audit of @Authorized() on a base class', () => {
  it.each(['', 'other', 'own,other'])(
    'leaves it out where a checker of the app is not asked for it: %s',
    async (checkers) => {
      vi.stubEnv('CHECKERS', checkers);
      const said = await run(['--routes', 'authorized-app.ts', '--json']);
      expect(linesOf(said).sort()).toEqual([
        'GET | /stock/inherited | StockController.inherited | unprotected | -',
        'GET | /stock/own | StockController.own | unprotected | -',
      ]);
      expect(said.code).toBe(1);
    },
  );

  it('counts it where authorizationChecker() is the checker', async () => {
    vi.stubEnv('CHECKERS', 'own');
    const said = await run(['--routes', 'authorized-app.ts', '--json']);
    expect(linesOf(said).sort()).toEqual([
      'GET | /stock/inherited | StockController.inherited | authorized | @Authorized() with Staff or Auditor',
      'GET | /stock/own | StockController.own | authorized | @Authorized() with Staff',
    ]);
    expect(said.code).toBe(0);
  });
});

describe('the executable', () => {
  const root = join(import.meta.dirname, '..', '..');

  it.each(['express', 'express4'])('prints JSON alone on standard output, and starts no server: %s', (release) => {
    const folder = mkdtempSync(join(root, 'spec', 'audit-'));
    try {
      mkdirSync(join(folder, 'node_modules'));
      symlinkSync(join(root, 'node_modules', release), join(folder, 'node_modules', 'express'));
      const file = join(folder, 'app.mjs');
      writeFileSync(
        file,
        `import express from 'express';
         import { initialize, requiresAuth } from 'microsoft-identity-decorators/express';
         console.log('loading');
         initialize();
         const handle = (request, response) => response.end();
         const [app, router, admin] = [express(), express.Router(), express()];
         app.use('/admin', admin);
         admin.get('/users', handle);
         app.use('/orders', requiresAuth(), router);
         router.route('/:id').get(handle).put(handle);
         const server = app.listen(0, () => console.log('address', server.address()));
         setInterval(() => console.log('tick'), 1);
         export default app;`,
      );
      const bin = join(root, 'dist', 'esm', 'bin.js');
      const env = { PATH: process.env['PATH'] };
      const audit = spawnSync(process.execPath, [bin, 'doctor', '--routes', file, '--json'], { encoding: 'utf8', env });
      expect(audit.stderr).toContain('loading');
      expect(audit.stderr).toContain('address null');
      const routes = (JSON.parse(audit.stdout) as { readonly routes: readonly Route[] }).routes;
      expect(routes.map(({ method, path, protection }) => [method, path, protection])).toEqual([
        ['GET', '/admin/users', 'unprotected'],
        ['GET', '/orders/:id', 'protected'],
        ['PUT', '/orders/:id', 'protected'],
      ]);
      expect(audit.status).toBe(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  /** Audits a module in a folder below the specs, where it finds the installed packages. */
  function auditOf(name: string, text: string) {
    const folder = mkdtempSync(join(root, 'spec', 'audit-'));
    try {
      const file = join(folder, name);
      writeFileSync(file, text);
      const bin = join(root, 'dist', 'esm', 'bin.js');
      return spawnSync(process.execPath, [bin, 'doctor', '--routes', file], { encoding: 'utf8' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it('keeps its exit status where a Nest application that cannot start ends the process', () => {
    const audit = auditOf(
      'main.cjs',
      `require('reflect-metadata');
       const { Module } = require('@nestjs/common');
       const { NestFactory } = require('@nestjs/core');
       class AppModule {}
       Module({ providers: [{ provide: 'x', useFactory: () => { throw new Error('not configured'); } }] })(AppModule);
       void NestFactory.create(AppModule);`,
    );
    expect(audit.stderr).toContain('main.cjs defines no routes');
    expect(audit.stderr).toContain('not configured');
    expect(audit.status).toBe(2);
  });

  it.each([
    ['ends the process', 'process.exit(0);'],
    ['waits for what never comes', 'await new Promise(() => undefined);'],
  ])('is no report without findings where the module %s', (_, statement) => {
    const audit = auditOf('app.mjs', statement);
    expect(audit.stdout).toBe('');
    expect(audit.stderr).toContain('the process ended before the report. Does the module call process.exit?');
    expect(audit.status).toBe(2);
  });
});
