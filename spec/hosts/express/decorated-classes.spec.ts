import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RequiresAuth, requiresAuth, RequiresRole } from '../../../src/express.js';
import { expectRefusal, expressReleases, listen, type Api } from '../../support/api.js';
import { granted, issuer, openAnswer, outcomeOf, ran, useIssuer } from './application.js';
import {
  AdminChild,
  ClassChild,
  OpenChild,
  Override,
  PlainChild,
  ProtectedController,
  UndecoratedChild,
  UndecoratedGrandchild,
  WeatherController,
} from './controllers.js';

useIssuer();

describe.each(expressReleases)('decorators on a class, $release', ({ express }) => {
  let api: Api;
  const guarded = new ProtectedController();
  const classChild = new ClassChild();

  beforeAll(async () => {
    const app = express();
    app.set('env', 'test');
    app.get('/class/report', guarded.report.bind(guarded));
    app.get('/class/write', guarded.write);
    app.get('/class/b2c', guarded.b2c);
    app.get('/class/health', guarded.health);
    app.get('/class/open-helper', guarded.openHelper);
    app.get('/class/chained-health', requiresAuth(), guarded.health);
    app.get('/class/open-calls-text', (_request, response) => response.json({ text: guarded.text() }));
    app.get('/child/plain', new PlainChild().report);
    app.get('/child/override', new Override().report.bind(new Override()));
    app.get('/child/override-unbound', new Override().report);
    app.get('/child/admin', new AdminChild().report);
    app.get('/child/admin-bound', new AdminChild().report.bind(new AdminChild()));
    app.get('/child/opened', new OpenChild().report);
    app.get('/child/class-write', classChild.write);
    app.get('/child/class-own', classChild.own);
    app.get('/child/class-report', classChild.report.bind(classChild));
    const undecorated = new UndecoratedGrandchild();
    app.get('/undecorated/write', undecorated.write);
    app.get('/undecorated/own', undecorated.own);
    app.get('/undecorated/further', undecorated.further);
    app.get('/undecorated/child', new UndecoratedChild().own);
    app.get('/fails', () => {
      throw new Error('failed');
    });
    app.use('/fails', guarded.onError);
    api = await listen(app);
  });
  afterAll(() => api.close());

  const get = async (path: string, token?: string) => api.call(path, token === undefined ? {} : { token });

  it('answers what a helper throws in a method with @AllowAnonymous()', async () => {
    expectRefusal(await get('/class/open-helper'), 'missing_token');
  });

  it('protects every method of a class', async () => {
    expectRefusal(await get('/class/report'), 'missing_token');
    expect((await get('/class/report', await issuer.token())).body).toEqual({ ...granted, text: 'text', unit: '°C' });
    expectRefusal(await get('/class/write', await issuer.token()), { insufficientScope: 'scope', scope: 'write' });
    expect((await get('/class/write', await issuer.token({ scp: 'write' }))).status).toBe(200);
    expectRefusal(await get('/class/b2c', await issuer.token()), { invalidToken: 'policy' });
    expect((await get('/class/b2c', await issuer.b2cToken())).status).toBe(200);
    expect(ran).toEqual(['report', 'write', 'b2c']);
  });

  it('removes the requirement of the class from a method with @AllowAnonymous()', async () => {
    expect(outcomeOf(await get('/class/health'))).toEqual(openAnswer);
    expect((await get('/class/chained-health', await issuer.token())).body).toEqual(granted);
  });

  it('refuses a protected method that a plain handler calls without its request', async () => {
    expect((await get('/class/open-calls-text', await issuer.token())).status).toBe(500);
  });

  it('protects error handlers too', async () => {
    expectRefusal(await get('/fails'), 'missing_token');
    expect(ran).toEqual([]);
    const answer = await get('/fails', await issuer.token());
    expect([answer.status, answer.body]).toEqual([418, { message: 'failed', ...granted }]);
  });

  it.each([['/child/plain'], ['/child/override'], ['/child/override-unbound']])(
    'protects what a derived class inherits or overrides: %s',
    async (path) => {
      expectRefusal(await get(path), 'missing_token');
      expectRefusal(await get(path, await issuer.token()), { insufficientScope: 'scope', scope: 'read' });
      expect(ran).toEqual([]);
      expect((await get(path, await issuer.token({ scp: 'read' }))).body).toEqual({ by: 'base', ...granted });
    },
  );

  it.each([['/child/admin'], ['/child/admin-bound']])(
    'requires what each class of the prototype chain requires: %s',
    async (path) => {
      expectRefusal(await get(path, await issuer.token({ scp: 'read' })), { insufficientScope: 'role' });
      expectRefusal(await get(path, await issuer.token({ roles: ['Admin'] })), {
        insufficientScope: 'scope',
        scope: 'read',
      });
      expect((await get(path, await issuer.token({ scp: 'read', roles: ['Admin'] }))).status).toBe(200);
    },
  );

  it('removes the requirement in a derived class with @AllowAnonymous()', async () => {
    expect((await get('/child/opened')).body).toEqual({ by: 'base' });
  });

  it.each([['/undecorated/write'], ['/undecorated/own'], ['/undecorated/further'], ['/undecorated/child']])(
    'protects a derived class without decorators: %s',
    async (path) => {
      expectRefusal(await get(path), 'missing_token');
      expect(ran).toEqual([]);
      expect((await get(path, await issuer.token({ scp: 'write' }))).status).toBe(200);
    },
  );

  it('protects every method of a class derived from a protected one', async () => {
    for (const path of ['/child/class-write', '/child/class-own', '/child/class-report']) {
      expectRefusal(await get(path), 'missing_token');
    }
    expectRefusal(await get('/child/class-write', await issuer.token({ scp: 'write' })), {
      insufficientScope: 'scope',
      scope: 'read',
    });
    expect((await get('/child/class-own', await issuer.token())).status).toBe(200);
    expect((await get('/child/class-report', await issuer.token())).body).toMatchObject({ ...granted, text: 'text' });
    expect(ran).toEqual(['own', 'report']);
  });
});

describe('a class with a requirement', () => {
  it('keeps its name, constructor and static members', () => {
    expect(new ProtectedController().constructor).toBe(ProtectedController);
    expect(new UndecoratedChild()).toBeInstanceOf(ProtectedController);
    expect([ProtectedController.name, ProtectedController.version]).toEqual(['ProtectedController', '1']);
    expect(Object.getPrototypeOf(UndecoratedChild)).toBe(ProtectedController);
  });

  it('keeps the metadata of other libraries', () => {
    @RequiresAuth()
    @RequiresRole('Admin')
    @Reflect.metadata('key', 'value')
    class Injectable {
      constructor(readonly weather: WeatherController) {}
    }
    expect(Reflect.getMetadata('key', Injectable)).toBe('value');
    expect(new Injectable(new WeatherController()).weather.unit).toBe('°C');
  });
});
