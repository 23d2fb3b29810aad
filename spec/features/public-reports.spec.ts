/** What people reported in public about protecting an API with Microsoft's tokens, tried on this library. Each test names a report. */
import type { Request as ExpressRequest } from 'express';
import { SignJWT } from 'jose';
import 'reflect-metadata';
import { Get, JsonController, Req } from 'routing-controllers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ExplanationCode } from '../../src/gate/explanation-hints.js';
import { AllowAnonymous } from '../../src/index.js';
import {
  authenticate,
  initialize,
  protect,
  ValidateScope,
  type IdentityOptions,
  type RequirementOptions,
} from '../../src/fetch.js';
import { read, run } from '../doctor/run.js';
import { expectRefusal, serve } from '../support/api.js';
import { minute, start } from '../support/clock.js';
import { collectExplanations } from '../support/explanations.js';
import { forgetWarnings } from '../support/isolation.js';
import { refusals } from '../support/refusals.js';
import {
  b2cClaims,
  client,
  clientId,
  consumers,
  global,
  held,
  key,
  otherKey,
  otherTenant,
  standIn,
  template,
  tenant,
  v1Claims,
  v1Documents,
  v2Claims,
  v2Documents,
  wellKnown,
  type Claims,
  type Documents,
} from './tenants/microsoft.js';

const graph = '00000003-0000-0000-c000-000000000000';
const sts = 'https://sts.windows.net';
const fabrikam = 'https://fabrikam.ciamlogin.com';
const contoso = 'https://contoso.b2clogin.com';
const b2cBase = `${contoso}/contoso.onmicrosoft.com/B2C_1_susi`;
const keys = [held(key)];

const documents: Documents = {
  ...v2Documents(`${global}/${tenant}`, { issuer: `${global}/${tenant}/v2.0`, keys }),
  ...v1Documents(`${global}/${tenant}`, { issuer: `${sts}/${tenant}/`, keys }),
  ...v2Documents(`${global}/organizations`, { issuer: template, keys }),
  ...v1Documents(`${global}/organizations`, { issuer: `${sts}/{tenantid}/`, keys }),
  ...v2Documents(`${fabrikam}/${tenant}`, { issuer: `https://${tenant}.ciamlogin.com/${tenant}/v2.0`, keys }),
  ...v2Documents(b2cBase, { issuer: `${contoso}/${tenant}/v2.0/`, keys }),
};

const workforce = { tenantId: tenant, clientId };
const organizations = { tenantId: 'organizations', clientId, allowedTenants: [tenant] };
const externalId = { tenantId: tenant, clientId, instance: fabrikam };
const b2c = { b2c: { domainName: 'contoso', policies: ['B2C_1_susi'], tenantId: tenant, clientId } };
const both = { tenantId: otherTenant, clientId, ...b2c };

const v1 = v1Claims(`${sts}/${tenant}/`);
const v2 = v2Claims(`${global}/${tenant}/v2.0`);
const susi = b2cClaims(`${contoso}/${tenant}/v2.0/`, { tfp: 'B2C_1_susi' });
const seconds = start / 1000;
const application = { scp: undefined, oid: 'the-service-principal', sub: 'the-service-principal' };

const sign = (claims: Claims, header: Claims = {}, { kid, privateKey } = key) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid, ...header }).sign(privateKey);

interface Row {
  /** The repository and the number of an issue, or the page. */
  readonly report: string;
  readonly when: string;
  readonly options: IdentityOptions;
  readonly claims?: Claims;
  readonly header?: Claims;
  /** What the request has in place of a signed token. */
  readonly text?: string;
  readonly requirement?: RequirementOptions;
  /** As the doctor is told of the requirement. Undefined: it has no flag for it. */
  readonly flags?: readonly string[] | undefined;
  readonly reason?: keyof typeof refusals;
  /** The code of the explanation. */
  readonly code: ExplanationCode | 'passes';
}

const ofB2c = { requirement: { scheme: 'b2c' }, flags: ['--scheme', 'b2c'] } as const;
const ofAny = { requirement: { scheme: 'any' }, flags: ['--scheme', 'any'] } as const;

const rows: readonly Row[] = [
  {
    report: 'AzureAD/passport-azure-ad#413',
    when: 'the audience is spn: and the client id',
    options: workforce,
    claims: { ...v1, aud: `spn:${clientId}` },
    reason: 'audience',
    code: 'audience_form',
  },
  {
    report: 'pnp/teams-dev-samples#289, OfficeDev/office-js-docs-pr#3602',
    when: 'the Application ID URI has the host of a Teams tab or of an Office add-in',
    options: workforce,
    claims: { ...v1, aud: `api://app.contoso.com/${clientId}` },
    reason: 'audience',
    code: 'audience_form',
  },
  {
    report: 'pnp/teams-dev-samples#289, OfficeDev/office-js-docs-pr#3602',
    when: 'that URI is added to audience',
    options: { ...workforce, audience: `api://app.contoso.com/${clientId}` },
    claims: { ...v1, aud: `api://app.contoso.com/${clientId}` },
    code: 'passes',
  },
  {
    report: 'AzureAD/passport-azure-ad#546',
    when: 'the API takes the tokens of two registrations of a B2C tenant',
    options: { b2c: { ...b2c.b2c, audience: [otherTenant] } },
    claims: { ...susi, aud: otherTenant },
    ...ofB2c,
    code: 'passes',
  },
  {
    report: 'AzureAD/microsoft-identity-web#1290',
    when: 'a managed identity has a v1.0 token, and several tenants may call',
    options: organizations,
    claims: { ...v1, ...application, roles: ['access_as_app'] },
    code: 'passes',
  },
  {
    report: 'Azure-Samples/active-directory-verifiable-credentials-dotnet#65',
    when: 'a managed identity has no role',
    options: organizations,
    claims: { ...v1, ...application },
    reason: 'token_type',
    code: 'no_permission',
  },
  {
    report: 'azurefeeds.com/2025/04/06/validating-the-id-and-access-jwt-signature-in-entra-external-id',
    when: 'a client of External ID asks for openid and offline_access alone, and gets a token for Graph',
    options: externalId,
    claims: { ...v1, aud: graph },
    header: { nonce: 'of-graph' },
    reason: 'issuer',
    code: 'graph_token',
  },
  {
    report: 'AzureAD/passport-azure-ad#517',
    when: 'the token for Graph comes from another tenant than the configured one',
    options: workforce,
    claims: { ...v1, iss: `${sts}/${otherTenant}/`, tid: otherTenant, aud: 'https://graph.microsoft.com' },
    reason: 'issuer',
    code: 'graph_token',
  },
  {
    report: 'MicrosoftDocs/azure-docs#48149',
    when: 'a token for Graph is sent to a route for B2C',
    options: b2c,
    claims: { ...v1, aud: 'https://graph.microsoft.com' },
    ...ofB2c,
    reason: 'policy',
    code: 'graph_token',
  },
  {
    report: 'MicrosoftDocs/azure-docs#48149',
    when: 'a client that is registered apart sends its ID token',
    options: workforce,
    claims: { ...v2, aud: client, azp: undefined, scp: undefined, nonce: 'of-the-client' },
    reason: 'audience',
    code: 'id_token',
  },
  {
    report: 'MicrosoftDocs/azure-docs#29240',
    when: 'the token comes from Run user flow, without scp and azp',
    options: b2c,
    claims: { ...susi, azp: undefined, scp: undefined, auth_time: seconds },
    ...ofB2c,
    reason: 'token_type',
    code: 'id_token',
  },
  {
    report: 'Azure-Samples/ms-identity-ciam-javascript-tutorial#61',
    when: 'a client signs in to an External ID tenant at login.microsoftonline.com',
    options: externalId,
    claims: v2,
    reason: 'issuer',
    code: 'wrong_instance',
  },
  {
    report: 'TrashMob-eco/TrashMob#2976',
    when: 'an API of an External ID tenant is configured with the host of workforce tenants',
    options: workforce,
    claims: v2Claims(`https://${tenant}.ciamlogin.com/${tenant}/v2.0`),
    reason: 'issuer',
    code: 'wrong_instance',
  },
  ...[
    ['of Auth0', 'https://contoso.eu.auth0.com/', workforce],
    ['of Auth0, and the tenant is one of External ID', 'https://contoso.eu.auth0.com/', externalId],
    ['of an own service', 'orders-service', workforce],
  ].map(([what, iss, options]): Row => ({
    report: 'AzureAD/microsoft-identity-web#1800',
    when: `the API gets tokens ${what as string}`,
    options: options as IdentityOptions,
    claims: { ...v2, iss, tid: undefined },
    reason: 'issuer',
    code: 'other_provider',
  })),
  {
    report: 'AzureAD/microsoft-identity-web#1800',
    when: 'the API gets tokens of Auth0, on a route for B2C',
    options: b2c,
    claims: { ...v2, iss: 'https://contoso.eu.auth0.com/', tid: undefined, acr: 'http://schemas.example/multi-factor' },
    ...ofB2c,
    reason: 'policy',
    code: 'other_provider',
  },
  {
    report: 'AzureAD/microsoft-identity-web#1800',
    when: 'the API gets tokens of Google, on a route for both authorities',
    options: both,
    claims: { ...v2, iss: 'https://accounts.google.com', tid: undefined },
    ...ofAny,
    reason: 'issuer',
    code: 'other_provider',
  },
  {
    report: 'googleapis/google-api-dotnet-client#2694',
    when: 'a pod of AKS sends the token of its service account, whose issuer has the tenant in its path, without an exchange',
    options: workforce,
    claims: { ...v2, iss: `https://westeurope.oic.prod-aks.azure.com/${tenant}/${otherTenant}/`, tid: undefined },
    reason: 'issuer',
    code: 'other_provider',
  },
  {
    report: 'AzureAD/microsoft-authentication-library-for-js#3449',
    when: 'a personal account calls an API of one tenant',
    options: workforce,
    claims: { ...v2, iss: `${global}/${consumers}/v2.0`, tid: consumers },
    reason: 'issuer',
    code: 'personal_account',
  },
  {
    report: 'zitadel/zitadel#5322, Azure/azure-cli#25307',
    when: 'the clock of WSL or of a container is an hour behind',
    options: workforce,
    claims: { ...v2, iat: seconds + 3_600, nbf: seconds + 3_600, exp: seconds + 7_200 },
    reason: 'not_yet_valid',
    code: 'clock_skew',
  },
  {
    report: 'AzureAD/passport-azure-ad#245',
    when: 'the clock is four minutes behind, and the tolerance is five',
    options: { ...workforce, clockToleranceSeconds: 300 },
    claims: { ...v2, iat: seconds + 240, nbf: seconds + 240 },
    code: 'passes',
  },
  {
    report: 'Azure/api-management-developer-portal#1536',
    when: 'the portal of API Management writes bearer in small letters',
    options: workforce,
    claims: v2,
    text: 'bearer ',
    code: 'passes',
  },
  {
    report: 'MicrosoftDocs/azure-docs#102508',
    when: 'App Service puts a token that is no JWT into X-MS-TOKEN-AAD-ACCESS-TOKEN',
    options: { ...workforce, tokenHeader: 'x-ms-token-aad-access-token' },
    text: 'PAQABAAEAAAD',
    flags: undefined,
    reason: 'malformed',
    code: 'opaque_token',
  },
  {
    report: 'Azure-Samples/active-directory-b2c-custom-policy-starterpack#56',
    when: 'a client of B2C signs in at login.microsoftonline.com as before 2021',
    options: b2c,
    claims: { ...susi, iss: `${global}/${tenant}/v2.0/` },
    ...ofB2c,
    reason: 'issuer',
    code: 'b2c_host',
  },
  {
    report: 'AzureAD/microsoft-identity-web#2486',
    when: 'both hosts of B2C are named, and the token comes from the older one',
    options: { b2c: { ...b2c.b2c, customDomain: 'account.contoso.com', instance: contoso } },
    claims: susi,
    ...ofB2c,
    code: 'passes',
  },
  {
    report: 'AzureAD/microsoft-authentication-library-for-js#6223',
    when: 'the client uses proof of possession, and sends what it signed after Bearer',
    options: workforce,
    claims: { at: 'an access token', ts: seconds, m: 'GET', u: 'api.contoso.com', p: '/', cnf: {} },
    header: { typ: 'pop' },
    reason: 'token_type',
    code: 'token_type',
  },
  {
    report: 'AzureAD/microsoft-authentication-library-for-js#6223',
    when: 'the client sends it after PoP',
    options: workforce,
    claims: { at: 'an access token', ts: seconds, m: 'GET', u: 'api.contoso.com', p: '/', cnf: {} },
    header: { typ: 'pop' },
    text: 'PoP ',
    flags: undefined,
    reason: 'missing_token',
    code: 'other_scheme',
  },
  {
    report: 'MicrosoftDocs/azure-docs#84914, Azure-Samples/ms-identity-javascript-angular-tutorial#45',
    when: "the role was assigned in the client's registration",
    options: workforce,
    claims: v2,
    requirement: { scheme: 'entra', role: 'Weather.Admin' },
    flags: ['--role', 'Weather.Admin'],
    reason: 'role',
    code: 'role_missing',
  },
];

const explanations = collectExplanations();
beforeEach(() => {
  forgetWarnings();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const challengeOf = (answer: Response) => answer.headers.get('www-authenticate') ?? undefined;

function handlerFor(requirement: RequirementOptions = { scheme: 'entra' }) {
  return protect(requirement, () => new Response('passed'));
}

const requestWith = (value: string, header = 'authorization') =>
  new Request('http://localhost/', { headers: { [header]: value } });

describe('what people reported', () => {
  it.each(rows)('$report: $when: $code', async (row) => {
    const { options, claims, header, text = 'Bearer ', requirement, reason, code } = row;
    initialize({ ...options, fetch: standIn(documents), now: () => start });
    const token = claims === undefined ? '' : await sign(claims, header);
    const answer = await handlerFor(requirement)(requestWith(text + token, options.tokenHeader));
    const refusal = reason && refusals[reason];
    expect([answer.status, challengeOf(answer)]).toEqual([refusal?.status ?? 200, refusal?.challenge]);
    expect(explanations.map((explanation) => explanation.code)).toEqual(code === 'passes' ? [] : [code]);

    const flags = 'flags' in row ? row.flags : ['--scheme', 'entra'];
    if (flags === undefined) return;
    const { verdict } = read(await run(['--config', './nothing.ts', '--json', ...flags, token]));
    expect(verdict).toMatchObject(code === 'passes' ? { status: 'pass' } : { status: 'fail', cause: code });
  });
});

describe('the documents of an authority', () => {
  const configuration = `${global}/${tenant}/v2.0/${wellKnown}`;
  const certificate = Object.assign(new Error('self-signed certificate in certificate chain'), {
    code: 'SELF_SIGNED_CERT_IN_CHAIN',
  });

  it('AzureAD/microsoft-identity-web#1035, AzureAD/passport-azure-ad#365: are loaded again after a failure', async () => {
    let isDown = true;
    let now = start;
    const play = standIn(documents);
    const fetch: typeof globalThis.fetch = (...request) =>
      isDown ? Promise.reject(new TypeError('fetch failed')) : play(...request);
    initialize({ ...workforce, fetch, now: () => now });
    const request = () => requestWith(`Bearer ${token}`);
    const token = await sign(v2);
    const down = await handlerFor()(request());
    expect([down.status, challengeOf(down), down.headers.has('retry-after')]).toEqual([503, undefined, true]);
    isDown = false;
    now += minute;
    expect((await handlerFor()(request())).status).toBe(200);
  });

  it('AzureAD/passport-azure-ad#539: hold a new key at the first token that has it', async () => {
    let published = documents;
    initialize({ ...workforce, fetch: (...request) => standIn(published)(...request), now: () => start });
    await handlerFor()(requestWith(`Bearer ${await sign(v2)}`));
    published = v2Documents(`${global}/${tenant}`, { issuer: `${global}/${tenant}/v2.0`, keys: [held(otherKey)] });
    expect((await handlerFor()(requestWith(`Bearer ${await sign(v2, {}, otherKey)}`))).status).toBe(200);
  });

  it.each<[string, IdentityOptions, typeof fetch, RequirementOptions, Claims, string]>([
    [
      'justinlettau/azure-ad-verify-token#75: cannot be loaded behind a proxy that inspects TLS',
      workforce,
      () => Promise.reject(new TypeError('fetch failed', { cause: certificate })),
      { scheme: 'entra' },
      v2,
      `GET ${configuration} failed (self-signed certificate in certificate chain (SELF_SIGNED_CERT_IN_CHAIN)). Look at the network (DNS, firewall, proxy, certificates), fetch and instance`,
    ],
    [
      'Azure-Samples/active-directory-b2c-javascript-nodejs-webapi#3: are not there for a policy that is misspelt',
      { b2c: { ...b2c.b2c, policies: ['B2C_1_suis'] } },
      standIn(documents),
      { scheme: 'b2c' },
      { ...susi, tfp: 'B2C_1_suis' },
      `GET ${contoso}/contoso.onmicrosoft.com/B2C_1_suis/v2.0/${wellKnown} answered 404. Look at `,
    ],
  ])('%s', async (_, options, fetch, requirement, claims, cause) => {
    const identity = initialize({ ...options, fetch, now: () => start });
    await expect(identity.ready()).rejects.toThrow(`The signing keys could not be loaded: ${cause}`);
    const answer = await handlerFor(requirement)(requestWith(`Bearer ${await sign(claims)}`));
    expect([answer.status, challengeOf(answer)]).toEqual([503, undefined]);
    expect(explanations).toMatchObject([{ code: 'no_keys', hint: expect.stringContaining(cause) as string }]);
  });
});

describe('a mistake in the set-up', () => {
  it('PrefectHQ/fastmcp#3835: a route that demands the scope .default is refused', () => {
    expect(() => ValidateScope('.default')).toThrow(
      'A scope name is .default, which clients ask for and no token has. Use the names of the scopes of this API.',
    );
  });

  it.each<[string, object, string]>([
    [
      'AzureAD/passport-azure-ad#251: Graph among the audiences',
      { ...workforce, audience: [clientId, 'https://graph.windows.net'] },
      'audience: is that of Azure AD Graph',
    ],
    [
      'AzureAD/passport-azure-ad#546: two client ids',
      { b2c: { ...b2c.b2c, clientId: [clientId, otherTenant] } },
      'b2c.clientId: got a list of 2; it takes an application (client) id, which is a GUID',
    ],
    [
      'AzureAD/microsoft-identity-web#2618: the whole authority as instance',
      { ...workforce, instance: `${global}/${tenant}/v2.0` },
      'without a path',
    ],
    [
      'AzureAD/microsoft-identity-web#456: the host of B2C without a policy',
      { ...workforce, instance: 'https://Contoso.b2clogin.com' },
      'instance: is a host of Azure AD B2C, whose tokens come from its policies; it goes into b2c.instance, beside b2c.policies',
    ],
    [
      'nextauthjs/next-auth#6138: common without a decision about tenants',
      { clientId, tenantId: 'common' },
      "allowedTenants: got undefined; with tenantId 'common' it takes",
    ],
  ])('%s is refused by name', (_, options, message) => {
    expect(() => initialize(options as IdentityOptions)).toThrow(message);
  });
});

describe('a route with or without a token', () => {
  @JsonController()
  class FeedController {
    @Get('/feed')
    @AllowAnonymous()
    async read(@Req() request: ExpressRequest) {
      const caller = request.headers.authorization === undefined ? undefined : await authenticate(request);
      return { own: caller === undefined ? [] : [`for ${String(caller.oid)}`] };
    }
  }

  it('mikenicholson/passport-jwt#110, auth0/express-jwt#97: knows the caller, and refuses a token that is not valid', async () => {
    initialize({ ...workforce, fetch: standIn(documents), now: () => start });
    const api = await serve([FeedController]);
    try {
      expect(await api.call('/feed')).toMatchObject({ status: 200, body: { own: [] } });
      const own = { own: [`for ${String(v2['oid'])}`] };
      expect(await api.call('/feed', { token: await sign(v2) })).toMatchObject({ status: 200, body: own });
      const expired = await sign({ ...v2, exp: seconds - 3_600 });
      expectRefusal(await api.call('/feed', { token: expired }), { invalidToken: 'expired' });
    } finally {
      await api.close();
    }
  });
});
