/** A protected method that refuses a call which its caller does not wait for. */
import type { Request, RequestHandler, Response } from 'express';
import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { initialize, RequiresAuth, requiresAuth, RequiresGroup, RequiresRole } from '../../../src/express.js';
import * as root from '../../../src/index.js';
import { expressReleases, type Answer } from '../../support/api.js';
import { forgetWarnings } from '../../support/isolation.js';
import { issuer, ran, serving, useIssuer } from './application.js';

useIssuer();

const payroll = '0f6d1a52-3b8e-4c17-9d20-5a6b7c8d9e01';
const handler = (name: string, response: Response) => {
  ran.push(name);
  response.json({});
};

class WithDecoratorsOfAnotherEntry {
  @root.RequiresRole('Admin')
  async wipe(_request: Request, response: Response) {
    handler('wipe', response);
    return Promise.resolve();
  }

  @root.RequiresGroup(payroll)
  async pay(_request: Request, response: Response) {
    handler('pay', response);
    return Promise.resolve();
  }
}

class Audit {
  @RequiresRole('Auditor')
  async write() {
    ran.push('audit');
    return Promise.resolve();
  }

  @RequiresGroup(payroll)
  async fail() {
    await Promise.resolve();
    throw new Error('The method failed.');
  }
}

const audit = new Audit();

@RequiresAuth()
class Reports {
  show(request: Request, response: Response) {
    void this.all(request, response);
  }

  showPaid(request: Request, response: Response) {
    void this.paid(request, response);
  }

  record(_request: Request, response: Response) {
    void audit.write();
    response.json({ recorded: true });
  }

  recordThen(_request: Request, response: Response) {
    void audit.write().then(() => ran.push('then'));
    response.json({ recorded: true });
  }

  recordFinally(_request: Request, response: Response) {
    void audit.write().finally(() => ran.push('finally'));
    response.json({ recorded: true });
  }

  recordLater(_request: Request, response: Response) {
    const call = audit.write();
    setImmediate(() => {
      void call.then(() => ran.push('then')).finally(() => undefined);
    });
    response.json({ recorded: true });
  }

  answered(request: Request, response: Response) {
    void this.all(request, response);
    response.json({ answered: true });
  }

  async caught(_request: Request, response: Response) {
    const reason = await audit.write().catch((error: unknown) => (error as Error).name);
    response.json({ reason });
  }

  async together(_request: Request, response: Response) {
    await Promise.all([audit.write(), audit.write()]);
    response.json({});
  }

  fails(_request: Request, response: Response) {
    void audit.fail();
    response.json({});
  }

  @RequiresRole('Admin')
  async all(_request: Request, response: Response) {
    handler('all', response);
    return Promise.resolve();
  }

  @RequiresGroup(payroll)
  async paid(_request: Request, response: Response) {
    handler('paid', response);
    return Promise.resolve();
  }
}

const reports = new Reports();

/** A person who is in more groups than a token has room for, so that a check of them has to wait. */
const inManyGroups = { hasgroups: true };

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
let given: string[];
let others: NodeJS.UnhandledRejectionListener[];
beforeEach(() => {
  unhandled.length = 0;
  given = [];
  forgetWarnings();
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => given.push(String(warning)));
  initialize({ ...issuer.options, resolveGroups: async () => Promise.resolve([]) });
  others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  // A rejection is reported after the microtasks.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note);
  for (const listener of others) process.on('unhandledRejection', listener);
});

const challengeFor = (text: string) => [403, `Bearer error="insufficient_scope", error_description="${text}"`];
const roleRefused = challengeFor('The access token does not carry the role this request needs.');
const groupRefused = challengeFor('The caller is in none of the groups this request needs.');
const refusalIn = ({ status, headers }: Answer) => [status, headers['www-authenticate']];

describe.each(expressReleases)('on $release', ({ express }) => {
  async function call(path: string, claims: object = {}): Promise<Answer> {
    let answer: Answer | undefined;
    await serving(
      express,
      (app) => {
        const other = new WithDecoratorsOfAnotherEntry();
        app.get('/wipe', requiresAuth() as RequestHandler, other.wipe as RequestHandler);
        app.get('/pay', requiresAuth() as RequestHandler, other.pay as RequestHandler);
        app.get('/arrow', (request, response) => {
          reports.show(request, response);
        });
        const names = ['show', 'showPaid', 'record', 'recordThen', 'recordFinally', 'recordLater', 'answered'] as const;
        for (const name of [...names, 'caught', 'together', 'fails'] as const) {
          app.get(`/${name}`, reports[name].bind(reports) as RequestHandler);
        }
      },
      async (api) => {
        answer = await api.call(path, { token: await issuer.token({ ...claims }) });
        // A rejection is reported after the microtasks.
        await new Promise((resolve) => setImmediate(resolve));
      },
    );
    return answer ?? expect.fail();
  }

  it.each([
    ['/wipe', {}, roleRefused, { roles: ['Admin'] }],
    ['/pay', inManyGroups, groupRefused, { groups: [payroll] }],
  ])('a handler with a decorator of another entry point is answered: %s', async (path, without, refused, granted) => {
    expect(refusalIn(await call(path, without))).toEqual(refused);
    expect([ran, unhandled]).toEqual([[], []]);
    expect((await call(path, granted)).status).toBe(200);
  });

  it.each([
    ['/show', {}, roleRefused, 'Reports.all'],
    ['/arrow', {}, roleRefused, 'Reports.all'],
    ['/showPaid', inManyGroups, groupRefused, 'Reports.paid'],
  ])('a handler that another one calls answers, and warns the developer: %s', async (path, claims, refused, name) => {
    expect(refusalIn(await call(path, claims))).toEqual(refused);
    expect([ran, unhandled]).toEqual([[], []]);
    expect(given).toEqual([expect.stringContaining(`${name} refused a call, and its caller does not wait for it`)]);
  });

  it.each([
    ['/record', { recorded: true }],
    ['/answered', { answered: true }],
  ])('the request that is answered otherwise goes on, and the developer is warned once: %s', async (path, body) => {
    for (const _turn of [1, 2]) expect((await call(path)).body).toEqual(body);
    expect([ran, unhandled]).toEqual([[], []]);
    expect(given).toEqual([expect.stringContaining('does not wait for it')]);
  });

  it.each([
    ['/recordThen', []],
    ['/recordFinally', ['finally']],
    ['/recordLater', []],
  ])('a chain that does not handle the refusal does not end the process: %s', async (path, called) => {
    expect((await call(path)).body).toEqual({ recorded: true });
    expect([ran, unhandled]).toEqual([called, []]);
  });

  it('a refusal that is awaited reaches its caller, without a warning', async () => {
    expect((await call('/caught')).body).toEqual({ reason: 'InsufficientScopeError' });
    expect(refusalIn(await call('/together'))).toEqual(roleRefused);
    expect([ran, unhandled, given]).toEqual([[], [], []]);
  });

  it.each([
    ['that did not wait for its check', { groups: [payroll] }],
    ['that waited', inManyGroups],
  ])('an error of the method itself is an ordinary rejection: of a call %s', async (_, claims) => {
    initialize({ ...issuer.options, resolveGroups: async () => Promise.resolve([payroll]) });
    expect((await call('/fails', claims)).status).toBe(200);
    expect(unhandled).toEqual([new Error('The method failed.')]);
    expect(given).toEqual([]);
  });
});
