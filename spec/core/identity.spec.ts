import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError, IssuerUnavailableError } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import type { IdentityOptions } from '../../src/core/options.js';
import { anyOf, type Requirement } from '../../src/core/requirement.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing/issuer.js';
import { errorOf, expectRefused, refuses } from '../support/refusals.js';

const client = '99999999-2222-4333-8444-555555555555';
const entra: Requirement['scheme'] = { kind: 'entra', policies: undefined };
const b2c = (...policies: readonly string[]): Requirement['scheme'] => ({
  kind: 'b2c',
  policies: policies.length > 0 ? policies : undefined,
});

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
beforeEach(() => {
  issuer.setFault();
});
afterAll(() => issuer.close());

const both = (options: IdentityOptions = {}) =>
  createIdentity({ ...issuer.options, b2c: issuer.b2cOptions, ...options });
const entraAlone = (options: IdentityOptions = {}) => createIdentity({ ...issuer.options, ...options });
const b2cAlone = () => createIdentity({ b2c: issuer.b2cOptions });

type Identity = ReturnType<typeof createIdentity>;
const present = (
  identity: Identity,
  token: string,
  scheme: Requirement['scheme'],
  ...demands: Requirement['demands']
) => identity.authenticate({ headers: { authorization: `Bearer ${token}` } }, { scheme, demands });

/** The message a request is answered 500 for. */
async function misconfiguration(run: () => unknown): Promise<string> {
  const error = await errorOf(run);
  expect(error).toBeInstanceOf(ConfigurationError);
  return (error as Error).message;
}

describe('the scheme', () => {
  it('is the one that is configured where a route names none', async () => {
    expect(await present(entraAlone(), await issuer.token(), undefined)).toMatchObject({ kind: 'entra' });
    expect(await present(b2cAlone(), await issuer.b2cToken(), undefined)).toMatchObject({ kind: 'b2c' });
  });

  it('is the one that a route names where both are configured', async () => {
    expect(await present(both(), await issuer.token(), entra)).toMatchObject({ kind: 'entra' });
    expect(await present(both(), await issuer.b2cToken(), b2c())).toMatchObject({ kind: 'b2c' });
  });

  it.each<[string, () => Identity, Requirement['scheme'], RegExp]>([
    ['both are configured and a route names none', both, undefined, /@RequiresAuth\(\) or @RequiresB2cAuth\(\)/],
    ['a route asks for Entra ID and B2C is configured', b2cAlone, entra, /tenantId and clientId/],
    ['a route asks for B2C and Entra ID is configured', entraAlone, b2c(), /no b2c/],
    ['a route names a policy that is not configured', both, b2c('B2C_1_edit'), /b2c\.policies/],
    ['a route names one such policy among others', both, b2c('B2C_1_susi', 'B2C_1_edit'), /b2c\.policies/],
  ])('answers 500 where %s', async (_, make, scheme, message) => {
    const identity = make();
    const tokens = [await issuer.token(), await issuer.b2cToken()];
    for (const token of tokens) {
      // Twice: a misconfiguration is not forgiven the second time.
      expect(await misconfiguration(() => present(identity, token, scheme))).toMatch(message);
      expect(await misconfiguration(() => present(identity, token, scheme))).toMatch(message);
    }
    expect(await misconfiguration(() => identity.authenticate({ headers: {} }, { scheme, demands: [] }))).toMatch(
      message,
    );
  });
});

describe('the credential', () => {
  it('is needed', async () => {
    await refuses(() => both().authenticate({ headers: {} }, { scheme: entra, demands: [] }), 'missing_token');
  });

  it('is needed once', async () => {
    const authorization = `Bearer ${await issuer.token()}`;
    const rawHeaders = ['Authorization', authorization, 'authorization', authorization];
    const request = { headers: { authorization }, rawHeaders };
    await refuses(() => both().authenticate(request, { scheme: entra, demands: [] }), 'invalid_request');
  });
});

describe('allowedClients', () => {
  const identity = () => both({ allowedClients: [client] });

  it.each<[string, () => Promise<string>, Requirement['scheme']]>([
    ['azp of a v2.0 token', () => issuer.token({ azp: client }), entra],
    ['appid of a v1.0 token', () => issuer.v1Token({ appid: client }), entra],
    ['azp of an app-only token', () => issuer.appToken({ azp: client }), entra],
    ['azp of a B2C token', () => issuer.b2cToken({ azp: client }), b2c()],
  ])('let a client in by %s', async (_, make, scheme) => {
    expect(await present(identity(), await make(), scheme)).toHaveProperty('claims');
  });

  it.each<[string, () => Promise<string>, Requirement['scheme']]>([
    ['azp of a v2.0 token', () => issuer.token(), entra],
    ['appid of a v1.0 token', () => issuer.v1Token(), entra],
    ['azp of an app-only token', () => issuer.appToken(), entra],
    ['azp of a B2C token', () => issuer.b2cToken(), b2c()],
    ['azp, whatever appid says', () => issuer.token({ appid: client }), entra],
  ])('keep another client out by %s, also when its token comes back', async (_, make, scheme) => {
    const [by, token] = [identity(), await make()];
    await present(both(), token, scheme);
    await refuses(() => present(by, token, scheme), 'client');
    await refuses(() => present(by, token, scheme), 'client');
  });
});

describe('scopes and roles', () => {
  it('are held against each route, also when the token comes back', async () => {
    const [identity, token] = [both(), await issuer.token({ scp: 'report.read', roles: ['User'] })];
    const read = anyOf('scope', ['report.read', 'report.write']);
    for (let round = 0; round < 2; round++) {
      expect(await present(identity, token, entra, read)).toHaveProperty('claims');
      await refuses(
        () => present(identity, token, entra, anyOf('scope', ['report.write', 'a'])),
        'scope',
        'report.write a',
      );
      await refuses(() => present(identity, token, entra, read, anyOf('scope', ['a'])), 'scope', 'a');
      await refuses(() => present(identity, token, entra, anyOf('role', ['Admin'])), 'role');
    }
  });

  it("of an application are its roles, and a person's roles are no scopes", async () => {
    const demand = anyOf('scope', ['access']);
    expect(await present(both(), await issuer.appToken({ roles: ['access'] }), entra, demand)).toHaveProperty('claims');
    const person = await issuer.token({ scp: 'other', roles: ['access'] });
    await refuses(() => present(both(), person, entra, demand), 'scope', 'access');
  });
});

describe('policies', () => {
  it('hold for the route that names them, also when the token comes back', async () => {
    const [identity, token] = [both(), await issuer.b2cToken({ tfp: 'B2C_1_susi' })];
    for (let round = 0; round < 2; round++) {
      expect(await present(identity, token, b2c('b2c_1_SUSI'))).toHaveProperty('policy', 'B2C_1_susi');
      expect(await present(identity, token, b2c('B2C_1A_signin', 'B2C_1_susi'))).toHaveProperty('claims');
      await refuses(() => present(identity, token, b2c('B2C_1A_signin')), 'policy');
    }
  });
});

describe('the order', () => {
  const missing = anyOf('scope', ['missing']);

  it('looks for a credential before anything else', async () => {
    const request = { headers: { authorization: 'Bearer not-a-token' } };
    await refuses(() => both().authenticate(request, { scheme: entra, demands: [missing] }), 'malformed');
  });

  it('looks at the token before the client', async () => {
    const token = await issuer.token({ aud: 'another' });
    await refuses(() => present(both({ allowedClients: [client] }), token, entra, missing), 'audience');
  });

  it("looks at the route's policy before the client", async () => {
    const token = await issuer.b2cToken({ tfp: 'B2C_1_susi' });
    await refuses(() => present(both({ allowedClients: [client] }), token, b2c('B2C_1A_signin'), missing), 'policy');
  });

  it('looks at the client before scopes and roles', async () => {
    const token = await issuer.token();
    await refuses(() => present(both({ allowedClients: [client] }), token, entra, missing), 'client');
  });
});

describe('errors', () => {
  it.each(['respond', 'forward'] as const)('says %s as configured', (errors) => {
    expect(both({ errors }).errors).toBe(errors);
  });
});

describe('ready', () => {
  it('loads what the first request would', async () => {
    const identity = both();
    await identity.ready();
    const before = { ...issuer.requests };
    await present(identity, await issuer.token(), entra);
    await present(identity, await issuer.b2cToken(), b2c());
    await present(identity, await issuer.b2cToken({ tfp: 'B2C_1A_signin' }), b2c());
    expect(issuer.requests).toEqual(before);
  });

  it.each<[string, () => Identity, string]>([
    ['Entra ID', entraAlone, 'tenantId and instance'],
    ['B2C', b2cAlone, 'b2c.domainName, b2c.policies and b2c.tenantId'],
  ])('rejects with the cause, and the options of %s to look at', async (_, make, options) => {
    issuer.setFault({ status: 404 });
    const error = await errorOf(() => make().ready());
    expectRefused(error, 'issuer_unavailable');
    expect(error).toBeInstanceOf(IssuerUnavailableError);
    expect((error as Error).message).toContain(options);
    expect((error as Error).cause).toBeInstanceOf(Error);
  });

  it.each<[string, () => IdentityOptions]>([
    ['another Entra tenant', () => ({ ...issuer.options, tenantId: client })],
    ['another B2C tenant', () => ({ b2c: { ...issuer.b2cOptions, tenantId: client } })],
  ])('rejects where the issuer belongs to %s than the one configured', async (_, options) => {
    const error = await errorOf(() => createIdentity(options()).ready());
    expectRefused(error, 'issuer_unavailable');
    expect((error as Error).message).toMatch(/issuer that does not belong/);
  });
});

describe('close', () => {
  it('ends a download under way, and leaves what is at hand', async () => {
    const identity = both();
    const token = await issuer.token();
    await present(identity, token, entra);
    issuer.setFault({ answer: () => undefined });
    const waiting = errorOf(async () => present(identity, await issuer.b2cToken(), b2c()));
    identity.close();
    expectRefused(await waiting, 'issuer_unavailable');
    expect(await present(identity, token, entra)).toHaveProperty('claims');
    expect(await present(identity, await issuer.token({ uti: 'another' }), entra)).toHaveProperty('claims');
  });
});
