/** The words of explanations: what a hint is made of, beside its fixed text. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demandedScopes } from '../../src/core/access/demanded-scopes.js';
import {
  anyOf,
  requires,
  type Authenticator,
  type Demand,
  type SchemeDemand,
} from '../../src/core/access/requirement.js';
import { AuthError, InsufficientScopeError, MissingTokenError, type Refusal } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import { readToken } from '../../src/core/token/parsed-token.js';
import { versionRemark } from '../../src/gate/explanation-code.js';
import { explanationCodes } from '../../src/gate/explanation-hints.js';
import { explain } from '../../src/gate/explanation.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js';
import { fakeClock, start } from '../support/clock.js';
import { errorOf } from '../support/refusals.js';

const clock = fakeClock();
const startSeconds = start / 1000;

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer({ now: clock.now });
});
afterAll(() => issuer.close());

const configured = () => createIdentity({ ...issuer.options, b2c: issuer.b2cOptions, now: clock.now });
const entraAlone = () => createIdentity({ ...issuer.options, now: clock.now });
const b2cAlone = () => createIdentity({ b2c: issuer.b2cOptions, now: clock.now });

const nothingSeen = { header: undefined, payload: undefined };
const ofPerson = { header: undefined, payload: { scp: 'profile' } };

/** What a developer is told when a token is refused. */
async function explanationOf(
  token: string,
  identity: Authenticator,
  kind: SchemeDemand['kind'] = 'entra',
  demands: readonly Demand[] = [],
) {
  const request = { headers: { authorization: `Bearer ${token}` } };
  const requirement = { scheme: { kind }, demands };
  const refusal = (await errorOf(() => identity.authenticate(request, requirement))) as Refusal;
  return explain(refusal, readToken(token), identity.settings, { scheme: kind, scopes: demandedScopes(requirement) });
}

describe('what a client must ask for', () => {
  const scopes = [anyOf('scope', ['read', 'write'])];
  const graph = 'https://graph.microsoft.com';
  const ids = () => issuer.options.clientId;

  it('is all that it may have, where the route demands no scope', async () => {
    const { hint } = await explanationOf(await issuer.token({ aud: graph }), configured());
    expect(hint).toMatch(new RegExp(`It must ask for api://${ids()}/\\.default of this API\\.$`));
  });

  it('is a scope of the route', async () => {
    const { hint } = await explanationOf(await issuer.token({ aud: graph }), configured(), 'any', scopes);
    expect(hint).toContain(`It must ask for api://${ids()}/read or api://${ids()}/write of this API.`);
  });

  it('is the scope that is missing, with its name', async () => {
    const { hint } = await explanationOf(await issuer.token({ scp: 'other' }), configured(), 'entra', [
      anyOf('scope', ['access_as_user']),
      ...scopes,
    ]);
    expect(hint).toBe(
      'The scope access_as_user was not asked for or not consented to: ' +
        `the client must ask for api://${ids()}/access_as_user. ` +
        'Or the name in the decorator is another than the one in Expose an API.',
    );
  });

  it('is named where a token of a person has roles and no scope', async () => {
    const token = await issuer.token({ roles: ['Admin'], scp: undefined });
    const { code, hint } = await explanationOf(token, entraAlone(), 'entra', [anyOf('role', ['Admin'])]);
    expect([code, hint]).toEqual([
      'no_scope',
      "The token is a person's and has no scp, so it is not an access token, whatever its roles are. " +
        `The client must ask for api://${ids()}/.default.`,
    ]);
  });

  it('is the scope of a helper', () => {
    const refusal = new InsufficientScopeError('scope', ['helper.scope']);
    const { hint } = explain(refusal, ofPerson, entraAlone().settings, { scheme: 'entra', scopes: ['of.route'] });
    expect(hint).toContain(`The scope helper.scope was not`);
    expect(hint).toContain(`ask for api://${ids()}/helper.scope.`);
  });

  it('has the Application ID URI of the resource metadata', async () => {
    const resourceMetadata = { resource: 'https://api.example', scopes: ['https://api.example/read', 'other'] };
    const identity = createIdentity({ ...issuer.options, now: clock.now, resourceMetadata });
    const { hint } = await explanationOf(await issuer.token({ scp: 'x' }), identity, 'entra', scopes);
    expect(hint).toContain(`ask for https://api.example/read or api://${ids()}/write.`);
  });

  it('has the domain of B2C', async () => {
    const { domainName, clientId } = issuer.b2cOptions;
    const uri = `https://${domainName}.onmicrosoft.com/${clientId}`;
    const missing = await explanationOf(await issuer.b2cToken({ scp: 'x' }), configured(), 'b2c', scopes);
    expect(missing.hint).toContain(`ask for ${uri}/read or ${uri}/write.`);
    const other = await explanationOf(await issuer.b2cToken({ aud: 'other' }), configured(), 'any');
    expect(other.hint).toContain(`ask for ${uri}/<scope> of this API`);
  });

  it('stays open, where the registration is not known', () => {
    const refusal = new InsufficientScopeError('scope', ['read']);
    const { hint } = explain(refusal, ofPerson, entraAlone().settings, { scheme: 'b2c' });
    expect(hint).toContain('ask for api://<client id>/<scope>.');
  });
});

describe('a role that is missing', () => {
  const admin = [anyOf('role', ['Admin', 'Editor'])];

  it('is named', async () => {
    const { code, hint } = await explanationOf(await issuer.token(), entraAlone(), 'entra', admin);
    expect(code).toBe('role_missing');
    expect(hint).toMatch(/^The role Admin or Editor was not assigned to the caller, /);
    expect(hint).toContain('Or the name in the decorator is another than the value of the app role.');
  });

  it('is named, of an application that lacks it in place of the scope', async () => {
    const { code, hint } = await explanationOf(await issuer.appToken({ roles: ['x'] }), entraAlone(), 'entra', [
      anyOf('scope', ['access_as_app']),
    ]);
    expect(code).toBe('app_role_missing');
    expect(hint).toContain('do not contain access_as_app. Define an app role of that name');
  });

  it('is named, of an application that lacks the permission', async () => {
    const permissions = requires.scopeOrAppPermission({ scope: 'read', appPermission: 'Read.All' }).demands;
    const { hint } = await explanationOf(await issuer.appToken({ roles: ['x'] }), entraAlone(), 'entra', permissions);
    expect(hint).toContain('The role Read.All was not assigned');
  });

  it('is not named in what a client or an application can list', () => {
    const error = new InsufficientScopeError('role', [], ['Admin']);
    expect(JSON.stringify([error, Object.entries(error)])).not.toContain('Admin');
  });
});

describe('the issuer that is expected', () => {
  const elsewhere = '99999999-2222-4333-8444-555555555555';
  const metadata = '.well-known/openid-configuration';
  const expected = (hint: string) => /Expected is the issuer that (.+) names\.$/.exec(hint)?.[1];

  it('is named by its metadata, in the version of the token', async () => {
    const { tenantId } = issuer.options;
    const port = 'http://127.0.0.1:1';
    const v2 = await explanationOf(await issuer.token({ iss: `${port}/${tenantId}/v2.0/` }), entraAlone());
    expect([v2.code, expected(v2.hint)]).toEqual(['issuer', `${issuer.url}/${tenantId}/v2.0/${metadata}`]);
    const v1 = await explanationOf(await issuer.v1Token({ iss: `${port}/elsewhere/${tenantId}/` }), entraAlone());
    expect([v1.code, expected(v1.hint)]).toEqual(['v1_token', `${issuer.url}/${tenantId}/${metadata}`]);
    const other = await issuer.token({ iss: `${issuer.url}/${elsewhere}/v2.0`, tid: elsewhere });
    const { code, hint } = await explanationOf(other, entraAlone());
    expect([code, expected(hint)]).toEqual(['wrong_tenant', `${issuer.url}/${tenantId}/v2.0/${metadata}`]);
    for (const said of [v2, v1, { hint }]) expect(said.hint).not.toMatch(new RegExp(`${port}/|${elsewhere}`));
  });

  it('is named for each host of B2C', async () => {
    const b2c = { ...issuer.b2cOptions, customDomain: 'login.contoso.example' };
    const identity = createIdentity({ b2c, now: clock.now });
    const token = await issuer.b2cToken({ iss: `https://fabrikam.b2clogin.com/${b2c.tenantId}/v2.0/` });
    const { code, hint } = await explanationOf(token, identity, 'b2c');
    const path = `contoso.onmicrosoft.com/B2C_1_susi/v2.0/${metadata}`;
    expect([code, expected(hint)]).toEqual([
      'b2c_host',
      `https://login.contoso.example/${path} or ${issuer.url}/${path}`,
    ]);
  });

  it('is not named for a token of another scheme or provider', async () => {
    for (const [token, identity] of [
      [await issuer.b2cToken(), entraAlone()],
      [await issuer.token({ iss: 'https://contoso.eu.auth0.com/', tid: undefined }), entraAlone()],
    ] as const) {
      expect(expected((await explanationOf(token, identity)).hint)).toBeUndefined();
    }
  });
});

describe('keys that cannot be loaded', () => {
  it('are asked for at an issuer on this machine, which may not run', async () => {
    const stopped = await startTestIssuer({ now: clock.now });
    await stopped.close();
    const identity = createIdentity({ ...stopped.options, now: clock.now });
    const { code, hint } = await explanationOf(await stopped.token(), identity);
    expect(code).toBe('no_keys');
    expect(hint).toMatch(/ECONNREFUSED [\d.:]+\)\. Is the issuer running\? If it is, look at instance \(B2C: .*\)\.$/);
    await expect(identity.ready()).rejects.toThrow(/\. Is the issuer running\? If it is, look at instance\.$/);
  });
});

describe('where a request was refused', () => {
  it('is the route and the request line', () => {
    const route = { scheme: 'entra', name: 'Orders.list', requestLine: 'GET /orders' } as const;
    const explanation = explain(new MissingTokenError(), nothingSeen, entraAlone().settings, route);
    expect(explanation).toMatchObject({ route: 'Orders.list', request: 'GET /orders' });
  });
});

describe('a token for an API of Microsoft', () => {
  it.each([
    ['00000003-0000-0000-c000-000000000000', 'Microsoft Graph'],
    ['https://graph.windows.net', 'Azure AD Graph'],
    ['https://management.core.windows.net/', 'Azure Resource Manager'],
    ['https://management.azure.com', 'Azure Resource Manager'],
    ['https://vault.azure.net', 'Azure Key Vault'],
    ['https://storage.azure.com/', 'Azure Storage'],
    ['https://database.windows.net/', 'Azure SQL'],
    ['499b84ac-1321-427f-aa17-267ca6975798', 'Azure DevOps'],
    ['https://contoso.sharepoint.com', 'SharePoint'],
    ['https://outlook.office.com', 'Exchange Online'],
  ])('for %s is explained by the name of that API, and without advice to accept it', async (aud, api) => {
    const explanation = await explanationOf(await issuer.v1Token({ aud }), configured());
    expect(explanation.hint).toBe(
      `The token is for ${api}: the client asked for a scope of that API, or for none. ` +
        `It must ask for api://${issuer.options.clientId}/.default of this API.`,
    );
  });
});

describe('the advice to accept an audience', () => {
  const other = '99999999-2222-4333-8444-555555555555';
  const { clientId, tenantId } = {
    clientId: () => issuer.options.clientId,
    tenantId: () => issuer.options.tenantId,
  };

  it.each<[string, () => string, string]>([
    ['the client id in capitals', () => clientId().toUpperCase(), 'audience_form'],
    ['the client id behind a host, as for Teams', () => `api://tabs.contoso.com/${clientId()}`, 'audience_form'],
    ['the client id behind a domain', () => `https://contoso.onmicrosoft.com/${clientId()}`, 'audience_form'],
    ['the default URI and a path', () => `api://${clientId()}/weather`, 'audience_form'],
    ['a name', () => 'api://weather', 'audience_uri'],
    ['the id of the tenant and a name', () => `api://${tenantId()}/weather`, 'audience_uri'],
    ['a URL', () => 'https://api.contoso.com/weather', 'audience_uri'],
    ['a URL of a virtual machine', () => 'https://weather.westeurope.cloudapp.azure.com', 'audience_uri'],
  ])('is given for what can be a name of this API: %s', async (_, aud, code) => {
    const explanation = await explanationOf(await issuer.token({ aud: aud() }), configured());
    expect(explanation).toMatchObject({ code, hint: expect.stringMatching(/[Aa]dd it to audience/) as string });
  });

  it.each<[string, unknown, string]>([
    ['the client id of another registration', other, 'audience'],
    ['its default URI', `api://${other}`, 'audience'],
    ['its default URI, in capitals and with a path', `api://${other.toUpperCase()}/weather`, 'audience'],
    ['its client id behind a domain', `https://contoso.onmicrosoft.com/${other}`, 'audience'],
    ['several names', ['api://weather', 'https://api.contoso.com'], 'audience'],
    ['an API of Microsoft', 'https://management.azure.com', 'microsoft_api'],
    ['one on a domain of Microsoft', 'https://contoso.crm4.dynamics.com', 'microsoft_api'],
    ['another one on a domain of Microsoft', 'https://batch.core.windows.net/', 'microsoft_api'],
  ])('is not given for %s', async (_, aud, code) => {
    for (const token of [await issuer.token({ aud }), await issuer.v1Token({ aud })]) {
      const explanation = await explanationOf(token, configured());
      expect(explanation.code).toBe(code);
      expect(explanation.hint).not.toMatch(/to audience|requestedAccessTokenVersion/);
      expect(explanation.hint).toContain(`ask for api://${clientId()}/.default of this API`);
    }
  });
});

describe('a wrong configuration', () => {
  it('is explained by the message for the developer', async () => {
    const explanation = await explanationOf(await issuer.token(), entraAlone(), 'b2c');
    expect(explanation.hint).toBe(
      'The API is configured wrongly. A route takes tokens of B2C, which is not configured. Set b2c, or use another scheme.',
    );
  });
});

describe('the remark about v1.0', () => {
  it('stands before the explanation', async () => {
    const explanation = await explanationOf(await issuer.v1Token({ aud: 'api://m4rk3r' }), configured());
    expect(explanation.hint).toMatch(/^This is a v1\.0 token: .* The audience is an Application ID URI /);
  });

  it('is not made of what else goes wrong with a v1.0 token', async () => {
    const explanation = await explanationOf(await issuer.v1Token({ exp: startSeconds - 60 }), configured());
    expect(explanation.code).toBe('expired');
  });

  it('is made of v1.0 tokens alone, where Entra ID is configured', async () => {
    const v1 = readToken(await issuer.v1Token());
    expect(versionRemark(v1, configured().settings)).toBe('v1_token');
    expect(versionRemark(v1, b2cAlone().settings)).toBeUndefined();
    expect(versionRemark(readToken(await issuer.token()), configured().settings)).toBeUndefined();
    expect(versionRemark(readToken(await issuer.b2cToken()), configured().settings)).toBeUndefined();
    expect(versionRemark(readToken('no-token'), configured().settings)).toBeUndefined();
  });
});

describe("a refusal of the application's own", () => {
  it.each(['closed', 'constructor'])('is passed on by its code, %s', (code) => {
    const refusal = new AuthError('Closed on Sundays.', { code, status: 403 });
    expect(
      explain(refusal, { header: undefined, payload: undefined }, configured().settings, { scheme: 'any' }),
    ).toEqual({
      code,
      hint: 'Closed on Sundays.',
      status: 403,
      error: code,
      reason: undefined,
    });
  });
});

describe('the codes', () => {
  it('are each in the table of docs/diagnostics.md', () => {
    const page = readFileSync(new URL('../../docs/diagnostics.md', import.meta.url), 'utf8');
    // The page has other tables too: each ends with an empty line.
    const [table = ''] = page.slice(page.indexOf('| code |')).split('\n\n');
    const documented = [...table.matchAll(/^\| `([a-z\d_]+)` +\|/gm)].map(([, code]) => code);
    expect(documented.sort()).toEqual([...explanationCodes].sort());
  });
});
