/** A method of a service is held against the token of the request, whatever the route that calls it asked for. */
import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { initialize } from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expectRefusal, type Answer, type Api } from '../support/api.js';
import { hosts, partnersIssuer, payroll, ran } from '../support/hosts/services.js';
import { forgetWarnings } from '../support/isolation.js';

let issuer: TestIssuer;
let given: unknown[];

beforeAll(async () => {
  issuer = await startTestIssuer();
});
beforeEach(() => {
  ran.length = 0;
  given = [];
  forgetWarnings();
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => given.push(warning));
  initialize({ ...issuer.options, b2c: issuer.b2cOptions });
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => Promise.all([issuer.close(), partnersIssuer.close()]));

type Claims = Parameters<TestIssuer['token']>[0];

const insufficient = (text: string) => `Bearer error="insufficient_scope", error_description="${text}"`;
const roleChallenge = insufficient('The access token does not carry the role this request needs.');

/** A person who is in more groups than a token has room for. */
const inManyGroups = { hasgroups: true };

describe.each(hosts)('a method that a route calls, on $name', ({ start }) => {
  let api: Api;
  beforeEach(async () => {
    api = await start();
  });
  afterEach(() => api.close());

  const call = async (name: string, claims: Claims = {}): Promise<Answer> =>
    api.call(`/call/${name}`, { token: await issuer.token(claims) });

  it.each<[string, Claims, number, string]>([
    ['remove', {}, 403, roleChallenge],
    ['removeNow', {}, 403, roleChallenge],
    ['any', {}, 403, roleChallenge],
    [
      'write',
      { scp: 'reports.read' },
      403,
      `${insufficient('The access token does not carry the scope this request needs.')}, scope="reports.write"`,
    ],
    ['sweep', { roles: ['Admin'] }, 403, insufficient('This kind of caller is not accepted.')],
    ['salaries', { groups: [] }, 403, insufficient('The caller is in none of the groups this request needs.')],
    [
      'customers',
      {},
      401,
      'Bearer error="invalid_token", error_description="The access token comes from a policy that is not accepted."',
    ],
    [
      'transfer',
      {},
      403,
      insufficient('This request needs a stronger sign-in, which the client application cannot ask for.'),
    ],
  ])('refuses as its gate would: %s, with %j', async (name, claims, status, challenge) => {
    const answer = await call(name, claims);
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([status, challenge]);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(ran).toEqual([]);
  });

  it.each<[string, Claims]>([
    ['remove', { roles: ['Admin'] }],
    ['removeNow', { roles: ['Admin'] }],
    ['any', { roles: ['Admin'] }],
    ['write', { scp: 'reports.write' }],
    ['salaries', { groups: [payroll] }],
    ['salariesNow', { groups: [payroll] }],
    ['transfer', { acrs: ['c1'] }],
  ])('runs for a token that satisfies it: %s, with %j', async (name, claims) => {
    const answer = await call(name, claims);
    expect([answer.status, answer.body]).toEqual([200, { result: name }]);
    expect(ran).toEqual([name]);
  });

  it('runs for an application where it is for applications', async () => {
    const answer = await api.call('/call/sweep', { token: await issuer.appToken({ roles: ['any'] }) });
    expect([answer.status, answer.body]).toEqual([200, { result: 'sweep' }]);
  });

  it('sends a client that understands for a stronger sign-in, and tells it where', async () => {
    const answer = await call('transfer', { xms_cc: ['cp1'] });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(
      /^Bearer realm="[^"]+", authorization_uri="[^"]+", error="insufficient_claims", claims="[^"]+"$/,
    );
  });

  it('names the resource metadata where it refuses', async () => {
    initialize({ ...issuer.options, resourceMetadata: { resource: 'https://api.example' } });
    const answer = await call('remove');
    expect(answer.headers['www-authenticate']).toBe(
      `${roleChallenge}, resource_metadata="https://api.example/.well-known/oauth-protected-resource"`,
    );
  });

  it('refuses anonymous requests, at the gate and on an open route', async () => {
    expectRefusal(await api.call('/call/remove'), 'missing_token');
    const answer = await api.call('/open/remove', { token: await issuer.token({ roles: ['Admin'] }) });
    expectRefusal(answer, 'server_error');
    expect(given).toEqual([expect.stringMatching(/^Reports\.remove is protected, and was called without .*runAs/)]);
    expect(ran).toEqual([]);
  });

  it('judges what an override calls by super as the class of the instance has it', async () => {
    expect((await call('super')).status).toBe(403);
    expect(ran).toEqual([]);
    expect((await call('super', { roles: ['Admin'] })).status).toBe(200);
    expect(ran).toEqual(['override', 'remove']);
    ran.length = 0;
    // The override lifts what it calls.
    expect((await call('liftedSuper')).status).toBe(200);
    expect(ran).toEqual(['removeNow']);
  });

  it.each(['salaries', 'salariesTwice', 'salariesAtOnce'])('looks groups up once in a request: %s', async (name) => {
    const resolveGroups = vi.fn(async () => Promise.resolve([payroll]));
    initialize({ ...issuer.options, resolveGroups });
    expect((await call(name, inManyGroups)).status).toBe(200);
    expect(resolveGroups).toHaveBeenCalledTimes(1);
    expect((await call(name, inManyGroups)).status).toBe(200);
    expect(resolveGroups).toHaveBeenCalledTimes(2);
  });

  it('refuses where the groups that were looked up do not satisfy it', async () => {
    initialize({ ...issuer.options, resolveGroups: async () => Promise.resolve([]) });
    const answer = await call('salariesAtOnce', inManyGroups);
    expect(answer.headers['www-authenticate']).toBe(
      insufficient('The caller is in none of the groups this request needs.'),
    );
    expect(ran).toEqual([]);
  });

  it('asks for an async method where groups have to be looked up', async () => {
    initialize({ ...issuer.options, resolveGroups: async () => Promise.resolve([payroll]) });
    expectRefusal(await call('salariesNow', inManyGroups), 'server_error');
    expect(given).toEqual([expect.stringMatching(/^Reports\.salariesNow requires .* is not async/)]);
    expect(ran).toEqual([]);
  });

  it('refuses a method that is bound to another configuration than the token was verified against', async () => {
    expectRefusal(await call('partners'), 'server_error');
    expect(given).toEqual([expect.stringMatching(/^Reports\.partners requires a token of another configuration/)]);
    expect(ran).toEqual([]);
  });
});
