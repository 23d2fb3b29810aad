import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { currentRequest, type VerifiedContext } from '../../src/core/access/current-request.js';
import type { DownstreamApi } from '../../src/downstream/downstream-api.js';
import { requires, type Authenticator } from '../../src/core/access/requirement.js';
import { createIdentity } from '../../src/core/identity.js';
import {
  applicationApiFiller,
  asApplication,
  downstreamHelpersFor,
  onBehalfOf,
  userApiFiller,
} from '../../src/downstream/on-behalf-of.js';
import { enter } from '../../src/gate/admission.js';
import { putInForce } from '../../src/gate/identity-in-force.js';
import { runAs, startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { fakeClock } from '../support/clock.js';
import { forgetIdentity } from '../support/isolation.js';
import { errorOf, refuses } from '../support/refusals.js';

const graphScopes = ['https://graph.microsoft.com/User.Read'];
const apis = {
  graph: { baseUrl: 'https://graph.microsoft.com/v1.0', scopes: graphScopes },
  orders: { baseUrl: 'https://orders.example', scopes: 'api://orders/read', tenantId: 'caller' },
};

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer();
});

afterAll(() => issuer.close());

function use(options: object = {}): Authenticator {
  const downstream = { ...issuer.downstreamOptions, apis };
  const identity = createIdentity({ ...issuer.options, downstream, ...options });
  putInForce(identity);
  return identity;
}

beforeEach(() => {
  use();
});

afterEach(() => {
  forgetIdentity();
});

const requestWith = (token: string) => ({ headers: { authorization: `Bearer ${token}` } as Record<string, string> });

/** A request that a gate let in, and its context. */
async function admitted(token: Promise<string>, requirement = requires.entra()) {
  const request = requestWith(await token);
  return { request, context: await enter(request, requirement) };
}

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

const messageOf = async (run: () => unknown) => ((await errorOf(run)) as Error).message;

describe('onBehalfOf', () => {
  it('has the scopes of its API', async () => {
    const { request } = await admitted(issuer.token({ oid: 'ada' }));
    const token = await onBehalfOf('graph', request).getAccessToken();
    expect(claimsOf(token)).toMatchObject({ aud: 'https://graph.microsoft.com', scp: 'User.Read', oid: 'ada' });
  });

  it('has other scopes where a client asks for them, in full', async () => {
    const { request } = await admitted(issuer.token());
    const graph = onBehalfOf('graph', request);
    const { token } = await graph.getToken('https://graph.microsoft.com/Mail.Read');
    expect(claimsOf(token)).toMatchObject({ scp: 'Mail.Read' });
    expect(await messageOf(() => graph.getToken('Mail.Read'))).toMatch(/^getToken: scopes: got a string of 9 char/);
  });

  it('is for the caller of the request that runs, at each use', async () => {
    const graph = onBehalfOf('graph');
    const callers = ['ada', 'eve'];
    const people = callers.map(async (oid) => {
      const { context } = await admitted(issuer.token({ oid }));
      return claimsOf(await currentRequest.run(context, () => graph.getAccessToken()))['oid'];
    });
    expect(await Promise.all(people)).toEqual(callers);
  });

  it('gives a client of an Azure SDK a token where it was created in the request that runs, and else none', async () => {
    const [ada, eve] = [await admitted(issuer.token({ oid: 'ada' })), await admitted(issuer.token({ oid: 'eve' }))];
    const scope = 'https://graph.microsoft.com/.default';
    const tokenIn = (context: VerifiedContext, graph: DownstreamApi) =>
      currentRequest.run(context, () => graph.getToken(scope));
    const constant = onBehalfOf('graph');
    const created = currentRequest.run(ada.context, () => onBehalfOf('graph'));
    expect(claimsOf((await tokenIn(ada.context, created)).token)).toMatchObject({ oid: 'ada' });
    // A handler runs in a copy of the context of its request.
    const copy = { ...ada.context, original: ada.context };
    expect(claimsOf((await tokenIn(copy, created)).token)).toMatchObject({ oid: 'ada' });
    const before = issuer.requests.tokens;
    for (const use of [() => tokenIn(eve.context, created), () => tokenIn(ada.context, constant)]) {
      expect(await errorOf(use)).toMatchObject({
        code: 'invalid_configuration',
        message: expect.stringMatching(/^onBehalfOf\('graph'\) serves many users/) as string,
      });
    }
    for (const graph of [created, constant]) await refuses(() => graph.getToken(scope), 'missing_token');
    expect(issuer.requests.tokens).toBe(before);
  });

  it('is for the caller of its request in any other', async () => {
    const [ada, eve] = [await admitted(issuer.token({ oid: 'ada' })), await admitted(issuer.token({ oid: 'eve' }))];
    const graph = onBehalfOf('graph', ada.request);
    const token = await currentRequest.run(eve.context, () => graph.getAccessToken());
    expect(claimsOf(token)).toMatchObject({ oid: 'ada' });
  });

  it('does not use a header that was changed after the gate', async () => {
    const { request, context } = await admitted(issuer.token({ oid: 'ada' }));
    request.headers['authorization'] = `Bearer ${await issuer.token({ oid: 'eve' })}`;
    const before = issuer.requests.tokens;
    await refuses(() => onBehalfOf('graph', request).getAccessToken(), 'missing_token');
    await refuses(() => currentRequest.run(context, () => onBehalfOf('graph').getAccessToken()), 'missing_token');
    expect(issuer.requests.tokens).toBe(before);
  });

  it('is for the caller whom the gate let in, where a token is kept and the header was changed', async () => {
    const { request } = await admitted(issuer.token({ oid: 'ada' }));
    const kept = await onBehalfOf('graph', request).getAccessToken();
    request.headers['authorization'] = `Bearer ${await issuer.token({ oid: 'eve' })}`;
    expect(await onBehalfOf('graph', request).getAccessToken()).toBe(kept);
  });

  it('has the token that is kept to its end, where the header was removed and no renewal can be asked for', async () => {
    const clock = fakeClock();
    clock.set(Date.now());
    use({ now: clock.now });
    const { request } = await admitted(issuer.token({ exp: Math.floor(clock.now() / 1000) + 7_200 }));
    const graph = onBehalfOf('graph', request);
    const { token: kept, expiresOnTimestamp } = await graph.getToken();
    request.headers = {};
    const before = issuer.requests.tokens;
    clock.set(expiresOnTimestamp - 240_000);
    expect(await onBehalfOf('graph', request).getAccessToken()).toBe(kept);
    expect(issuer.requests.tokens).toBe(before);
    clock.set(expiresOnTimestamp + 1_000);
    await refuses(() => onBehalfOf('graph', request).getAccessToken(), 'missing_token');
  });

  it('keeps the verified token where it was bound before the header was changed', async () => {
    const { request } = await admitted(issuer.token({ oid: 'ada' }));
    const graph = onBehalfOf('graph', request);
    delete request.headers['authorization'];
    expect(claimsOf(await graph.getAccessToken())).toMatchObject({ oid: 'ada' });
  });

  it('ends with the token of its caller, also where a token for the API is kept', async () => {
    const clock = fakeClock();
    clock.set(Date.now());
    use({ now: clock.now });
    const exp = Math.floor(clock.now() / 1000) + 600;
    const { request } = await admitted(issuer.token({ exp }));
    const graph = onBehalfOf('graph', request);
    await graph.getAccessToken();
    clock.advance(604_000);
    await graph.getAccessToken();
    clock.advance(1_000);
    await refuses(() => graph.getAccessToken(), 'expired');
  });

  it('has no caller without a request, without a token, and for a request of another configuration', async () => {
    await refuses(() => onBehalfOf('graph').getAccessToken(), 'missing_token');
    await refuses(() => onBehalfOf('graph', { headers: {} }).get('/me'), 'missing_token');
    const partners = createIdentity({ ...issuer.options, downstream: { ...issuer.downstreamOptions, apis } });
    const ofPartners = await admitted(issuer.token(), { ...requires.entra(), identity: partners });
    await refuses(() => onBehalfOf('graph', ofPartners.request).getAccessToken(), 'missing_token');
    const ofProcess = await admitted(issuer.token());
    const bound = downstreamHelpersFor(partners);
    await refuses(() => bound.onBehalfOf('graph', ofProcess.request).getAccessToken(), 'missing_token');
    expect(await bound.onBehalfOf('graph', ofPartners.request).getAccessToken()).toContain('.');
  });

  it('refuses the token of Azure AD B2C before any request', async () => {
    use({ b2c: issuer.b2cOptions });
    const { request } = await admitted(issuer.b2cToken(), requires.b2c());
    const before = issuer.requests.tokens;
    expect(await messageOf(() => onBehalfOf('graph', request).get('/me'))).toMatch(
      /^Azure AD B2C has no on-behalf-of flow/,
    );
    expect(issuer.requests.tokens).toBe(before);
  });

  it('is for an API that the configuration does not name', async () => {
    const { request } = await admitted(issuer.token());
    const orders = onBehalfOf({ scopes: 'api://orders/read' }, request);
    expect(claimsOf(await orders.getAccessToken())).toMatchObject({ aud: 'api://orders', scp: 'read' });
    expect(await errorOf(() => orders.get('/'))).toMatchObject({ code: 'invalid_configuration' });
    expect(await messageOf(() => onBehalfOf({ scopes: 'read' }))).toMatch(/^onBehalfOf: scopes: got 'read'; it takes/);
    expect(await messageOf(() => onBehalfOf({} as { scopes: string }))).toMatch(/^onBehalfOf\.scopes: got undefined/);
  });

  it('names the APIs that are configured, where it is called by another name', async () => {
    const { request } = await admitted(issuer.token());
    expect(await messageOf(() => onBehalfOf('grahp', request).get('/me'))).toBe(
      "onBehalfOf: there is no API 'grahp' in downstream.apis, which has graph, orders.",
    );
    use({ downstream: issuer.downstreamOptions });
    const other = await admitted(issuer.token());
    expect(await messageOf(() => onBehalfOf('graph', other.request).get('/me'))).toContain('which has none.');
  });

  it('says what is missing where no other API is configured', async () => {
    use({ downstream: undefined });
    const { request } = await admitted(issuer.token());
    expect(await messageOf(() => onBehalfOf('graph', request).getAccessToken())).toBe(
      'onBehalfOf needs the option downstream of initialize(), with a credential.',
    );
  });

  it.each<[unknown, string]>([
    [null, 'got null as the request'],
    ['graph', "got 'graph' as the request"],
  ])('refuses %j in the place of a request', async (request, problem) => {
    expect(await messageOf(() => onBehalfOf('graph', request as object))).toContain(`onBehalfOf: ${problem}`);
  });

  it('asks the fake of a test, with and without its request', async () => {
    const fakes = { graph: (request: Request) => Response.json({ url: request.url }) };
    const url = 'https://graph.microsoft.com/v1.0/me';
    const calls = () => Promise.all([onBehalfOf('graph').get('/me'), onBehalfOf('graph', { headers: {} }).get('/me')]);
    expect(await runAs({ scp: 'x' }, calls, { downstream: fakes })).toEqual([{ url }, { url }]);
  });
});

describe('a parameter that is filled twice', () => {
  it('keeps what the host filled it with for the same caller, and nothing else', async () => {
    const [ada, eve] = [await admitted(issuer.token({ oid: 'ada' })), await admitted(issuer.token({ oid: 'eve' }))];
    const fill = userApiFiller(['graph'])('Orders.list');
    const filled = fill(ada.context);
    expect(fill(ada.context, filled)).toBe(filled);
    const others = {
      'of another caller': fill(eve.context),
      'of no caller': fill(undefined),
      'of another decorator': userApiFiller(['graph'])('Orders.list')(ada.context),
      'of the application': applicationApiFiller(['graph'])('Orders.list')(ada.context),
      'of the request that runs': onBehalfOf('graph'),
      'that is no API': { getAccessToken: () => Promise.resolve('forged') },
      'that inherits from one': Object.create(filled) as object,
    };
    for (const [given, other] of Object.entries(others)) {
      const api = fill(ada.context, other);
      expect(api, given).not.toBe(other);
      expect(claimsOf(await api.getAccessToken()), given).toMatchObject({ oid: 'ada' });
    }
    expect(fill(undefined, filled), 'without a request').not.toBe(filled);
    await expect(fill(undefined, filled).getAccessToken()).rejects.toMatchObject({ code: 'missing_token' });
  });
});

describe('asApplication', () => {
  it('needs no request', async () => {
    const { token } = await asApplication('graph').getToken();
    expect(claimsOf(token)).toMatchObject({ aud: 'https://graph.microsoft.com', roles: ['access_as_app'] });
  });

  it('has the resource of the scopes that a client asks for', async () => {
    const { token } = await asApplication('graph').getToken('https://storage.azure.com/.default');
    expect(claimsOf(token)).toMatchObject({ aud: 'https://storage.azure.com' });
  });

  it('has the tenant that it is given, or else that of its API', async () => {
    const tenantId = crypto.randomUUID();
    await asApplication('graph', { tenantId }).getAccessToken();
    expect(issuer.tokenRequests.at(-1)?.tenant).toBe(tenantId);
    const { context } = await admitted(issuer.token());
    await currentRequest.run(context, () => asApplication('orders').getAccessToken());
    expect(issuer.tokenRequests.at(-1)).toMatchObject({
      tenant: issuer.options.tenantId,
      scopes: ['api://orders/.default'],
    });
    await refuses(() => asApplication('orders').getAccessToken(), 'missing_token');
  });

  it('gives a client of an Azure SDK no token where its tenant is that of the caller', async () => {
    const { context } = await admitted(issuer.token());
    const scope = 'api://orders/.default';
    for (const orders of [asApplication('orders'), asApplication('graph', { tenantId: 'caller' })]) {
      expect(await messageOf(() => currentRequest.run(context, () => orders.getToken(scope)))).toMatch(
        /^asApplication\('\w+'\) with tenantId 'caller' serves many tenants, .*@AsApplication\(/,
      );
    }
    const created = currentRequest.run(context, () => asApplication('orders'));
    const token = await currentRequest.run(context, () => created.getToken(scope));
    expect(claimsOf(token.token)).toMatchObject({ idtyp: 'app' });
    const tenantId = crypto.randomUUID();
    expect(claimsOf((await asApplication('orders', { tenantId }).getToken(scope)).token)).toBeDefined();
    const bound = applicationApiFiller(['orders'])('Orders.list')(context);
    expect(claimsOf((await bound.getToken(scope)).token)).toBeDefined();
  });

  it.each<[unknown, string]>([
    [{ tenantId: 'contoso.com' }, 'asApplication: tenantId: got a string of 11 characters; it takes a tenant id'],
    [{ tenant: 'caller' }, "asApplication: got 'tenant', which is no option; it takes tenantId"],
    ['caller', "asApplication: got 'caller'; it takes an object of options"],
  ])('refuses the options %j', async (options, problem) => {
    expect(await messageOf(() => asApplication('graph', options as object))).toContain(problem);
  });

  it('says what to call first', async () => {
    forgetIdentity();
    expect(await messageOf(() => asApplication('graph').get('/users'))).toBe(
      'asApplication was used before initialize(). Call initialize() first.',
    );
  });

  it('shares its tokens with all that is of one configuration, and not with the next', async () => {
    const before = issuer.requests.tokens;
    await Promise.all([asApplication('graph').getAccessToken(), asApplication('graph').getAccessToken()]);
    expect(issuer.requests.tokens - before).toBe(1);
    use();
    await asApplication('graph').getAccessToken();
    expect(issuer.requests.tokens - before).toBe(2);
  });
});
