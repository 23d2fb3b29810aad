import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIdentity } from '../../src/core/identity.js';
import type { Refusal } from '../../src/core/errors.js';
import { readToken } from '../../src/core/token/parsed-token.js';
import { explain } from '../../src/gate/explanation.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js';
import { fakeClock } from '../support/clock.js';
import { errorOf, refuses } from '../support/refusals.js';

const clock = fakeClock();
const publicCloud = 'https://login.microsoftonline.com';
const otherTenant = '99999999-2222-4333-8444-555555555555';
const route = { scheme: { kind: 'entra' }, demands: [] } as const;

/** Its keys are those of the tenant. */
let tenant: TestIssuer;
/** The same tenant and API. Its keys are the API's own. */
let own: TestIssuer;
beforeAll(async () => {
  tenant = await startTestIssuer({ now: clock.now });
  const { tenantId, clientId } = tenant.options;
  own = await startTestIssuer({ tenantId, clientId, now: clock.now });
});
afterAll(async () => {
  await Promise.all([tenant.close(), own.close()]);
});

const urlOf = (input: string | URL | Request) => new URL(input instanceof Request ? input.url : String(input));

/** As Entra answers: with `?appid` it publishes the keys of that application, and an address of keys with `?appid`. */
function fetchFromEntra(requested: string[] = []): typeof globalThis.fetch {
  return async (input) => {
    const url = urlOf(input);
    requested.push(url.href);
    const { url: origin } = url.searchParams.has('appid') ? own : tenant;
    const answer = await fetch(`${origin}${url.pathname}`);
    const text = (await answer.text()).replaceAll(origin, publicCloud);
    const document = JSON.parse(text) as Record<string, unknown>;
    if (typeof document['jwks_uri'] === 'string') document['jwks_uri'] += url.search;
    return Response.json(document);
  };
}

const configured = (options: { ownSigningKey?: boolean; audience?: string } = {}, requested?: string[]) => {
  const { tenantId, clientId } = tenant.options;
  return createIdentity({ tenantId, clientId, ...options, fetch: fetchFromEntra(requested), now: clock.now });
};

const ofTenant = (tenantId = tenant.options.tenantId) => ({ iss: `${publicCloud}/${tenantId}/v2.0`, tid: tenantId });
const requestWith = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

async function explanationOf(token: string, identity: ReturnType<typeof configured>) {
  const refusal = (await errorOf(() => identity.authenticate(requestWith(token), route))) as Refusal;
  return explain(refusal, readToken(token), identity.settings, { scheme: 'entra' }).code;
}

describe('an API with a signing key of its own', () => {
  it('verifies tokens of this key with ownSigningKey', async () => {
    const token = await own.token(ofTenant());
    const identity = configured({ ownSigningKey: true });
    await expect(identity.authenticate(requestWith(token), route)).resolves.toMatchObject({ outcome: 'verified' });
  });

  it('verifies its v1.0 tokens too', async () => {
    const token = await own.v1Token({ iss: `${publicCloud}/sts/${tenant.options.tenantId}/` });
    const identity = configured({ ownSigningKey: true });
    await expect(identity.authenticate(requestWith(token), route)).resolves.toMatchObject({ outcome: 'verified' });
  });

  it('asks for documents with its client id, and for no other', async () => {
    const requested: string[] = [];
    await configured({ ownSigningKey: true }, requested).ready();
    const { tenantId, clientId } = tenant.options;
    expect(requested).toEqual([
      `${publicCloud}/${tenantId}/v2.0/.well-known/openid-configuration?appid=${clientId}`,
      `${publicCloud}/${tenantId}/discovery/v2.0/keys?appid=${clientId}`,
    ]);
  });

  it('refuses tokens of this key without ownSigningKey', async () => {
    const token = await own.token(ofTenant());
    for (const identity of [configured(), configured({ ownSigningKey: false })]) {
      await refuses(() => identity.authenticate(requestWith(token), route), 'key');
    }
  });

  it("refuses a token of the tenant's key with ownSigningKey", async () => {
    const token = await tenant.token(ofTenant());
    await refuses(() => configured({ ownSigningKey: true }).authenticate(requestWith(token), route), 'key');
  });

  it('publishes its issuer without the client id', () => {
    const { tenantId, clientId } = tenant.options;
    const resourceMetadata = { resource: 'https://api.example' };
    const identity = createIdentity({ tenantId, clientId, ownSigningKey: true, resourceMetadata });
    expect(identity.resourceMetadata?.authorization_servers).toEqual([`${publicCloud}/${tenantId}/v2.0`]);
  });
});

describe('a token of which only the key does not fit', () => {
  it('is explained by a signing key of its own', async () => {
    expect(await explanationOf(await own.token(ofTenant()), configured())).toBe('own_signing_key');
  });

  it('is not where the option is set, or where the token is for another API', async () => {
    const { clientId } = tenant.options;
    const unknownKid = { kid: 'another' };
    const identity = configured({ ownSigningKey: true });
    expect(await explanationOf(await own.token(ofTenant(), unknownKid), identity)).toBe('unknown_key');
    const foreign = await own.token({ ...ofTenant(), aud: `api://${clientId}/other` });
    expect(await explanationOf(foreign, configured())).toBe('unknown_key');
  });

  it('is not where the issuer differs', async () => {
    expect(await explanationOf(await own.token(ofTenant(otherTenant)), configured())).toBe('wrong_tenant');
  });
});
