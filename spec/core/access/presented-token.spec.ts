import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdmittedRequest, PresentedToken } from '../../../src/core/access/current-request.js';
import { presentedCredential, presentedToken } from '../../../src/core/access/presented-token.js';
import { requires } from '../../../src/core/access/requirement.js';
import { digestOf } from '../../../src/core/token/token-cache.js';
import { createIdentity } from '../../../src/core/identity.js';
import { enter } from '../../../src/gate/admission.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer();
});

afterAll(() => issuer.close());

const requestWith = (token: string) => ({ headers: { authorization: `Bearer ${token}` } as Record<string, string> });

async function admitted(request: ReturnType<typeof requestWith>, options: object = {}): Promise<AdmittedRequest> {
  const identity = createIdentity({ ...issuer.options, downstream: issuer.downstreamOptions, ...options });
  return enter(request, { ...requires.entra(), identity });
}

function presentedBy({ presented }: AdmittedRequest) {
  return presented ?? expect.fail('nothing is kept of the token');
}

describe('the token of a request', () => {
  it.each<[string, object]>([
    ['verified now', {}],
    ['verified without a cache', { tokenCache: false }],
    ['verified by either scheme', { b2c: { domainName: 'contoso', policies: 'B2C_1_susi' } }],
  ])('is the very one that was %s', async (_, options) => {
    const token = await issuer.token();
    const request = requestWith(token);
    expect(presentedToken(presentedBy(await admitted(request, options)))).toBe(token);
  });

  it('is known where it was remembered from before, and where its groups were looked up', async () => {
    const token = await issuer.token({ _claim_names: { groups: 'src1' } });
    const options = { ...issuer.options, downstream: issuer.downstreamOptions, resolveGroups: () => ['g'] };
    const identity = createIdentity(options);
    for (const outcome of ['verified', 'cached']) {
      const request = requestWith(token);
      const requirement = { ...requires.group('g'), identity };
      expect(await identity.authenticate(request, requirement)).toMatchObject({ outcome, digest: digestOf(token) });
      const context = await enter(request, requirement);
      expect(context.groups).toEqual(['g']);
      expect(presentedToken(presentedBy(context))).toBe(token);
    }
  });

  it('is found in the header that the option tokenHeader names, and in no other', async () => {
    const token = await issuer.token();
    const request = { headers: { 'x-token': token } as Record<string, string> };
    const presented = presentedBy(await admitted(request, { tokenHeader: 'X-Token' }));
    expect([presentedToken(presented), presentedToken(presented, presentedCredential(presented))]).toEqual([
      token,
      token,
    ]);
    request.headers = { authorization: `Bearer ${token}` };
    expect(presentedToken(presented)).toBeUndefined();
  });

  it.each<[string, (headers: Record<string, string>, other: string) => void]>([
    ['another token', (headers, other) => (headers['authorization'] = `Bearer ${other}`)],
    ['no token', (headers) => delete headers['authorization']],
    ['another scheme', (headers) => (headers['authorization'] = 'Basic eA==')],
    ['what is no token', (headers) => (headers['authorization'] = 'Bearer ')],
  ])('is missing once the header was changed to %s', async (_, change) => {
    const request = requestWith(await issuer.token());
    const presented = presentedBy(await admitted(request));
    change(request.headers, await issuer.token({ oid: 'other' }));
    expect(presentedToken(presented)).toBeUndefined();
  });

  it('is missing once the request is gone', async () => {
    const presented = presentedBy(await admitted(requestWith(await issuer.token())));
    const gone = { ...presented, request: { deref: () => undefined } as unknown as typeof presented.request };
    expect(presentedToken(gone)).toBeUndefined();
  });

  it('is not kept where no other API is called', async () => {
    const request = requestWith(await issuer.token());
    expect((await admitted(request, { downstream: undefined })).presented).toBeUndefined();
  });
});

describe('a token that is kept for use after its request', () => {
  type Carrier = ReturnType<typeof requestWith>;
  const presentedIn = (carrier: Carrier | undefined, token: string): PresentedToken => ({
    request: { deref: () => carrier } as PresentedToken['request'],
    digest: digestOf(token),
  });

  it('is the one that was verified, however often it is asked for', () => {
    const presented = presentedIn(requestWith('token'), 'token');
    const credential = presentedCredential(presented);
    const tokens = [1, 2, 3].map(() => presentedToken(presented, credential));
    expect(tokens).toEqual(['token', 'token', 'token']);
  });

  it('is taken at once: a later change of the header has no effect', () => {
    const request = requestWith('token');
    const presented = presentedIn(request, 'token');
    const credential = presentedCredential(presented);
    request.headers['authorization'] = 'Bearer other';
    expect([presentedToken(presented, credential), presentedToken(presented)]).toEqual(['token', undefined]);
  });

  it.each<[string, Carrier | undefined]>([
    ['carries another token', requestWith('other')],
    ['carries no token', { headers: {} }],
    ['carries another scheme', { headers: { authorization: 'Basic dG9rZW4=' } }],
    ['no longer exists', undefined],
  ])('is missing where the request %s', (_, carrier) => {
    const presented = presentedIn(carrier, 'token');
    const credential = presentedCredential(presented);
    expect([presentedToken(presented, credential), presentedToken(presented)]).toEqual([undefined, undefined]);
  });
});
