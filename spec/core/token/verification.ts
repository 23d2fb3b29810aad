/** Verifies tokens of a test issuer, by a clock that the test moves. */
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import type { Authenticator, Requirement } from '../../../src/core/access/requirement.js';
import type { IdentityOptions } from '../../../src/core/configuration/options.js';
import { createIdentity } from '../../../src/core/identity.js';
import { startTestIssuer, type TestIssuer, type TokenOverrides } from '../../../src/testing/test-issuer.js';
import { fakeClock, type Clock } from '../../support/clock.js';
import { refuses, type RefusalName } from '../../support/refusals.js';

export const otherTenant = '99999999-2222-4333-8444-555555555555';
export const entra: Requirement = { scheme: { kind: 'entra', policies: undefined }, demands: [] };
export const b2c: Requirement = { scheme: { kind: 'b2c', policies: undefined }, demands: [] };

/** The clock of the issuer and of the API. It stands still in each test, until the test moves it. */
export let clock: Clock;
/** The issuer of the file that runs. */
export let issuer: TestIssuer;
/** An API's configuration of both schemes, new in each test. */
export let identity: Authenticator;
export let tenantId: string;
export let clientId: string;

/** Starts an issuer for the tests of a file. */
export function useIssuer(): void {
  beforeAll(async () => {
    clock = fakeClock();
    issuer = await startTestIssuer({ now: () => clock.now() });
    ({ tenantId, clientId } = issuer.options);
  });
  beforeEach(() => {
    clock = fakeClock();
    issuer.setFault();
    identity = configured();
  });
  afterAll(() => issuer.close());
}

export const configured = (options: IdentityOptions = {}) =>
  createIdentity({ ...issuer.options, b2c: issuer.b2cOptions, now: () => clock.now(), ...options });
export const verify = (token: string, requirement = entra, by = identity) =>
  by.authenticate({ headers: { authorization: `Bearer ${token}` } }, requirement);
export const authenticate = async (token: string, requirement = entra, by = identity) =>
  (await verify(token, requirement, by)).token;
export const nowSeconds = () => clock.now() / 1000;

export async function claimsOf(token: Promise<string>, requirement = entra, by = identity) {
  return (await authenticate(await token, requirement, by)).claims;
}

/** Refuses a token, though one that differs in nothing but what was spoilt is accepted. */
export async function refusesSpoilt(
  make: (claims?: TokenOverrides, header?: TokenOverrides) => Promise<string>,
  [claims, header]: readonly [(TokenOverrides | undefined)?, (TokenOverrides | undefined)?],
  name: RefusalName,
  requirement = entra,
  by = identity,
): Promise<void> {
  const [accepted, spoilt] = [await make(), await make(claims, header)];
  expect((await authenticate(accepted, requirement, by)).claims).toBeDefined();
  await refuses(() => authenticate(spoilt, requirement, by), name);
}

/** Answers as an issuer on another host would, with what the test changes in its documents. */
export function pretending(
  host: string,
  change: { configuration?: object; key?: object; v1?: object } = {},
): IdentityOptions {
  const answer = async (url: string, init?: RequestInit) => {
    const { pathname } = new URL(url);
    const response = await fetch(issuer.url + pathname, init);
    const document = (await response.json()) as { keys?: object[] };
    if (document.keys) return Response.json({ keys: document.keys.map((key) => ({ ...key, ...change.key })) });
    const keys = `${pathname.includes('/v2.0/') ? 'discovery/v2.0' : 'discovery'}/keys`;
    const own = pathname.includes('/v2.0/') ? change.configuration : change.v1;
    return Response.json({ ...document, jwks_uri: `https://${host}/${tenantId}/${keys}`, ...own });
  };
  return {
    instance: `https://${host}`,
    b2c: undefined,
    fetch: ((url: string, init) => answer(url, init)) as typeof fetch,
  };
}
