import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AccessTokenClaims } from '../../src/core/access-token-claims.js';
import { anyOf, type Requirement } from '../../src/core/access/requirement.js';
import type { IdentityOptions } from '../../src/core/configuration/options.js';
import { ConfigurationError, IssuerUnavailableError } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import { consumerTenant } from '../../src/core/issuers/issuer.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js';
import { errorOf, expectRefused, refuses, type RefusalName } from '../support/refusals.js';

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
async function present(
  identity: Identity,
  text: string,
  scheme: Requirement['scheme'],
  ...demands: Requirement['demands']
) {
  const { token } = await identity.authenticate({ headers: { authorization: `Bearer ${text}` } }, { scheme, demands });
  return token;
}

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
    [
      'both are configured and a route names none',
      both,
      undefined,
      /^A route names no scheme, .* @RequiresB2cAuth\(\)/,
    ],
    ['a route asks for Entra ID and B2C is configured', b2cAlone, entra, /Entra ID, .* Set tenantId and clientId,/],
    ['a route asks for B2C and Entra ID is configured', entraAlone, b2c(), /B2C, .* Set b2c,/],
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

describe('the scheme of either', () => {
  const any: Requirement['scheme'] = { kind: 'any' };

  it.each<[string, () => Promise<string>, string]>([
    ['a v2.0 token', () => issuer.token(), 'entra'],
    ['a v1.0 token, whose acr is no policy', () => issuer.v1Token(), 'entra'],
    ['an app-only token', () => issuer.appToken(), 'entra'],
    ['a B2C token', () => issuer.b2cToken(), 'b2c'],
    ['a B2C token with its policy in acr', () => issuer.b2cToken({ tfp: undefined, acr: 'b2c_1_SUSI' }), 'b2c'],
  ])('takes %s, also when it comes back', async (_, make, kind) => {
    const [identity, token] = [both(), await make()];
    for (let round = 0; round < 2; round++) expect(await present(identity, token, any)).toMatchObject({ kind });
  });

  it.each<[string, () => Promise<string>, 'key' | 'audience' | 'malformed' | 'issuer' | 'token_type']>([
    ['a B2C policy that Entra ID signed for', () => issuer.token({ tfp: 'B2C_1_susi' }), 'issuer'],
    ['a policy that is not configured', () => issuer.b2cToken({ tfp: 'B2C_1_edit' }), 'issuer'],
    ['no policy, and is signed by B2C', () => issuer.b2cToken({ tfp: undefined }), 'issuer'],
    ["the audience of Entra ID, and is B2C's", () => issuer.b2cToken({ aud: issuer.options.clientId }), 'audience'],
    ["the audience of B2C, and is Entra ID's", () => issuer.token({ aud: issuer.b2cOptions.clientId }), 'audience'],
    ['nothing', () => Promise.resolve('a.b.c'), 'malformed'],
    ['an issuer that is none of the policy', () => issuer.b2cToken({ iss: `${issuer.url}/elsewhere/v2.0/` }), 'issuer'],
    ['what an ID token says', () => issuer.idToken(), 'token_type'],
  ])('refuses a token that names %s', async (_, make, reason) => {
    const identity = both();
    expect(await present(identity, await issuer.token(), any)).toHaveProperty('claims');
    expect(await present(identity, await issuer.b2cToken(), any)).toHaveProperty('claims');
    const token = await make();
    await refuses(() => present(identity, token, any), reason);
  });

  it('goes by what a token says, not by which route has seen it', async () => {
    const [identity, token] = [both(), await issuer.token({ tfp: 'B2C_1_susi' })];
    for (let round = 0; round < 2; round++) {
      await refuses(() => present(identity, token, any), 'issuer');
      expect(await present(identity, token, entra)).toMatchObject({ kind: 'entra' });
    }
  });

  it.each<[string, IdentityOptions['tokenCache'], boolean]>([
    ['does not read a token again that comes back', undefined, false],
    ['reads a token again where the cache is off', false, true],
    ['reads a token again that another one took the place of', { maxEntries: 1 }, true],
  ])('%s', async (_, tokenCache, isReadAgain) => {
    const identity = both(tokenCache === undefined ? {} : { tokenCache });
    const tokens = [await issuer.token(), await issuer.b2cToken()];
    for (const token of tokens) await present(identity, token, any);
    const parse = vi.spyOn(JSON, 'parse');
    try {
      expect(await present(identity, tokens[0] ?? '', any)).toMatchObject({ kind: 'entra' });
      // The verifier that is chosen reads a token that it does not remember; choosing it is one more reading.
      const readings = parse.mock.calls.length;
      expect(readings > 0).toBe(isReadAgain);
      if (tokenCache === false) expect(readings).toBe(2);
    } finally {
      parse.mockRestore();
    }
  });

  it.each([['Entra ID', entraAlone] as const, ['B2C', b2cAlone] as const])(
    'answers 500 where %s alone is configured',
    async (_, make) => {
      const identity = make();
      for (const token of [await issuer.token(), await issuer.b2cToken()]) {
        expect(await misconfiguration(() => present(identity, token, any))).toMatch(
          /Entra ID and B2C, .* Set tenantId, clientId and b2c,/,
        );
      }
    },
  );
});

describe('the authority of a token', () => {
  it('is where a client goes for another', async () => {
    const { tenantId } = issuer.options;
    expect(await present(both(), await issuer.token(), entra)).toMatchObject({
      authority: { realm: tenantId, authorizationUri: `${issuer.url}/${tenantId}/oauth2/v2.0/authorize` },
    });
    expect(await present(both(), await issuer.b2cToken({ tfp: 'b2c_1a_SIGNIN' }), b2c())).toMatchObject({
      authority: {
        realm: 'contoso.onmicrosoft.com',
        authorizationUri: `${issuer.url}/contoso.onmicrosoft.com/B2C_1A_signin/oauth2/v2.0/authorize`,
      },
    });
  });
});

describe('the two hosts of B2C', () => {
  const customDomain = 'login.contoso.com';
  const customOrigin = `https://${customDomain}`;
  /** The issuer behind a custom domain: the same keys, its own name in the documents. */
  const fetch = (async (url: string, init?: RequestInit) => {
    if (!url.startsWith(customOrigin)) return globalThis.fetch(url, init);
    const answer = await globalThis.fetch(url.replace(customOrigin, issuer.url), init);
    return new Response((await answer.text()).replaceAll(issuer.url, customOrigin), {
      headers: { 'Content-Type': 'application/json' },
    });
  }) as typeof globalThis.fetch;
  const onCustomDomain = (claims = {}) =>
    issuer.b2cToken({ iss: `${customOrigin}/${issuer.b2cOptions.tenantId}/v2.0/`, ...claims });
  const twoHosts = () => createIdentity({ b2c: { ...issuer.b2cOptions, customDomain }, fetch });

  it('are both accepted, each by its own documents', async () => {
    const identity = twoHosts();
    expect(await present(identity, await issuer.b2cToken(), b2c())).toMatchObject({
      policy: 'B2C_1_susi',
      authority: { authorizationUri: `${issuer.url}/contoso.onmicrosoft.com/B2C_1_susi/oauth2/v2.0/authorize` },
    });
    expect(await present(identity, await onCustomDomain(), b2c())).toMatchObject({
      policy: 'B2C_1_susi',
      authority: { authorizationUri: `${customOrigin}/contoso.onmicrosoft.com/B2C_1_susi/oauth2/v2.0/authorize` },
    });
  });

  it('are not accepted where one of them alone is configured', async () => {
    await refuses(async () => present(b2cAlone(), await onCustomDomain(), b2c()), 'issuer');
    const { domainName, policies, clientId, tenantId } = issuer.b2cOptions;
    const custom = createIdentity({ b2c: { domainName, policies, clientId, tenantId, customDomain }, fetch });
    expect(await present(custom, await onCustomDomain(), b2c())).toHaveProperty('claims');
    await refuses(async () => present(custom, await issuer.b2cToken(), b2c()), 'issuer');
  });

  it.each<[string, (tenantId: string) => string]>([
    ['a third host', (tenantId) => `https://login.fabrikam.com/${tenantId}/v2.0/`],
    ['a host that starts alike', (tenantId) => `${customOrigin}.example/${tenantId}/v2.0/`],
    ['the custom domain, over plain http', (tenantId) => `http://${customDomain}/${tenantId}/v2.0/`],
    ['the custom domain, for another tenant', () => `${customOrigin}/${client}/v2.0/`],
    ['the custom domain, in another form', (tenantId) => `${customOrigin}/${tenantId}/v2.0`],
  ])('do not let in an issuer on %s', async (_, iss) => {
    const identity = twoHosts();
    const token = await issuer.b2cToken({ iss: iss(issuer.b2cOptions.tenantId) });
    await refuses(() => present(identity, token, b2c()), 'issuer');
  });

  it('hold the policy of the route on either', async () => {
    const identity = twoHosts();
    await refuses(async () => present(identity, await onCustomDomain(), b2c('B2C_1A_signin')), 'policy');
    await refuses(async () => present(identity, await onCustomDomain({ tfp: 'B2C_1_edit' }), b2c()), 'policy');
  });

  it('are both loaded ahead of the first request', async () => {
    const identity = twoHosts();
    await identity.ready();
    const before = { ...issuer.requests };
    await present(identity, await issuer.b2cToken(), b2c());
    await present(identity, await onCustomDomain({ tfp: 'B2C_1A_signin' }), b2c());
    expect(issuer.requests).toEqual(before);
  });
});

describe('allowedTenants as a function', () => {
  type Question = (tid: string) => unknown;
  const many = (allowedTenants: Question, options: IdentityOptions = {}) =>
    both({ tenantId: 'organizations', allowedTenants: allowedTenants as (tid: string) => boolean, ...options });

  it.each<[string, Question]>([
    ['at once', (tid) => tid === issuer.options.tenantId],
    ['later', (tid) => Promise.resolve(tid === issuer.options.tenantId)],
  ])('lets in the tenant it says yes to %s', async (_, question) => {
    const identity = many(question);
    for (const token of [await issuer.token(), await issuer.v1Token(), await issuer.appToken()]) {
      for (let round = 0; round < 2; round++) {
        expect(await present(identity, token, entra)).toHaveProperty('claims.tid', issuer.options.tenantId);
      }
    }
  });

  it.each<[string, unknown]>([
    ['false', false],
    ['nothing', undefined],
    ['null', null],
    ['1', 1],
    ["'yes'", 'yes'],
    ["'true'", 'true'],
    ['an object', {}],
    ['a list', [true]],
    ['a Boolean that is an object', Object(true)],
    ['a function', () => true],
  ])('takes nothing but true for a yes: %s', async (_, answer) => {
    const token = await issuer.token();
    expect(
      await present(
        many(() => true),
        token,
        entra,
      ),
    ).toHaveProperty('claims');
    for (const question of [() => answer, () => Promise.resolve(answer)]) {
      const identity = many(question);
      await refuses(() => present(identity, token, entra), 'tenant');
      // Also when the token, which is a good one, comes back.
      await refuses(() => present(identity, token, entra), 'tenant');
    }
  });

  it('is asked with the tenant, for each request', async () => {
    const question = vi.fn(() => true);
    const identity = many(question);
    const token = await issuer.token();
    for (let round = 0; round < 3; round++) await present(identity, token, entra);
    expect(question.mock.calls).toEqual(Array.from({ length: 3 }, () => [issuer.options.tenantId]));
  });

  it('may change its mind about a token that was let in before', async () => {
    let answer = true;
    const identity = many(() => answer);
    const token = await issuer.token();
    expect(await present(identity, token, entra)).toHaveProperty('claims');
    answer = false;
    await refuses(() => present(identity, token, entra), 'tenant');
    answer = true;
    expect(await present(identity, token, entra)).toHaveProperty('claims');
  });

  it.each<[string, () => Promise<string>, RefusalName]>([
    ['another audience', () => issuer.token({ aud: 'another' }), 'audience'],
    ['an end that is past', () => issuer.token({ exp: 1_000 }), 'expired'],
    ['another key', () => issuer.token({}, { kid: 'another' }), 'key'],
    ['a spoilt signature', async () => `${(await issuer.token()).slice(0, -8)}AAAAAAAA`, 'signature'],
    ['another issuer', () => issuer.token({ iss: `https://login.example/${client}/v2.0`, tid: client }), 'issuer'],
    ['a tid that is not its issuer', () => issuer.token({ tid: client }), 'tenant'],
    ['no tid', () => issuer.token({ tid: undefined }), 'tenant'],
    ['no access', () => issuer.idToken(), 'token_type'],
    ['no form', () => Promise.resolve('a.b'), 'malformed'],
    [
      'the tenant of personal accounts',
      () => issuer.token({ tid: consumerTenant, iss: `${issuer.url}/${consumerTenant}/v2.0` }),
      'tenant',
    ],
  ])('is not asked about a token with %s', async (_, make, reason) => {
    const question = vi.fn(() => true);
    const identity = many(question);
    const token = await make();
    await refuses(() => present(identity, token, entra), reason);
    expect(question).not.toHaveBeenCalled();
  });

  it('is not asked about B2C', async () => {
    const question = vi.fn(() => false);
    for (const scheme of [b2c(), { kind: 'any' } as const]) {
      expect(await present(many(question), await issuer.b2cToken(), scheme)).toHaveProperty('claims');
    }
    expect(question).not.toHaveBeenCalled();
  });

  it('answers before the client and what the route demands are looked at', async () => {
    const demand = anyOf('scope', ['missing']);
    const token = await issuer.token();
    for (const question of [() => false, () => Promise.resolve(false)]) {
      await refuses(() => present(many(question, { allowedClients: [client] }), token, entra, demand), 'tenant');
    }
    for (const question of [() => true, () => Promise.resolve(true)]) {
      await refuses(() => present(many(question, { allowedClients: [client] }), token, entra, demand), 'client');
      await refuses(() => present(many(question), token, entra, demand), 'scope', 'missing');
    }
  });

  it('lets nobody in where it throws or rejects, and tells the developer', async () => {
    const cause = new Error('The database is away.');
    const throws = () => {
      throw cause;
    };
    const token = await issuer.token();
    for (const question of [throws, () => Promise.reject(cause)]) {
      const error = await errorOf(() => present(many(question), token, entra));
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(error).toMatchObject({ status: 500, cause, message: 'initialize: allowedTenants: threw an error.' });
    }
  });
});

describe('resolveGroups', () => {
  const group = anyOf('group', ['staff']);
  const asking = (resolveGroups: (claims: AccessTokenClaims) => unknown) =>
    both({ resolveGroups: resolveGroups as () => readonly string[] });
  const overage = () => issuer.token({ _claim_names: { groups: 'src1' } });

  it('is asked where the token could not hold the groups, also when it comes back', async () => {
    const resolveGroups = vi.fn((claims: AccessTokenClaims) => [claims.scp ?? '', 'staff']);
    const [identity, token] = [asking(resolveGroups), await overage()];
    for (let round = 0; round < 2; round++)
      expect(await present(identity, token, entra, group)).toHaveProperty('claims');
    expect(resolveGroups).toHaveBeenCalledTimes(2);
    expect(Object.isFrozen(resolveGroups.mock.calls[0]?.[0])).toBe(true);
  });

  it('is not asked where the token holds them, or where no group is demanded', async () => {
    const resolveGroups = vi.fn(() => ['staff']);
    const identity = asking(resolveGroups);
    expect(await present(identity, await issuer.token({ groups: ['staff'] }), entra, group)).toHaveProperty('claims');
    expect(await present(identity, await overage(), entra)).toHaveProperty('claims');
    expect(await errorOf(async () => present(identity, await issuer.token(), entra, group))).toMatchObject({
      status: 403,
      reason: 'group',
    });
    expect(resolveGroups).not.toHaveBeenCalled();
  });

  it('is missed where there is none', async () => {
    expect(await errorOf(async () => present(both(), await overage(), entra, group))).toMatchObject({
      status: 403,
      reason: 'groups_overage',
    });
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('Graph is away.');
      },
    ],
    ['rejects', () => Promise.reject(new Error('Graph is away.'))],
    ['answers with no list', () => 'staff'],
    ['answers with a list of objects', () => [{ id: 'staff' }]],
  ])('lets nobody in where it %s', async (_, resolveGroups) => {
    const identity = asking(resolveGroups);
    const token = await overage();
    expect(await misconfiguration(() => present(identity, token, entra, group))).toMatch(
      /^initialize: resolveGroups: /,
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

describe('resourceMetadata', () => {
  it('is what the options describe, or nothing', () => {
    expect(both().resourceMetadata).toBeUndefined();
    expect(both({ resourceMetadata: { resource: 'https://api.example' } }).resourceMetadata).toMatchObject({
      resource: 'https://api.example',
      bearer_methods_supported: ['header'],
    });
  });
});

describe('errors', () => {
  it.each(['respond', 'forward'] as const)('says %s as configured', (errors) => {
    expect(both({ errors }).settings.errors).toBe(errors);
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
    const error = await waiting;
    expectRefused(error, 'issuer_unavailable');
    const { cause } = error as { readonly cause: Error };
    expect(cause.cause).toEqual(new Error('The identity was closed.'));
    expect(await present(identity, token, entra)).toHaveProperty('claims');
    expect(await present(identity, await issuer.token({ uti: 'another' }), entra)).toHaveProperty('claims');
  });
});
