import { getMetadataArgsStorage } from 'routing-controllers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Route } from '../../src/doctor/routes.js';
import { forgetIdentity } from '../support/isolation.js';
import { run } from './run.js';

describe('the audit of routes', () => {
  beforeEach(() => {
    vi.resetModules();
    getMetadataArgsStorage().reset();
  });

  it('lists every route with its requirement, also inherited routes', async () => {
    const said = await run(['--routes', './shut.ts', '--json']);
    const { routes, unprotected } = JSON.parse(said.out) as { routes: Route[]; unprotected: number };
    expect(routes.map(({ method, path, action, requirement }) => [method, path, action, requirement])).toEqual([
      ['GET', '/weather/:city', 'WeatherController.report', 'token of Entra ID; scope read or read_all'],
      ['GET', '/weather/open', 'WeatherController.open', null],
      ['GET', '/weather/status', 'WeatherController.status', 'token of Entra ID'],
      ['GET', '/people/', 'PeopleController.list', 'token of B2C by B2C_1_susi or B2C_1_edit'],
      ['POST', '/people/', 'PeopleController.add', 'token of Entra ID of an application; role Admin'],
      [
        'POST',
        '/people/\\/import/',
        'PeopleController.load',
        'token of Entra ID or B2C; scope write of a person, or role write_all of an application; ' +
          "claim department finance or legal; claim level; a check of the application's own; no guests",
      ],
    ]);
    expect(routes.map(({ protection }) => protection)).toEqual([
      'protected',
      'anonymous',
      'protected',
      'protected',
      'protected',
      'protected',
    ]);
    expect({ code: said.code, err: said.err, unprotected }).toEqual({ code: 0, err: '', unprotected: 0 });
  });

  it('fails if a route has no requirement, also an inherited one', async () => {
    const said = await run(['--routes', 'ajar.ts']);
    expect(said).toEqual({
      code: 1,
      err: '',
      out: [
        'GET     /notes/       NotesController.list      token of Entra ID',
        'DELETE  /notes/:id    NotesController.remove    NOT PROTECTED',
        'GET     /archive/     ArchiveController.list    token of Entra ID',
        'DELETE  /archive/:id  ArchiveController.remove  NOT PROTECTED',
        '',
        '2 of 4 routes have no requirement and no @AllowAnonymous().',
        '',
      ].join('\n'),
    });
  });

  it('counts a route without a decorator as protected where requireAuth is set', async () => {
    const said = await run(['--routes', 'requiring.ts']);
    forgetIdentity();
    expect(said).toEqual({
      code: 0,
      err: '',
      out: [
        'GET     /notes/       NotesController.list      token of Entra ID',
        'DELETE  /notes/:id    NotesController.remove    token (requireAuth)',
        'GET     /archive/     ArchiveController.list    token of Entra ID',
        'DELETE  /archive/:id  ArchiveController.remove  token (requireAuth)',
        '',
        '4 routes. Each has a requirement or @AllowAnonymous().',
        '',
      ].join('\n'),
    });
  });

  describe('of an app that waits for ready()', () => {
    const ids = ['aaaaaaaa-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000002'] as const;
    const requests = vi.fn(() => Promise.reject(new Error('There is no network.')));
    beforeEach(() => {
      requests.mockClear();
      vi.stubGlobal('fetch', requests);
      vi.spyOn(console, 'log').mockImplementation(() => undefined);
    });
    afterEach(() => {
      forgetIdentity();
      vi.unstubAllGlobals();
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
    });

    function configure(): void {
      vi.stubEnv('AzureAd__TenantId', ids[0]);
      vi.stubEnv('AzureAd__ClientId', ids[1]);
    }

    it.each<[string, () => void]>([
      ['without a configuration', () => undefined],
      ['with one', configure],
    ])('needs no network, %s', async (_, prepare) => {
      prepare();
      const said = await run(['--routes', 'quick-start.ts']);
      expect(said).toEqual({
        code: 0,
        err: '',
        out: [
          'GET  /api/weather/:city  WeatherController.report  token of Entra ID; scope access_as_user',
          '',
          '1 route. It has a requirement or @AllowAnonymous().',
          '',
        ].join('\n'),
      });
      expect(requests).not.toHaveBeenCalled();
    });

    it('finds a route that the configuration does not fit', async () => {
      configure();
      const said = await run(['--routes', 'unfit.ts']);
      expect(said).toMatchObject({ code: 2, out: '' });
      expect(said.err).toContain(
        'unfit.ts could not be loaded: PeopleController.list takes tokens of B2C, which is not configured.',
      );
      expect(requests).not.toHaveBeenCalled();
    });

    it('lists a route for B2C where nothing is configured', async () => {
      const said = await run(['--routes', 'unfit.ts']);
      expect(said).toMatchObject({ code: 0, err: '' });
      expect(said.out).toContain('PeopleController.list  token of B2C');
    });
  });

  it('finds an API that its configuration does not have, each in its own', async () => {
    const said = await run(['--routes', 'misnamed.ts']);
    forgetIdentity();
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain(
      "@OnBehalfOf() of StockController.list: there is no API 'stok' in downstream.apis, which has stock.",
    );
    expect(said.err).toContain(
      "@OnBehalfOf() of StockController.orders: there is no API 'stock' in downstream.apis, which has orders.",
    );
  });

  it('counts unprotected routes for scripts', async () => {
    const said = await run(['--routes', 'ajar.ts', '--json']);
    expect((JSON.parse(said.out) as { unprotected: number }).unprotected).toBe(2);
    expect(said.code).toBe(1);
  });

  it('marks a route with @AllowAnonymous() as open', async () => {
    const said = await run(['--routes', './shut.ts']);
    expect(said.out).toMatch(/^GET {3}\/weather\/open +WeatherController\.open +open \(@AllowAnonymous\)$/m);
    expect(said.out).toContain('6 routes. Each has a requirement or @AllowAnonymous().');
  });

  it.each([
    ['./nothing.ts', 'defines no routes'],
    ['./broken.ts', 'could not be loaded'],
    ['./missing.ts', 'There is no module'],
  ])('fails if there is nothing to audit: %s', async (module, message) => {
    const said = await run(['--routes', module]);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain(message);
    expect(said.err).not.toContain('Nothing listens');
  });

  it.each(['./needs-port.ts', './needs-port-later.ts'])('says why a server has no port: %s', async (module) => {
    const said = await run(['--routes', module]);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain(
      "null (reading 'port'). Nothing listens while the doctor loads a module, so server.address() is null. " +
        'Point it at a module that exports the controllers or the app.',
    );
  });
});
