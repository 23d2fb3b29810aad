/** The order of the checks: a request in which several things are wrong is refused for the first of them. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { anyOf, type Requirement } from '../../src/core/access/requirement.js';
import { createIdentity } from '../../src/core/identity.js';
import type { NodeHeaders, RequestHeaders } from '../../src/core/token/credential.js';
import { startTestIssuer, type TestIssuer, type TokenOverrides } from '../../src/testing/test-issuer.js';
import { refuses, type RefusalName } from '../support/refusals.js';

const client = '11111111-2222-4333-8444-555555555555';
const stranger = '99999999-2222-4333-8444-555555555555';
const requirementOf = (kind: 'entra' | 'b2c' | 'any'): Requirement => ({
  scheme: { kind, policies: kind === 'b2c' ? ['B2C_1_susi'] : undefined },
  demands: [anyOf('scope', ['access_as_user'])],
});

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

/** One thing that is wrong with a request. */
interface Fault {
  readonly step: string;
  readonly refusal: RefusalName;
  readonly header?: TokenOverrides;
  readonly claims?: TokenOverrides;
  readonly text?: (text: string) => string;
  readonly headers?: (headers: NodeHeaders) => NodeHeaders;
}

const repeated: Fault = {
  step: 'credential',
  refusal: 'invalid_request',
  headers: ({ authorization }) => ({ authorization: [String(authorization), String(authorization)] }),
};
const unsigned: Fault = { step: 'header', refusal: 'algorithm', header: { alg: 'none' } };
const unreadable: Fault = {
  step: 'payload',
  refusal: 'malformed',
  text: (text) => text.replace(/\..*\./, `.${Buffer.from('{').toString('base64url')}.`),
};
const unknownKey: Fault = { step: 'key', refusal: 'key', header: { kid: 'made-up' } };
const forged: Fault = {
  step: 'signature',
  refusal: 'signature',
  text: (text) => `${text.slice(0, -10)}${text.at(-10) === 'A' ? 'B' : 'A'}${text.slice(-9)}`,
};
const otherAudience: Fault = { step: 'claims', refusal: 'audience', claims: { aud: stranger } };
const otherTenant: Fault = { step: 'tenant', refusal: 'tenant', claims: { tid: stranger } };
const otherPolicy: Fault = { step: 'policy', refusal: 'policy', claims: { tfp: 'B2C_1A_signin' } };
const otherClient: Fault = { step: 'client', refusal: 'client', claims: { azp: stranger } };
const otherScope: Fault = { step: 'demands', refusal: 'scope', claims: { scp: 'other.scope' } };

const ofEntra = [
  repeated,
  unsigned,
  unreadable,
  unknownKey,
  forged,
  otherAudience,
  otherTenant,
  otherClient,
  otherScope,
];
const ofB2c = [repeated, unsigned, unreadable, unknownKey, forged, otherAudience, otherPolicy, otherClient, otherScope];

const pairs = (faults: readonly Fault[]) =>
  faults.flatMap((earlier, index) =>
    faults.slice(index + 1).map((later) => [earlier.step, later.step, earlier, later] as const),
  );

async function requestWith(
  make: (claims: TokenOverrides, header: TokenOverrides) => Promise<string>,
  faults: readonly Fault[],
): Promise<RequestHeaders> {
  const claims = Object.assign({}, ...faults.map((fault) => fault.claims)) as TokenOverrides;
  const header = Object.assign({}, ...faults.map((fault) => fault.header)) as TokenOverrides;
  let text = await make(claims, header);
  for (const fault of faults) text = fault.text?.(text) ?? text;
  let headers: NodeHeaders = { authorization: `Bearer ${text}` };
  for (const fault of faults) headers = fault.headers?.(headers) ?? headers;
  return { headers };
}

describe.each([
  ['an Entra token', 'entra', ofEntra],
  ['an Entra token where either scheme is accepted', 'any', ofEntra],
  ['a B2C token', 'b2c', ofB2c],
] as const)('of %s', (_, kind, faults) => {
  const make = (claims: TokenOverrides, header: TokenOverrides) =>
    kind === 'b2c'
      ? issuer.b2cToken({ azp: client, ...claims }, header)
      : issuer.token({ azp: client, ...claims }, header);
  const configured = () => createIdentity({ ...issuer.options, b2c: issuer.b2cOptions, allowedClients: [client] });
  const check = (request: RequestHeaders, identity = configured()) =>
    identity.authenticate(request, requirementOf(kind));

  it.each(faults.map((fault) => [fault.step, fault] as const))('%s is checked', async (_step, fault) => {
    expect(await check(await requestWith(make, []))).toMatchObject({ outcome: 'verified' });
    const spoilt = await requestWith(make, [fault]);
    await refuses(() => check(spoilt), fault.refusal, fault === otherScope ? 'access_as_user' : undefined);
  });

  it.each(pairs(faults))('%s is checked before %s', async (_earlier, _later, earlier, later) => {
    const identity = configured();
    const request = await requestWith(make, [earlier, later]);
    await refuses(() => check(request, identity), earlier.refusal);
    // The order is the same where the keys are at hand.
    await identity.ready();
    await refuses(() => check(request, identity), earlier.refusal);
  });
});

describe('allowedTenants, where it is a function', () => {
  it.each<[string, boolean | Promise<boolean>]>([
    ['at once', false],
    ['later', Promise.resolve(false)],
  ])('is asked after the claims and before the client, and answers %s', async (_, answer) => {
    const allowedTenants = vi.fn(() => answer);
    const multiTenant = { ...issuer.options, tenantId: 'organizations', allowedTenants };
    const identity = createIdentity({ ...multiTenant, allowedClients: [client] });
    const check = async (...faults: readonly Fault[]) => {
      const request = await requestWith((claims) => issuer.token(claims), faults);
      return () => identity.authenticate(request, requirementOf('entra'));
    };
    await refuses(await check(otherAudience), 'audience');
    expect(allowedTenants).not.toHaveBeenCalled();
    await refuses(await check(otherClient, otherScope), 'tenant');
    expect(allowedTenants).toHaveBeenCalledExactlyOnceWith(issuer.options.tenantId);
  });
});
