/** The words of explanations: what a hint is made of, beside its fixed text. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Authenticator, SchemeDemand } from '../../src/core/access/requirement.js';
import { AuthError, type Refusal } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import { readToken } from '../../src/core/token/parsed-token.js';
import { explain, versionRemark } from '../../src/gate/explanation.js';
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

/** What a developer is told when a token is refused. */
async function explanationOf(token: string, identity: Authenticator, kind: SchemeDemand['kind'] = 'entra') {
  const request = { headers: { authorization: `Bearer ${token}` } };
  const refusal = (await errorOf(() => identity.authenticate(request, { scheme: { kind }, demands: [] }))) as Refusal;
  return explain(refusal, readToken(token), identity.settings, { scheme: kind });
}

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
        'It must ask for api://<client id>/<scope> of this API.',
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
      expect(explanation.hint).toContain('ask for api://<client id>/<scope> of this API');
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
