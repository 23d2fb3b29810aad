import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  anyOf,
  requires,
  type Authenticator,
  type Demand,
  type SchemeDemand,
} from '../../src/core/access/requirement.js';
import type { Explanation } from '../../src/core/channels.js';
import type { IdentityOptions } from '../../src/core/configuration/options.js';
import type { Refusal } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import type { RequestHeaders } from '../../src/core/token/credential.js';
import { readToken } from '../../src/core/token/parsed-token.js';
import { explanationCodes, type ExplanationCode } from '../../src/gate/explanation-hints.js';
import { explain } from '../../src/gate/explanation.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js';
import { fakeClock, start } from '../support/clock.js';
import { errorOf } from '../support/refusals.js';
import { notOneToken, withoutToken } from '../support/refused-credentials.js';
import { refusedKinds } from '../support/refused-kinds.js';

const other = '99999999-2222-4333-8444-555555555555';
const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad';
const clock = fakeClock();
const startSeconds = start / 1000;

let issuer: TestIssuer;
let tenantId: string;
let clientId: string;
beforeAll(async () => {
  issuer = await startTestIssuer({ now: clock.now });
  ({ tenantId, clientId } = issuer.options);
});
beforeEach(() => {
  issuer.setFault();
});
afterAll(() => issuer.close());

const configured = (options: IdentityOptions = {}) =>
  createIdentity({ ...issuer.options, b2c: issuer.b2cOptions, now: clock.now, ...options });
const entraAlone = (options: IdentityOptions = {}) => createIdentity({ ...issuer.options, now: clock.now, ...options });
const b2cAlone = () => createIdentity({ b2c: issuer.b2cOptions, now: clock.now });

/** Claims by which a token would be known again, wherever a part of it turned up. */
const marks = { name: 'm4rk3r-name', oid: 'm4rk3r-oid', sub: 'm4rk3r-sub', jti: 'm4rk3r-jti', azp: 'm4rk3r-azp' };

interface Route {
  readonly scheme?: SchemeDemand;
  readonly demands?: readonly Demand[];
}

/** What a developer is told when a token is refused. */
async function explanationOf(token: string, identity: Authenticator, route: Route = {}) {
  const request = { headers: { authorization: `Bearer ${token}` } };
  const { scheme = { kind: 'entra' }, demands = [] } = route;
  const refusal = (await errorOf(() => identity.authenticate(request, { scheme, demands }))) as Refusal;
  return { refusal, explanation: explain(refusal, readToken(token), identity.settings, { scheme: scheme.kind }) };
}

const b2c: Route = { scheme: { kind: 'b2c' } };
const demanding = (...demands: readonly Demand[]): Route => ({ demands });

interface Row {
  readonly code: ExplanationCode;
  readonly when: string;
  readonly make: () => Promise<string>;
  readonly reason: string;
  readonly identity?: () => Authenticator;
  readonly route?: Route;
}

const rows: readonly Row[] = [
  {
    code: 'graph_token',
    when: 'is for Microsoft Graph, by its id',
    make: () => issuer.token({ ...marks, aud: '00000003-0000-0000-c000-000000000000' }),
    reason: 'audience',
  },
  {
    code: 'graph_token',
    when: 'is for Microsoft Graph, by its URL',
    make: () => issuer.v1Token({ ...marks, aud: 'https://graph.microsoft.com/' }),
    reason: 'audience',
  },
  {
    code: 'microsoft_api',
    when: 'is for Azure Resource Manager',
    make: () => issuer.v1Token({ ...marks, aud: 'https://management.core.windows.net/' }),
    reason: 'audience',
  },
  {
    code: 'microsoft_api',
    when: 'is for Azure Resource Manager, and its key is not known',
    make: () => issuer.v1Token({ ...marks, aud: 'https://management.azure.com' }, { kid: 'm4rk3r-kid' }),
    reason: 'key',
  },
  {
    code: 'graph_token',
    when: 'has a nonce in its header, and a key that is not known',
    make: () => issuer.token(marks, { nonce: 'm4rk3r-nonce', kid: 'm4rk3r-kid' }),
    reason: 'key',
  },
  {
    code: 'graph_token',
    when: 'is for Azure AD Graph, and its key is not known',
    make: () => issuer.token({ ...marks, aud: 'https://graph.windows.net' }, { kid: 'm4rk3r-kid' }),
    reason: 'key',
  },
  {
    code: 'graph_token',
    when: 'has a nonce in its header, over which it was not signed',
    make: async () => `${(await issuer.token(marks, { nonce: 'm4rk3r-nonce' })).slice(0, -8)}AAAAAAAA`,
    reason: 'signature',
  },
  {
    code: 'b2c_token',
    when: 'has a key of B2C, and B2C is not configured',
    make: () => issuer.b2cToken(marks),
    reason: 'issuer',
    identity: entraAlone,
  },
  {
    code: 'wrong_cloud',
    when: 'has a key of another cloud',
    make: () =>
      issuer.token({ ...marks, iss: `https://login.microsoftonline.us/${tenantId}/v2.0` }, { kid: 'm4rk3r-kid' }),
    reason: 'issuer',
  },
  {
    code: 'other_provider',
    when: 'comes from another identity provider',
    make: () => issuer.token({ ...marks, iss: 'https://contoso.eu.auth0.com/', tid: undefined }),
    reason: 'issuer',
  },
  {
    code: 'b2c_route',
    when: 'is a v1.0 token, whose acr is no policy',
    make: () => issuer.v1Token(marks),
    reason: 'policy',
    route: b2c,
  },
  {
    code: 'scope_missing',
    when: "is a person's without any scope",
    make: () => issuer.token({ ...marks, idtyp: 'user', scp: undefined, roles: ['m4rk3r-role'] }),
    reason: 'scope',
    route: demanding(anyOf('scope', ['reports.read'])),
  },
  {
    code: 'auth_context',
    when: 'comes from a client that cannot be sent for a stronger sign-in',
    make: () => issuer.token({ ...marks, acrs: ['m4rk3r-context'] }),
    reason: 'auth_context',
    route: demanding(...requires.authContext('c1').demands),
  },
  {
    code: 'check',
    when: 'comes from a department that the route does not take',
    make: () => issuer.token({ ...marks, department: 'm4rk3r-department' }),
    reason: 'check',
    route: demanding(...requires.claim('department', 'finance').demands),
  },
  {
    code: 'audience_form',
    when: 'has the audience in another case',
    make: () => issuer.token({ ...marks, aud: `api://${clientId.toUpperCase()}` }),
    reason: 'audience',
  },
  {
    code: 'client_token',
    when: 'is for the client itself',
    make: () => issuer.token({ ...marks, aud: marks.azp }),
    reason: 'audience',
  },
  {
    code: 'audience_uri',
    when: 'is for an Application ID URI, which may be of this API',
    make: () => issuer.token({ ...marks, aud: 'api://m4rk3r-audience' }),
    reason: 'audience',
  },
  {
    code: 'audience',
    when: 'is for several other APIs',
    make: () => issuer.token({ ...marks, aud: ['m4rk3r-first', 'm4rk3r-second'] }),
    reason: 'audience',
  },
  {
    code: 'v1_token',
    when: 'is a v1.0 token for an Application ID URI, which may be of this API',
    make: () => issuer.v1Token({ ...marks, aud: 'api://m4rk3r-audience' }),
    reason: 'audience',
  },
  {
    code: 'b2c_token',
    when: 'names a host of B2C, and B2C is not configured',
    make: () => issuer.token({ ...marks, iss: `https://m4rk3r.b2clogin.com/${other}/v2.0/` }),
    reason: 'issuer',
    identity: entraAlone,
  },
  {
    code: 'b2c_host',
    when: 'names a host of B2C that is not configured',
    make: () => issuer.b2cToken({ ...marks, iss: `https://m4rk3r.b2clogin.com/${other}/v2.0/` }),
    reason: 'issuer',
    route: b2c,
  },
  {
    code: 'b2c_issuer',
    when: 'names another tenant of B2C',
    make: () => issuer.b2cToken({ ...marks, iss: `${issuer.url}/${other}/v2.0/` }),
    reason: 'issuer',
    route: b2c,
  },
  {
    code: 'entra_token',
    when: 'names Entra ID, and B2C alone is configured',
    make: () =>
      issuer.b2cToken({ ...marks, tfp: undefined, acr: 'B2C_1_susi', iss: `https://sts.windows.net/${other}/` }),
    reason: 'issuer',
    identity: b2cAlone,
    route: b2c,
  },
  {
    code: 'wrong_instance',
    when: 'names External ID',
    make: () => issuer.token({ ...marks, iss: `https://${other}.ciamlogin.com/${other}/v2.0` }),
    reason: 'issuer',
  },
  {
    code: 'wrong_cloud',
    when: 'names another cloud',
    make: () => issuer.token({ ...marks, iss: `https://login.microsoftonline.us/${tenantId}/v2.0` }),
    reason: 'issuer',
  },
  {
    code: 'wrong_tenant',
    when: 'names another tenant',
    make: () => issuer.token({ ...marks, iss: `${issuer.url}/${other}/v2.0`, tid: other }),
    reason: 'issuer',
  },
  {
    code: 'personal_account',
    when: 'is of a personal account',
    make: () => issuer.token({ ...marks, iss: `${issuer.url}/${consumers}/v2.0`, tid: consumers }),
    reason: 'issuer',
  },
  {
    code: 'issuer',
    when: 'names an issuer of its tenant in another form',
    make: () => issuer.token({ ...marks, iss: `${issuer.url}/${tenantId}/v2.0/` }),
    reason: 'issuer',
  },
  {
    code: 'wrong_tenant',
    when: 'names a v1.0 issuer of another tenant',
    make: () => issuer.v1Token({ ...marks, iss: `${issuer.url}/sts/${other}/`, tid: other }),
    reason: 'issuer',
  },
  {
    code: 'v1_token',
    when: 'names a v1.0 issuer of its tenant in another form',
    make: () => issuer.v1Token({ ...marks, iss: `${issuer.url}/elsewhere/${tenantId}/` }),
    reason: 'issuer',
  },
  {
    code: 'id_token',
    when: 'is an ID token',
    make: () => issuer.idToken({ ...marks, azp: undefined }),
    reason: 'token_type',
  },
  {
    code: 'id_token',
    when: 'came beside an access token',
    make: () => issuer.token({ ...marks, at_hash: 'm4rk3r-hash' }),
    reason: 'token_type',
  },
  {
    code: 'no_permission',
    when: 'has neither scp nor roles',
    make: () => issuer.token({ ...marks, scp: undefined }),
    reason: 'token_type',
  },
  {
    code: 'token_type',
    when: 'says that it is something else',
    make: () => issuer.token(marks, { typ: 'm4rk3r+jwt' }),
    reason: 'token_type',
  },
  {
    code: 'no_kid',
    when: 'names no key',
    make: () => issuer.token(marks, { kid: undefined }),
    reason: 'key',
  },
  {
    code: 'unknown_key',
    when: 'names a key that its issuer does not have',
    make: () => issuer.token(marks, { kid: 'm4rk3r-kid' }),
    reason: 'key',
  },
  {
    code: 'b2c_route',
    when: 'comes from Entra ID, where B2C is configured too',
    make: () => issuer.token(marks),
    reason: 'policy',
    route: b2c,
  },
  {
    code: 'entra_route',
    when: 'comes from B2C, where it is configured, on a route for Entra ID',
    make: () => issuer.b2cToken(marks),
    reason: 'issuer',
  },
  {
    code: 'no_policy',
    when: 'comes from B2C and names no policy',
    make: () => issuer.b2cToken({ ...marks, tfp: undefined }),
    reason: 'policy',
    route: b2c,
  },
  {
    code: 'policy',
    when: 'names a policy that is not configured',
    make: () => issuer.b2cToken({ ...marks, tfp: 'm4rk3r-policy' }),
    reason: 'policy',
    route: b2c,
  },
  {
    code: 'policy',
    when: 'names a policy that is not configured, in its issuer alone',
    make: () =>
      issuer.b2cToken({
        ...marks,
        tfp: undefined,
        iss: `${issuer.url}/tfp/${issuer.b2cOptions.tenantId}/m4rk3r-policy/v2.0/`,
      }),
    reason: 'policy',
    route: b2c,
  },
  {
    code: 'route_policy',
    when: "names a policy that is not the route's",
    make: () => issuer.b2cToken(marks),
    reason: 'policy',
    route: { scheme: { kind: 'b2c', policies: ['B2C_1A_signin'] } },
  },
  {
    code: 'app_role_missing',
    when: "is an application's without the role",
    make: () => issuer.appToken({ ...marks, roles: ['m4rk3r-role'] }),
    reason: 'scope',
    route: demanding(anyOf('scope', ['reports.read'])),
  },
  {
    code: 'scope_missing',
    when: "is a person's without the scope",
    make: () => issuer.token({ ...marks, scp: 'm4rk3r-scope' }),
    reason: 'scope',
    route: demanding(anyOf('scope', ['reports.read'])),
  },
  {
    code: 'role_missing',
    when: 'lacks the role',
    make: () => issuer.token({ ...marks, roles: ['m4rk3r-role'] }),
    reason: 'role',
    route: demanding(anyOf('role', ['Admin'])),
  },
  {
    code: 'malformed',
    when: 'has a part too many',
    make: async () => `${await issuer.token(marks)}.m4rk3r`,
    reason: 'malformed',
  },
  {
    code: 'overwritten_header',
    when: 'comes from a host that overwrites the header',
    make: () =>
      issuer.token({ ...marks, iss: 'https://m4rk3r.scm.azurewebsites.net' }, { alg: 'HS256', kid: undefined }),
    reason: 'algorithm',
  },
  {
    code: 'algorithm',
    when: 'is signed otherwise',
    make: () => issuer.token(marks, { alg: 'HS256' }),
    reason: 'algorithm',
  },
  {
    code: 'signature',
    when: 'was changed',
    make: async () => `${(await issuer.token(marks)).slice(0, -8)}AAAAAAAA`,
    reason: 'signature',
  },
  {
    code: 'expired',
    when: 'is too old',
    make: () => issuer.token({ ...marks, exp: startSeconds - 60 }),
    reason: 'expired',
  },
  {
    code: 'clock_skew',
    when: 'is from the future',
    make: () => issuer.token({ ...marks, nbf: startSeconds + 60 }),
    reason: 'not_yet_valid',
  },
  {
    code: 'tenant',
    when: 'comes from a tenant that may not call',
    make: () => issuer.token(marks),
    reason: 'tenant',
    identity: () => configured({ tenantId: 'organizations', allowedTenants: [other] }),
  },
  {
    code: 'client',
    when: 'comes from a client that may not call',
    make: () => issuer.token(marks),
    reason: 'client',
    identity: () => configured({ allowedClients: [other] }),
  },
  {
    code: 'daemon_client',
    when: "is a person's, of a daemon",
    make: () => issuer.b2cAppToken({ name: marks.name }),
    reason: 'client',
    route: { scheme: { kind: 'b2c' } },
    identity: () => configured({ b2c: { ...issuer.b2cOptions, daemonClients: [issuer.b2cDaemonClient] } }),
  },
  {
    code: 'caller',
    when: "is a person's where applications call",
    make: () => issuer.token(marks),
    reason: 'caller',
    route: { scheme: { kind: 'entra', callers: 'app' } },
  },
  {
    code: 'guest',
    when: "is a guest's",
    make: () => issuer.token({ ...marks, idp: 'm4rk3r-idp' }),
    reason: 'guest',
    route: demanding(...requires.notGuest().demands),
  },
  {
    code: 'no_groups',
    when: 'has no groups',
    make: () => issuer.token(marks),
    reason: 'group',
    route: demanding(anyOf('group', ['staff'])),
  },
  {
    code: 'group',
    when: 'has other groups',
    make: () => issuer.token({ ...marks, groups: ['m4rk3r-group'] }),
    reason: 'group',
    route: demanding(anyOf('group', ['staff'])),
  },
  {
    code: 'group',
    when: 'has too many groups, and none of them is the one',
    make: () => issuer.token({ ...marks, hasgroups: true }),
    reason: 'group',
    identity: () => configured({ resolveGroups: () => ['m4rk3r-group'] }),
    route: demanding(anyOf('group', ['staff'])),
  },
  {
    code: 'groups_overage',
    when: 'has too many groups, and nobody is to be asked',
    make: () => issuer.token({ ...marks, _claim_names: { groups: 'm4rk3r-source' } }),
    reason: 'groups_overage',
    route: demanding(anyOf('group', ['staff'])),
  },
];

/** All texts in a token. Those of a letter or two stand in any sentence. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.length >= 8 ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

describe('a token', () => {
  it.each(rows)('that $when is explained as $code', async ({ code, make, reason, identity = configured, route }) => {
    const token = await make();
    const { refusal, explanation } = await explanationOf(token, identity(), route);
    expect(explanation).toEqual({
      code,
      hint: expect.stringMatching(/^[A-Z][^]*\.$/) as string,
      status: refusal.status,
      error: refusal.code,
      reason,
    });
    expect(Object.isFrozen(explanation)).toBe(true);
    expect(refusal).toMatchObject({ reason });
  });

  it.each(rows)('that $when is not quoted', async ({ make, identity = configured, route }) => {
    const token = await make();
    const { explanation } = await explanationOf(token, identity(), route);
    const tenants = `${tenantId}|contoso\\.onmicrosoft\\.com/B2C_1_susi`;
    const metadata = `${issuer.url}/(?:${tenants})(?:/v2\\.0)?/\\.well-known/openid-configuration`;
    const said = JSON.stringify(explanation).replace(new RegExp(`${metadata}|${clientId}`, 'g'), 'which is configured');
    expect(said).not.toContain('m4rk3r');
    const { header, payload } = readToken(token);
    for (const text of [...textsOf(payload), ...textsOf(header), ...token.split('.')]) expect(said).not.toContain(text);
  });
});

interface RequestRow {
  readonly code: ExplanationCode;
  readonly when: string;
  readonly explanation: () => Promise<{ readonly refusal: Refusal; readonly explanation: Explanation }>;
  readonly status: number;
  readonly error: string;
}

const nothingSeen = { header: undefined, payload: undefined };

/** What a developer is told when a request is refused before its token is looked at. */
async function explanationOfRequest(request: RequestHeaders) {
  const identity = configured();
  const authenticate = () => identity.authenticate(request, { scheme: { kind: 'entra' }, demands: [] });
  const refusal = (await errorOf(authenticate)) as Refusal;
  return { refusal, explanation: explain(refusal, nothingSeen, identity.settings, { scheme: 'entra' }) };
}

const requestRows: readonly RequestRow[] = [
  {
    code: 'no_token',
    when: 'has no token',
    explanation: () => explanationOfRequest({ headers: {} }),
    status: 401,
    error: 'missing_token',
  },
  {
    code: 'two_headers',
    when: 'has two Authorization headers',
    explanation: async () => {
      const authorization = `Bearer ${await issuer.token(marks)}`;
      const rawHeaders = ['Authorization', authorization, 'Authorization', authorization];
      return explanationOfRequest({ headers: { authorization }, rawHeaders });
    },
    status: 400,
    error: 'invalid_request',
  },
  {
    code: 'no_keys',
    when: 'comes while the keys cannot be loaded',
    explanation: async () => {
      issuer.setFault({ status: 503 });
      return explanationOf(await issuer.token(marks), configured());
    },
    status: 503,
    error: 'issuer_unavailable',
  },
  {
    code: 'configuration',
    when: 'reaches a route whose scheme is not configured',
    explanation: async () => explanationOf(await issuer.token(marks), entraAlone(), b2c),
    status: 500,
    error: 'invalid_configuration',
  },
  {
    code: 'claims_challenge',
    when: 'needs a stronger sign-in',
    explanation: async () => {
      const token = await issuer.token({ ...marks, xms_cc: ['cp1'], acrs: ['m4rk3r-context'] });
      return explanationOf(token, configured(), demanding(...requires.authContext('c1').demands));
    },
    status: 401,
    error: 'insufficient_claims',
  },
];

describe('a request', () => {
  it.each(requestRows)('that $when is explained as $code', async ({ code, explanation: make, status, error }) => {
    const { refusal, explanation } = await make();
    expect(explanation).toEqual({
      code,
      hint: expect.stringMatching(/^[A-Z][^]*\.$/) as string,
      status,
      error,
      reason: undefined,
    });
    expect(refusal).toMatchObject({ status, code: error });
    expect(JSON.stringify(explanation)).not.toContain('m4rk3r');
  });
});

describe('the codes', () => {
  it('are each reached by a case of this spec, or of those in features', () => {
    // explained-credentials, explained-kinds, asked-too-early, called-too-early and own-signing-key have the others.
    const ofCredentials = [...withoutToken, ...notOneToken].map(([, , code]) => code);
    const reached = new Set<string>([
      ...[...rows, ...requestRows, ...refusedKinds].map(({ code }) => code),
      ...ofCredentials,
      'not_verified_yet',
      'other_configuration',
      'own_signing_key',
    ]);
    expect(reached).toEqual(new Set(explanationCodes));
  });
});
